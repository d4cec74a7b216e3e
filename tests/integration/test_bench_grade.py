"""What is measured of grading is what it says, with so few samples that the numbers mean nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import grade_beside, grade_tools
from bench.grade_page import Beside, tables
from bench.grade_samples import judged
from tests.support.laptop import REPOSITORY

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="the bench is for Linux and macOS"),
]
SAMPLES = 60


def bench(tmp_path: Path, *words: str) -> tuple[str, Any]:
    """What is printed, and all measurements; nobody else is installed."""
    document = tmp_path / "page.md"
    document.write_text("<!-- bench.grade -->\nthe last ones\n<!-- end of bench.grade -->\n")
    saved = tmp_path / "grade.json"
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-m", "bench.grade", *words),
            *("--json", str(saved), "--document", str(document)),
        ],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "HYBRID_GRADE_PEERS": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() in document.read_text() and "the last ones" not in document.read_text()
    return done.stdout, json.loads(saved.read_text())


def test_every_rule_is_timed_on_every_kind_of_file(tmp_path: Path) -> None:
    printed, found = bench(tmp_path, "--part", "rules", "--outputs", "300")
    assert {(one["rule"], one["form"]) for one in found["rules"]} == {
        (rule, form) for rule in ("exact", "includes", "numeric", "cascade") for form in ("jsonl", "parquet")
    }
    assert all(one["outputs"] == 300 and one["seconds"] > 0 < one["peak"] for one in found["rules"])
    assert "Not installed: inspect_ai. Install it: `python3 -m venv " in printed


def test_the_slots_of_a_judge_are_counted(tmp_path: Path) -> None:
    _, found = bench(tmp_path, "--part", "slots", "--samples", "100")
    four, one = found["slots"]
    assert (four["slots"], four["samples"], one["slots"], one["samples"]) == (4, 100, 1, 20)
    for each in (four, one):
        assert each["counts"]["requests"] == each["counts"]["answered"] == each["samples"]
        assert each["counts"]["loads"] == 1
        assert 0.2 < each["counts"]["busy"] <= 1


def test_who_grades_what_is_too_long_and_who_loses_what_a_dead_server_leaves(tmp_path: Path) -> None:
    """Half of the samples that are too long are wrong, and a judge that sees a part of them passes them."""
    tool = grade_tools.Hybrid
    whole = grade_beside.whole(tool, SAMPLES, 6)
    assert (whole.lacking, whole.failed, whole.wrong, whole.counts.cut) == (6, 0, 0, 0)
    gone = grade_beside.gone(tool, SAMPLES, away_s=0.5)
    assert (gone.lacking, gone.wrong, gone.counts.again) == (0, 0, 0)
    back = grade_beside.back(tool, SAMPLES, away_s=0.5)
    assert (back.lacking, back.wrong, back.counts.loads) == (0, 0, 2)
    killed = grade_beside.killed(tool, SAMPLES)
    assert (killed.lacking, killed.wrong) == (0, 0)
    assert killed.counts.again <= 6, "answers on their way are lost with the process"
    beside = Beside(name=tool.name, whole=whole, back=back, gone=gone, killed=killed)
    assert "\n".join(tables([], [], [beside])).count("| hybrid ") == 4


def test_half_of_the_samples_are_right_and_so_are_half_of_the_long_ones() -> None:
    items = judged(200, 20)
    assert sum(item.is_right for item in items) == 100
    assert sum(item.is_right for item in items if item.is_long) == 10
    assert {item.is_long for item in items if len(item.answer) > 10_000} == {True}
