"""How busy a judge's slots are kept: one grading of many outputs, whose server counts what it is asked and when."""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import report
from bench.command import run
from bench.grade_samples import judged
from bench.grade_server import Counts, running
from bench.grade_tools import Hybrid, Task

_LEAST_BUSY = 0.95


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One grading with ``slots`` at the server, which hybrid is not told."""

    slots: int
    samples: int
    seconds: float
    counts: Counts

    @property
    def reached(self) -> str:
        told = self.counts
        is_kept = told.busy >= _LEAST_BUSY and told.loads == 1 and told.requests == self.samples
        return "reached" if is_kept else "**missed**"


def measured(samples: int, slots: int) -> Kept:
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name, running(slots) as server:
        tool = Hybrid(Task(home=Path(name), items=judged(samples), url=server.url))
        ran = run(tool.command, env={**os.environ, **tool.env}, cwd=tool.folder)
        found = Kept(slots=slots, samples=samples, seconds=ran.seconds, counts=server.counts)
    print(f"{slots} slots: {found.counts}, {found.seconds:.1f} s", file=sys.stderr)
    return found


def page(found: Sequence[Kept]) -> str:
    headings = [
        "slots",
        "samples",
        "requests",
        "loads",
        "samples a second",
        "slots busy",
        "at least",
        "result",
    ]
    rows = [
        [
            str(one.slots),
            f"{one.samples:,}",
            f"{one.counts.requests:,}",
            str(one.counts.loads),
            f"{one.samples / one.seconds:.1f}",
            f"{one.counts.busy:.1%}",
            f"{_LEAST_BUSY:.0%}",
            one.reached,
        ]
        for one in found
    ]
    return report.table(headings, rows)
