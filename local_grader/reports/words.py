"""How figures are said: the same words where a run is graded and where it is reported. Pure."""

import re
from collections.abc import Mapping

from ..arc_metrics import ArcSummary
from ..metrics import Summary
from ..notation import amount, between, interval, percent
from .characters import one_line
from .sense import MERIT, Sense

_MOST_PARTS = 20
_DIGEST = len("sha256:") + 12
NOTHING = "nothing could be graded"


def rate(right: float, of: int, ends: tuple[float, float] | None) -> str:
    """``31.9 % (12 of 39; 95 % interval 27.6 to 36.5 %)``."""
    if ends is None:
        return NOTHING
    return f"{percent(right / of)} ({amount(right)} of {of:,}; {interval(*ends)})"


def rate_of(part: Summary, ends: tuple[float, float] | None, clusters: int | None = None) -> str:
    """The same; values in between are an average, and no count of what is right. ``clusters`` is how many groups the interval allows
    for."""
    if ends is None:
        return NOTHING
    counted = (
        f"on average over {part.scored:,}" if part.partial else f"{amount(part.right)} of {part.scored:,}"
    )
    allowing = f", over {clusters:,} groups" if clusters else ""
    return f"{percent(part.right / part.scored)} ({counted}; {interval(*ends)}{allowing})"


def ends(part: Summary | ArcSummary) -> tuple[float, float] | None:
    """Of the interval that takes samples, or tasks, as independent; None where nothing was scored."""
    return None if part.low is None or part.high is None else (part.low, part.high)


def scorer(name: str, version: int, options: Mapping[str, object]) -> str:
    """With the options that say something."""
    told = ", ".join(
        f"{option}={_short(value)}" for option, value in options.items() if value not in (None, False)
    )
    return f"{name} v{version}" + (f" ({told})" if told else "")


def _short(value: object) -> object:
    """The SHA-256 of a file by its first digits: enough to tell two files apart."""
    is_digest = isinstance(value, str) and re.fullmatch(r"sha256:[0-9a-f]{64}", value)
    return str(value)[:_DIGEST] if is_digest else value


def samples(summary: Summary) -> str:
    unscored = summary.samples - summary.scored
    return f"{summary.samples:,}" + (f", of which {unscored:,} could not be graded" if unscored else "")


def share(part: Summary, whole: Summary, sense: Sense = MERIT) -> str:
    """How much of the whole a stage decided, and how much of that it found right, or what else ``sense`` says."""
    decided = f"{part.scored:,} decided ({percent(part.scored / whole.samples)})"
    if part.rate is None:
        return decided
    return f"{decided}, {percent(part.rate)} {'on average' if part.partial else f'of them {sense.high}'}"


def bounds(summary: Summary, sense: Sense = MERIT) -> list[tuple[str, str]]:
    """A row on what the rate would be if all that is not known were wrong, or right; none where all is known."""
    low, high = summary.floor, summary.ceiling
    if low is None or high is None or summary.scored == summary.samples + summary.missing:
        return []
    return [("bounds", f"{between(low, high)}, if all that was not graded were {sense.low}, or {sense.high}")]


def part_rows(parts: Mapping[str, Summary]) -> list[tuple[str, str, str]]:
    """Name, rate, samples of each part; nothing where there are too many to read."""
    if not 1 < len(parts) <= _MOST_PARTS:
        return []
    return [(one_line(name, 60), rate_of(part, ends(part)), samples(part)) for name, part in parts.items()]


def arc_rows(arc: ArcSummary, outputs: int) -> list[tuple[str, str]]:
    """``outputs`` is how many could be graded: what all but the tasks are shares of."""
    lines = [("tasks solved", rate(arc.solved, arc.tasks, ends(arc)))]
    lines += [(f"pass@{k}", f"{percent(share)} of {outputs:,} outputs") for k, share in arc.pass_at.items()]
    if arc.cell_accuracy is not None and arc.shape_match is not None:
        lines.append(("cells right", f"{percent(arc.cell_accuracy)} on average over {outputs:,} outputs"))
        lines.append(("shape right", f"{percent(arc.shape_match)} of {outputs:,} outputs"))
    if arc.unanswered_tasks:
        lines.append(("tasks without a graded answer", f"{arc.unanswered_tasks:,}"))
    return lines
