"""What a grading came to, as plain data: for ``--json`` and as rows of label and value. Rendering is elsewhere."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.errors import Problem

from .arc_metrics import ArcSummary
from .judge import JudgeUnavailable, NotNow
from .judging.asking import Health
from .judging.deciding import Decided
from .ledger import Entry
from .metrics import Summary
from .reports import lines, words
from .reports.sense import Sense, sense

_MOST_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """How much of a run there is to grade: ``shards_here`` of ``shards``, None where nobody knows of how many."""

    shards_here: int
    shards: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """``problems`` are rows and files that could not be read; ``skipped`` are files that hold no answers.

    ``missing`` names the first few references that nobody answered. ``ledger`` is the file with every grade, None where
    none is kept; ``recorded`` whether it was written now or had been there. ``partial`` is None where all of a run is here, or nobody knows.
    ``repeat_s`` is how many seconds all but the judges took: what grading the same again would take. ``arc`` is None for other scorers; ``stages`` is empty but for a cascade.
    ``decided`` is what judges said, None where none was asked.
    """

    entry: Entry
    files: int
    summary: Summary
    arc: ArcSummary | None
    stages: Mapping[str, Summary]
    shards: Mapping[str, Summary]
    groups: Mapping[str, Summary]
    missing: Sequence[str]
    problems: Sequence[Problem]
    skipped: Sequence[Problem]
    decided: Decided | None
    ledger: Path | None
    recorded: bool
    partial: Partial | None = None
    repeat_s: float = 0.0

    @property
    def sense(self) -> Sense:
        return sense(self.entry.judging.rubric if self.entry.judging else None)

    @property
    def waits(self) -> bool:
        """Whether judges were not, or not to the end, to be asked at this time."""
        return any(isinstance(trouble, NotNow) for trouble in self.troubles)

    @property
    def troubles(self) -> Sequence[JudgeUnavailable]:
        """Why judges could not be asked, or not to the end."""
        heard = self.decided.heard if self.decided else ()
        return [one.trouble for one in heard if one.trouble is not None]


def to_json(report: Report) -> dict[str, object]:
    """One JSON document; its fields are those of Report, with ``scorer`` and digests from its entry."""
    entry = report.entry
    return {
        "run": entry.run,
        "scorer": {"name": entry.scorer, "version": entry.scorer_version, "options": dict(entry.options)},
        "outputs_sha256": entry.outputs_sha256,
        "references_sha256": entry.references_sha256,
        "files": report.files,
        "summary": asdict(report.summary),
        "arc": asdict(report.arc) if report.arc else None,
        "stages": {name: asdict(summary) for name, summary in report.stages.items()},
        "shards": {name: asdict(summary) for name, summary in report.shards.items()},
        "groups": {name: asdict(summary) for name, summary in report.groups.items()},
        "missing": list(report.missing[:_MOST_NAMED]),
        "problems": [_problem(one) for one in report.problems],
        "skipped": [_problem(one) for one in report.skipped],
        "partial": asdict(report.partial) if report.partial else None,
        "ledger": None if report.ledger is None else str(report.ledger),
        "recorded": report.recorded,
        "judging": _judging(report),
    }


def _judging(report: Report) -> dict[str, object] | None:
    if report.decided is None or report.entry.judging is None:
        return None
    judging = report.entry.judging
    return {
        "rubric": judging.rubric,
        "pool": judging.pool,
        "undecided": report.decided.asked,
        "warning": report.decided.warning,
        "judges": [
            {
                "name": heard.name,
                "identity": asdict(heard.identity) if heard.identity else None,
                **asdict(heard.health),
                "warnings": list(heard.warnings),
                "trouble": None if heard.trouble is None else str(heard.trouble),
            }
            for heard in report.decided.heard
        ],
    }


def rows(report: Report) -> list[tuple[str, str]]:
    """What a person wants to read, most important first: what a report of the kept grades says, as far as it was counted in
    passing. Its interval takes samples as independent."""
    entry, judging = report.entry, report.entry.judging
    models = [judge.model for judge in judging.judges] if judging else []
    known_of = lines.known_of(models, judging.rubric if judging else None)
    counted = lines.Counted(
        method=lines.method(
            entry.scorer,
            entry.scorer_version,
            entry.options,
            judging.rubric if judging else None,
            models,
            judging.pool if judging else "",
        ),
        summary=report.summary,
        interval=words.ends(report.summary),
        arc=report.arc,
        stages=report.stages,
        unanswered=report.missing,
        unread=[str(problem) for problem in report.problems],
        sense=report.sense,
    )
    return [*here(report), *lines.rows(counted), *known_of, *asked(report)]


def here(report: Report) -> list[tuple[str, str]]:
    """How much of a run that is not whole there is; nothing for a whole one."""
    return [("partial", f"{_here(report.partial)} here")] if report.partial else []


def asked(report: Report) -> list[tuple[str, str]]:
    """What each judge had to do this time."""
    return [
        (f"asked {heard.name}", _asked(heard.health))
        for heard in (report.decided.heard if report.decided else ())
    ]


def so_far(report: Report) -> str:
    """A partial result in a line."""
    summary = report.summary
    parts = [f"{_here(report.partial)} here: "] if report.partial else []
    parts.append(words.rate_of(summary, words.ends(summary)))
    unscored = sum(summary.unscored.values())
    if unscored:
        parts.append(f"; {unscored:,} not graded ({', '.join(summary.unscored)})")
    if summary.missing:
        parts.append(f"; {summary.missing:,} not answered yet")
    return "".join(parts)


def _here(partial: Partial) -> str:
    of = f" of {partial.shards}" if partial.shards is not None else ""
    shards = partial.shards_here if partial.shards is None else partial.shards
    return f"{partial.shards_here}{of} shard{'' if shards == 1 else 's'}"


def _asked(health: Health) -> str:
    said = [f"{health.answered:,} judged", f"{health.known:,} known from before"]
    if health.failed:
        said.append(f"{health.failed:,} could not be judged")
    return ", ".join(said)


def _problem(problem: Problem) -> dict[str, str]:
    return {"path": os.fsdecode(problem.path), "what": problem.what}
