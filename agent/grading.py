"""What is asked of the grader: what a person said, then what ``[grade]`` says. For ``hybrid grade`` and for the agent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_grader import scorers
from local_grader.judges import JudgeSettings
from local_grader.judging.panel import Pool
from local_grader.judging.wish import JudgingRequest
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import names_run
from local_grader.reading.rows import READABLE
from local_grader.request import Request
from local_grader.scorer import Option
from sync.errors import UsageError

from .config_grade import GradeSettings
from .hours import Hours
from .project import Project
from .run_facts import FactsMemory
from .run_names import meant
from .state import FILE_NAME, opened


@dataclass(frozen=True, kw_only=True)
class Said:
    """What wins over the settings; None and empty where nothing was said."""

    scorer: str | None = None
    references: Path | None = None
    files: tuple[str, ...] = ()
    fields: Fields = field(default_factory=Fields)
    options: Mapping[str, Option] = field(default_factory=dict)
    judges: tuple[str, ...] = ()
    rubric: str | None = None
    pool: str | None = None
    endpoint: str | None = None
    slots: int | None = None
    context: int | None = None
    rivals: str | None = None
    fresh: bool = False
    may_pull: Callable[[str], bool] = lambda _model: False
    tell: Callable[[str], None] = lambda _sentence: None


def request_for(
    project: Project, target: str, said: Said | None = None, hours: Hours | None = None
) -> Request:
    """How ``target``, a pulled run or a file, is to be graded; judges are asked within ``hours``, None for at any time.

    Raises UsageError where nothing names a scorer.
    """
    said = said or Said()
    settings = project.config.grade
    rubric = said.rubric or settings.rubric
    judges = said.judges or settings.judge
    name = said.scorer or settings.scorer or (_scorer_before(rubric) if judges else None)
    if name is None:
        raise UsageError(
            "No scorer was chosen.",
            f"Choose one with --scorer, or under [grade]: {', '.join(scorers.NAMES)}; or a model with --judge.",
        )
    if name == "judge" and not judges:
        raise UsageError("No model was chosen to judge.", "Name one with --judge, or under [grade].")
    if name not in scorers.LEAVING or not judges:
        _refuse_unheard(said)
    if said.judges and name not in scorers.LEAVING:
        raise UsageError(
            f"The scorer {name} decides about every answer and needs no judge.",
            f"Leave --judge out, or choose a scorer that leaves something open: {', '.join(scorers.LEAVING)}.",
        )
    outputs = project.root / project.config.project.outputs
    options = _options(name, said.options, settings)
    is_judged = bool(judges) and name in scorers.LEAVING
    run = pulled(outputs, target)
    return Request(
        target=run or _there(target),
        is_sample=run is not None and _is_sample(project, run),
        scorer=name,
        outputs=outputs,
        ledger=project.state_dir / "ledger",
        options={**scorers.LEAVING[name], **options} if is_judged else options,
        fields=Fields(
            id=said.fields.id or settings.id_field,
            answer=said.fields.answer or settings.answer_field,
            reference=said.fields.reference or settings.reference_field,
            group=said.fields.group or settings.group_field,
            context=said.fields.context,
        ),
        references=said.references or settings.references,
        files=said.files or settings.files,
        judging=_judging(project, said, judges, rubric, outputs, hours) if is_judged else None,
    )


def _judging(
    project: Project,
    said: Said,
    judges: tuple[str, ...],
    rubric: str,
    outputs: Path,
    hours: Hours | None,
) -> JudgingRequest:
    settings = project.config.grade
    return JudgingRequest(
        judges=judges,
        rubric=rubric,
        # What was typed is meant from here, what was written from where it was written.
        folder=Path.cwd() if said.rubric else project.root,
        journal=project.state_dir / "verdicts.db",
        settings=JudgeSettings(
            endpoint=said.endpoint or settings.endpoint,
            context=said.context or settings.context,
            reply_tokens=settings.reply_tokens,
            seed=settings.seed,
        ),
        pool=Pool(said.pool or settings.pool),
        slots=said.slots or settings.slots,
        fresh=said.fresh,
        rivals=(pulled(outputs, said.rivals) or _there(said.rivals)) if said.rivals else None,
        may_pull=said.may_pull,
        may_ask=lambda: hours is None or not hours.why_not(),
        tell=said.tell,
    )


def _refuse_unheard(said: Said) -> None:
    """What is about judges means nothing where none is asked; left alone, it would be taken for heard."""
    asked = {"rubric": said.rubric, "pool": said.pool, "against": said.rivals, "fresh": said.fresh or None}
    given = [f"--{name}" for name, value in asked.items() if value is not None]
    if given and not said.judges:
        raise UsageError(
            f"{given[0]} is about judges, and none is asked.",
            "Name one with --judge, and a scorer that leaves something open, or leave it out.",
        )


def _scorer_before(rubric: str) -> str:
    """Where correctness is asked for, rules decide the plain cases, for nothing and better than a small model."""
    return "cascade" if rubric == "correct" else "judge"


def pulled(outputs: Path, word: str) -> str | None:
    """The pulled run that ``word`` means, by its id, the beginning of that, or its name."""
    if not outputs.is_dir():
        return None
    return meant(
        word, (each.name for each in outputs.iterdir() if each.is_dir() and not each.name.startswith("."))
    )


def _there(word: str) -> str:
    """``word``, which means no run that is here. Raises UsageError for a file that is not there."""
    if Path(word).exists():
        return word
    if word == "-":
        raise UsageError(
            "Answers are read from a file, and not from standard input.",
            "Write them to a file, say answers.jsonl, and name that.",
        )
    if Path(word).suffix.lower() in READABLE or Path(word).name != word:
        raise UsageError(f"There is no file {word}.", f"Look at the path; it begins at {Path.cwd()}.")
    return word


def _is_sample(project: Project, run: str) -> bool:
    """Whether the run took only the first of its inputs, as far as is known here."""
    if not (project.state_dir / FILE_NAME).is_file():
        return False
    with opened(project, lambda _sentence: None) as state:
        facts = FactsMemory(state).get(run)
    return facts is not None and facts.spec.sample


def _options(scorer: str, given: Mapping[str, Option], settings: GradeSettings) -> dict[str, Option]:
    """What was said, whether it fits the scorer or not; and of the settings what fits."""
    known = scorers.options_of(scorer)
    settled: dict[str, Option] = {
        "pattern": settings.pattern,
        "tolerance": settings.tolerance,
        "allow_code": settings.allow_code or None,
    }
    fitting = {name: value for name, value in settled.items() if name in known and value is not None}
    return {**fitting, **given}


def called_by(request: Request, run: str) -> str:
    """What other commands know the outputs by: the path of what is no run, which several may share a name."""
    is_run = names_run(request.outputs, request.target)
    return run if is_run or not Path(request.target).exists() else request.target
