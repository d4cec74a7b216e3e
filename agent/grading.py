"""What is asked of the grader: what a person said, then what ``[grade]`` says. For ``hybrid grade`` and for the agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_grader import scorers
from local_grader.reading.fields import Fields
from local_grader.request import Request
from local_grader.scorer import Option
from sync.errors import UsageError

from .config_grade import GradeSettings
from .project import Project
from .run_names import meant


@dataclass(frozen=True, kw_only=True)
class Said:
    """What wins over the settings; None and empty where nothing was said."""

    scorer: str | None = None
    references: Path | None = None
    files: tuple[str, ...] = ()
    fields: Fields = field(default_factory=Fields)
    options: Mapping[str, Option] = field(default_factory=dict)


def request_for(project: Project, target: str, said: Said | None = None) -> Request:
    """How ``target``, a pulled run or a file, is to be graded. Raises UsageError where nothing names a scorer."""
    said = said or Said()
    settings = project.config.grade
    name = said.scorer or settings.scorer
    if name is None:
        raise UsageError(
            "No scorer was chosen.",
            f"Choose one with --scorer, or under [grade]: {', '.join(scorers.NAMES)}.",
        )
    outputs = project.root / project.config.project.outputs
    return Request(
        target=_pulled(outputs, target) or target,
        scorer=name,
        outputs=outputs,
        ledger=project.state_dir / "ledger",
        options=_options(name, said.options, settings),
        fields=Fields(
            id=said.fields.id or settings.id_field,
            answer=said.fields.answer or settings.answer_field,
            reference=said.fields.reference or settings.reference_field,
            group=said.fields.group,
        ),
        references=said.references or settings.references,
        files=said.files or settings.files,
    )


def _pulled(outputs: Path, word: str) -> str | None:
    """The pulled run that ``word`` means, by its id, the beginning of that, or its name."""
    if not outputs.is_dir():
        return None
    return meant(
        word, (each.name for each in outputs.iterdir() if each.is_dir() and not each.name.startswith("."))
    )


def _options(scorer: str, given: Mapping[str, Option], settings: GradeSettings) -> dict[str, Option]:
    """What was said, whether it fits the scorer or not; and of the settings what fits."""
    known = scorers.options_of(scorer)
    settled: dict[str, Option] = {"pattern": settings.pattern, "tolerance": settings.tolerance}
    fitting = {name: value for name, value in settled.items() if name in known and value is not None}
    return {**fitting, **given}
