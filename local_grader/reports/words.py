"""How figures are said: the same words where a run is graded and where it is reported. Pure."""

from collections.abc import Mapping

from ..arc_metrics import ArcSummary
from ..metrics import Summary
from .characters import one_line

_MOST_PARTS = 20


def rate(right: float, of: int, interval: Summary | ArcSummary) -> str:
    if interval.rate is None:
        return "nothing could be graded"
    ends = f"95 % interval {interval.low:.1%} to {interval.high:.1%}"
    return f"{interval.rate:.1%} ({amount(right)} of {of:,}; {ends})"


def scorer(name: str, version: int, options: Mapping[str, object]) -> str:
    """With the options that say something."""
    told = ", ".join(f"{option}={value}" for option, value in options.items() if value not in (None, False))
    return f"{name} v{version}" + (f" ({told})" if told else "")


def amount(right: float) -> str:
    """The sum of values, in full however large."""
    return f"{round(right, 3):,.15g}"


def samples(summary: Summary) -> str:
    unscored = summary.samples - summary.scored
    return f"{summary.samples:,}" + (f", of which {unscored:,} could not be graded" if unscored else "")


def share(part: Summary, whole: Summary) -> str:
    """How much of the whole a stage decided, and how much of that it found right."""
    decided = f"{part.scored:,} decided ({part.scored / whole.samples:.0%})"
    return decided if part.rate is None else f"{decided}, {part.rate:.1%} of them right"


def bounds(summary: Summary) -> list[tuple[str, str]]:
    """A row on what the rate would be if all that is not known were wrong, or right; none where all is known."""
    low, high = summary.floor, summary.ceiling
    if low is None or high is None or summary.scored == summary.samples + summary.missing:
        return []
    return [
        ("bounds", f"{low:.1%} to {high:.1%}, if all that was not graded or answered were wrong, or right")
    ]


def part_rows(parts: Mapping[str, Summary]) -> list[tuple[str, str, str]]:
    """Name, rate, samples of each part; nothing where there are too many to read."""
    if not 1 < len(parts) <= _MOST_PARTS:
        return []
    return [
        (one_line(name, 60), rate(part.right, part.scored, part), samples(part))
        for name, part in parts.items()
    ]


def arc_rows(arc: ArcSummary) -> list[tuple[str, str]]:
    lines = [("tasks solved", rate(arc.solved, arc.tasks, arc))]
    lines += [(f"pass@{k}", f"{share:.1%}") for k, share in arc.pass_at.items()]
    if arc.cell_accuracy is not None and arc.shape_match is not None:
        lines.append(("cells right", f"{arc.cell_accuracy:.1%} on average"))
        lines.append(("shape right", f"{arc.shape_match:.1%}"))
    if arc.unanswered_tasks:
        lines.append(("tasks without a graded answer", str(arc.unanswered_tasks)))
    return lines
