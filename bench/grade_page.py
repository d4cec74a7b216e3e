"""The tables about grading, from what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import grade_rules, grade_slots, report
from bench.grade_beside import AWAY_S, PATIENCE_S, SLOTS, Outcome
from bench.grade_rules import Graded
from bench.grade_slots import Kept


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One program, in each scene of ``grade_beside``; None where it was not tried."""

    name: str
    whole: Outcome
    back: Outcome | None
    gone: Outcome | None
    killed: Outcome | None


def tables(rules: Sequence[Graded], slots: Sequence[Kept], beside: Sequence[Beside]) -> list[str]:
    """Each with a line before it that says what it holds; none for what was not measured."""
    parts: list[str] = []
    if slots:
        parts += ["hybrid and a judge, of whose slots it is told nothing:", grade_slots.page(slots)]
    if rules:
        parts += ["Outputs graded by rule, the whole command from start to exit:", grade_rules.page(rules)]
    if beside:
        first = beside[0].whole
        parts += [
            f"The same {first.items:,} outputs, {first.long} of them longer than the judge's context, and {SLOTS} slots:",
            _whole(beside),
            "Half as many outputs, all of which fit. The server dies when half are judged, and is there again "
            f"{AWAY_S:.0f} s later:",
            _dead([(one.name, one.back) for one in beside], "seconds"),
            f"It dies and stays away; who has not ended {PATIENCE_S:.0f} s later gets ^C. Then the server is there again, and the "
            "program is told to go on:",
            _dead([(one.name, one.gone) for one in beside], "seconds of going on"),
            "The server stays, and the program is killed when half are judged. Then it is told to go on:",
            _dead([(one.name, one.killed) for one in beside], "seconds of going on"),
        ]
    return parts


def _whole(beside: Sequence[Beside]) -> str:
    headings = [
        "program",
        "samples a second",
        "hybrid's, divided by it",
        "slots busy",
        "peak memory",
        "judged from a cut prompt",
        "wrong verdicts",
        "no verdict, and said so",
        "no verdict, counted as wrong",
    ]
    own = _rate(beside[0].whole)
    rows = [
        [
            one.name,
            f"{_rate(one.whole):.1f}",
            f"{own / _rate(one.whole):.2f}",
            f"{one.whole.counts.busy:.1%}",
            report.size(one.whole.peak),
            str(one.whole.counts.cut),
            str(one.whole.wrong),
            str(one.whole.lacking - one.whole.failed),
            str(one.whole.failed),
        ]
        for one in beside
    ]
    return report.table(headings, rows)


def _dead(scenes: Sequence[tuple[str, Outcome | None]], seconds: str) -> str:
    headings = ["program", seconds, "samples lost", "of these counted as wrong", "answered, and asked again"]
    rows = [
        [
            name,
            report.seconds(one.seconds),
            str(one.lacking),
            str(one.failed),
            str(one.counts.again),
        ]
        for name, one in scenes
        if one is not None
    ]
    return report.table(headings, rows)


def _rate(outcome: Outcome) -> float:
    return outcome.items / outcome.seconds
