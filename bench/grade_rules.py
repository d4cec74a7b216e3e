"""A million outputs graded by rule: how many a second, from the start of the command to its exit, and in how much memory."""

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import report
from bench.command import run
from bench.grade_samples import write_rows
from tests.support.laptop import REPOSITORY

PLAIN = ("exact", "includes", "numeric")
RULES = (*PLAIN, "cascade")
FORMATS = ("jsonl", "parquet")
_LEAST_PER_S, _MOST_MEMORY = 100_000, 500e6


@dataclass(frozen=True, kw_only=True)
class Graded:
    """``peak`` in bytes, of the command's processes together."""

    rule: str
    form: str
    outputs: int
    seconds: float
    peak: int

    @property
    def per_s(self) -> float:
        return self.outputs / self.seconds

    @property
    def reached(self) -> str:
        """The rate is promised of the plain rules only, the memory of all."""
        missed = self.peak > _MOST_MEMORY or (self.rule in PLAIN and self.per_s < _LEAST_PER_S)
        return "**missed**" if missed else "reached"


def measured(outputs: int, rules: Sequence[str] = RULES) -> Iterator[Graded]:
    for rule in rules:
        for form in FORMATS:
            with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
                found = _one(Path(name), rule, form, outputs)
            print(f"{rule:9} {form:8} {found.per_s:9,.0f}/s {report.size(found.peak)}", file=sys.stderr)
            yield found


def _one(home: Path, rule: str, form: str, outputs: int) -> Graded:
    project = home / "project"
    project.mkdir()
    (project / "hybrid.toml").write_text('[project]\nid = "bench"\n')
    # Apart, because what this process needs of memory counts for those that it starts.
    making = multiprocessing.get_context("spawn").Process(
        target=write_rows, args=(rule, outputs, project / f"answers.{form}")
    )
    making.start()
    making.join()
    words = [sys.executable, "-m", "agent", "grade", f"answers.{form}", "--scorer", rule, "--json"]
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    ran = run(words, env=env, cwd=project, together=True)
    graded = json.loads(ran.out)["summary"]["samples"]
    if graded != outputs:
        raise ValueError(f"{rule}: {graded} of {outputs} outputs were graded")
    return Graded(rule=rule, form=form, outputs=outputs, seconds=ran.seconds, peak=ran.peak)


def page(found: Sequence[Graded]) -> str:
    headings = ["rule", "file", "outputs", "seconds", "outputs a second", "peak memory", "result"]
    rows = [
        [
            one.rule,
            {"jsonl": "JSON lines", "parquet": "Parquet"}[one.form],
            f"{one.outputs:,}",
            report.seconds(one.seconds),
            f"{one.per_s:,.0f}",
            report.size(one.peak),
            one.reached,
        ]
        for one in found
    ]
    return report.table(headings, rows)
