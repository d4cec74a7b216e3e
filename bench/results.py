"""What was measured, and how it compares with the goals."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import report
from bench.goals import HYBRID, MEMORY, Case, Goal, Measure, Row, Sample


@dataclass
class Results:
    """``samples`` and ``failures``: case -> peer -> one for each repeat, or why there is none."""

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    on_add: Callable[[], None] = field(default=lambda: None)
    """Called after each: a measurement of half an hour should not be lost with what follows."""

    def add(self, case: str, peer: str, sample: Sample) -> None:
        self.samples.setdefault(case, {}).setdefault(peer, []).append(sample)
        told = f"{report.seconds(sample.seconds)} s, {report.size(sample.up)} up, {report.size(sample.down)} down"
        print(f"{case:12} {peer:15} {told}, {report.size(sample.peak)} of memory", file=sys.stderr)
        self.on_add()

    def fail(self, cases: Iterable[str], peer: str, why: str) -> None:
        """Notes it for those of ``cases`` that the peer has not got to. The last line of ``why`` is shown."""
        for case in cases:
            if peer not in self.samples.get(case, {}):
                self.failures.setdefault(case, {})[peer] = why
                print(f"{case:12} {peer:15} failed: {last_line(why)}", file=sys.stderr)
        self.on_add()

    def value(self, case: str, peer: str, measure: Measure) -> float | None:
        """The median over all repeats; of memory the most. None where it was not measured."""
        found = [measure.of(sample) for sample in self.samples.get(case, {}).get(peer, [])]
        if not found:
            return None
        return max(found) if measure is MEMORY else median(found)

    def to_json(self) -> dict[str, Any]:
        samples = {
            case: {peer: [asdict(each) for each in found] for peer, found in peers.items()}
            for case, peers in self.samples.items()
        }
        return {"samples": samples, "failures": self.failures}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How hybrid did in one row. ``ratios``: the value divided by that of each peer that a goal names."""

    case: Case
    row: Row
    value: float | None
    ratios: dict[str, float | None]

    def keeps(self, goal: Goal) -> bool | None:
        """None where it cannot be told, because something was not measured."""
        found = self.ratios[goal.beside] if goal.beside else self.value
        return None if found is None else found <= goal.most

    @property
    def in_a_word(self) -> str:
        reached = self.keeps(self.row.target)
        if reached is None:
            return "not measured"
        if not reached:
            return "**missed**"
        return "reached, and the aim" if self.row.aim and self.keeps(self.row.aim) else "reached"


def verdicts(results: Results, cases: Iterable[Case]) -> list[Verdict]:
    """One for each row of the cases that have any."""
    found = []
    for case in cases:
        for row in case.rows:
            value = results.value(case.name, HYBRID, row.measure)
            beside = {goal.beside for goal in (row.target, row.aim) if goal and goal.beside}
            others = {peer: results.value(case.name, peer, row.measure) for peer in beside}
            ratios = {peer: value / other if value and other else None for peer, other in others.items()}
            found.append(Verdict(case=case, row=row, value=value, ratios=ratios))
    return found


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:300]
