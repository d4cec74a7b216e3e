"""``hybrid today`` as people read it: a few sentences, two tables, and pictures where they can be drawn. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence

from local_grader.notation import amount, percent

from .grades_text import graded_by
from .run_table import Table
from .sizes import count, duration, size
from .today import ENDED, DayGrade, DayRun, Today
from .today_since import spoken

PICTURE = 24
"""Characters of the time that is told of."""
_HEIGHTS = "▁▂▃▄▅▆▇█"
_NAME = 20


def head(day: Today, *, pictures: bool = False) -> str:
    """One sentence, or two: what there was."""
    phases = Counter(each.phase for each in day.runs)
    parts = []
    if day.pushes.count:
        pushes = day.pushes
        line = "1 push" if pushes.count == 1 else f"{pushes.count:,} pushes"
        line += f" ({count(pushes.files, 'file')}, {size(pushes.sent_bytes)} sent)"
        parts.append(f"{line} {sparkline(pushes.times, day.since, day.until)}" if pictures else line)
    parts += [f"{count(number, 'run')} {phase}" for phase, number in phases.items()]
    if day.grades:
        parts.append(count(len(day.grades), "grading"))
    text = f"Since {spoken(day.since)}: {', '.join(parts) or 'nothing'}."
    if day.waiting:
        text += f" Changes wait to be published: {day.waiting}."
    return text


def runs(day: Today, called: Callable[[str], str] = str, *, pictures: bool = False) -> Table:
    """A row a run: the one heard of last at the bottom. ``called`` is what to write for its id; the picture says when it
    was under way, from left to now."""
    columns = ("run", "name", "phase", "took", "shards")
    rows = [
        (
            called(each.run),
            _cut(each.name),
            f"{each.phase}: {each.note}" if each.note else each.phase,
            duration(each.took_s) if each.took_s is not None else "",
            _shards(each),
        )
        for each in day.runs
    ]
    if not pictures:
        return columns, list(rows)
    bars = [bar(each, day.since, day.until) for each in day.runs]
    header = f"{spoken(day.since)[:-6]} to now"
    return (*columns, header), [(*row, drawn) for row, drawn in zip(rows, bars, strict=True)]


def grades(day: Today, called: Callable[[str], str] = str, *, pictures: bool = False) -> Table:
    """A row a grading: the part of what could be graded that is right, as a share and in samples."""
    columns = ("run", "graded by", "right", "of samples", "not graded")
    rows = []
    for each in day.grades:
        left = [
            words
            for number, words in (
                (each.samples - each.scored, "could not be"),
                (each.missing, "never answered"),
            )
            if number
            for words in [f"{number:,} {words}"]
        ]
        rate = percent(each.rate) if each.rate is not None else "none"
        rows.append(
            (
                called(each.run),
                graded_by(each.scorer, each.judges),
                rate,
                f"{amount(each.right)}/{each.scored:,}",
                ", ".join(left),
            )
        )
    if not pictures:
        return columns, list(rows)
    return (*columns[:3], "", *columns[3:]), [
        (*row[:3], gauge(each), *row[3:]) for row, each in zip(rows, day.grades, strict=True)
    ]


def tail(day: Today) -> list[str]:
    """What needs the user, and what it cost: a sentence a line."""
    lines = [f"Needs you: {each.what} {each.how}".rstrip() for each in day.needs]
    lines += [
        f"Spent by the agent's machines: {amount:,.2f} {currency}." for currency, amount in day.spent.items()
    ]
    return lines


def bar(run: DayRun, since: float, until: float, width: int = PICTURE) -> str:
    """When the run was under way: ``····━━━━━━··``. Its queueing and its end are at least one character."""
    begin = _place(run.queued if run.queued is not None else since, since, until, width)
    end = _place(run.ended if run.ended is not None else until, since, until, width)
    begin = min(begin, end)
    return "·" * begin + "━" * (end - begin + 1) + "·" * (width - end - 1)


def sparkline(times: Sequence[float], since: float, until: float, width: int = PICTURE) -> str:
    """How many there were in each part of the time: ``▁▁▃█``."""
    counts = Counter(_place(each, since, until, width) for each in times)
    most = max(counts.values(), default=1)
    return "".join(
        _HEIGHTS[-(-counts[at] * (len(_HEIGHTS) - 1) // most)] if counts[at] else _HEIGHTS[0]
        for at in range(width)
    )


def gauge(grade: DayGrade, width: int = 10) -> str:
    """The part that is right: full and empty only where all or none is."""
    if grade.rate is None:
        return ""
    full = round(grade.rate * width)
    if 0 < grade.rate < 1:
        full = min(max(full, 1), width - 1)
    return "█" * full + "░" * (width - full)


def next_step(day: Today) -> str:
    """A command, or nothing."""
    graded = {each.run for each in day.grades}
    for each in reversed(day.runs):
        if each.phase == "failed":
            return f"hybrid logs {each.run}"
        if each.phase == "done" and each.run not in graded:
            return f"hybrid grade {each.run}"
        if each.phase not in ENDED:
            return "hybrid status"
    return ""


def _place(at: float, since: float, until: float, width: int) -> int:
    """The character in which a moment lies; the nearest one where it is outside."""
    span = until - since
    return min(max(int((at - since) / span * width), 0), width - 1) if span > 0 else width - 1


def _shards(run: DayRun) -> str:
    if run.shards is None:
        return ""
    return f"{run.here}/{run.shards}" if run.here is not None else str(run.shards)


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
