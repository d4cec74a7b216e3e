"""What a grading came to as rows of label and value: one source of them, fed by counts, whether its grades were read back or
counted in passing. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..arc_metrics import ArcSummary
from ..judges import known
from ..metrics import Summary
from . import words
from .characters import one_line
from .sense import MERIT, Sense


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """``interval`` holds the ends of the rate's 95 % interval, None where nothing was scored; ``clusters`` is how many groups it
    allows for, None where samples are taken as independent. ``corrected`` is a sentence on what labels say of the rate.
    ``reasons`` names the first sample that was not graded for a reason, with the explanation, where that is known;
    ``unanswered`` the first few samples that nobody answered, ``unread`` what could not be read."""

    method: str
    summary: Summary
    interval: tuple[float, float] | None
    arc: ArcSummary | None
    stages: Mapping[str, Summary]
    clusters: int | None = None
    corrected: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    unanswered: Sequence[str] = ()
    unread: Sequence[str] = ()
    sense: Sense = MERIT


_NAMED = 3


def method(
    scorer: str,
    version: int,
    options: Mapping[str, object],
    rubric: str | None = None,
    judges: Sequence[str] = (),
    pool: str = "",
) -> str:
    """The scorer with its options, and the judges with theirs, on one line. ``rubric`` is None where no judge was to be asked."""
    said = words.scorer(scorer, version, options)
    if rubric is None:
        return one_line(said)
    pooled = f", pooled by {pool}" if len(judges) > 1 else ""
    return one_line(f"{said}, then {', '.join(judges) or 'no judge'} with rubric {rubric}{pooled}")


def rows(counted: Counted) -> list[tuple[str, str]]:
    """What a person wants to read, most important first."""
    summary = counted.summary
    lines = [
        ("graded by", counted.method),
        ("samples", words.samples(summary)),
        (
            "outputs right" if counted.arc else "score" if summary.partial else counted.sense.high,
            words.rate_of(summary, counted.interval, counted.clusters),
        ),
    ]
    if counted.corrected:
        lines.append(("corrected", counted.corrected))
    if counted.arc:
        lines += words.arc_rows(counted.arc, summary.scored)
    for reason, count in summary.unscored.items():
        first = [counted.reasons[reason]] if reason in counted.reasons else []
        lines.append((f"not graded: {one_line(reason, 60)}", _named(count, first, 120)))
    if summary.missing:
        lines.append(("never answered", _named(summary.missing, counted.unanswered[:_NAMED], 40)))
    if counted.unread:
        lines.append(("not read", _named(len(counted.unread), counted.unread[:1], 120)))
    lines += words.bounds(summary, counted.sense)
    return [
        *lines,
        *(
            (f"decided by {one_line(name, 40)}", words.share(part, summary, counted.sense))
            for name, part in counted.stages.items()
        ),
    ]


def known_of(models: Iterable[str], rubric: str | None) -> list[tuple[str, str]]:
    """What was measured of each judge that is useful for that rubric, where nothing speaks against it."""
    found = ((model, known.told(model, rubric)) for model in models)
    return [(f"known of {one_line(model, 40)}", one_line(said)) for model, said in found if said]


def _named(count: int, first: Sequence[str], longest: int) -> str:
    """``12 (a, b, …)``."""
    if not first:
        return f"{count:,}"
    more = ", …" if count > len(first) else ""
    return f"{count:,} ({', '.join(one_line(each, longest) for each in first)}{more})"
