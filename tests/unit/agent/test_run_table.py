"""The table of runs: it fits a terminal of any usual width, no id is broken, and the name is shown once."""

import io

import pytest

from agent.run_table import Line, fitting, whole
from agent.run_words import Words
from agent.runs import Summary
from agent.tables import draw, fits
from sync.clock import ManualClock

RUNS = {
    "20261120-223145-train-00aa": ("done", ""),
    "20261121-080000-train-00bb": ("running", "hybrid logs -f train"),
    "20261121-090000-a-rather-long-name-for-a-run-00cc": ("setup failed", "hybrid logs 20261121-090000"),
}


def _lines() -> list[Line]:
    return [Line(summary=_summary(run, phase), silent=None, step=step) for run, (phase, step) in RUNS.items()]


def _summary(run: str, phase: str) -> Summary:
    return Summary(
        run=run,
        name=run[16:-5],
        phase=phase,
        target="local",
        sample=False,
        mine=True,
        created=0.0,
        shards=40,
        accepted=30,
        done=2,
        failed=1,
        running=0,
        waiting=7,
        to_pull=2,
        holder=None,
    )


def _drawn(width: int, patch: pytest.MonkeyPatch) -> tuple[tuple[str, ...], list[str]]:
    patch.setenv("COLUMNS", str(width))
    out = io.StringIO()
    table = fitting(_lines(), Words(RUNS), ManualClock(), lambda table: fits(out, *table))
    draw(out, "", *table)
    return table[0], out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_table_has_one_unbroken_line_a_run_at_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, lines = _drawn(width, monkeypatch)
    assert len(lines) == 2 + len(RUNS)
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines[2:]] == [
        "20261120-223145",
        "20261121-080000",
        "20261121-090000",
    ]


def test_narrow_terminal_leaves_out_what_other_columns_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _drawn(140, monkeypatch)[0] == ("run", "name", "phase", "shards", "age", "next")
    assert _drawn(110, monkeypatch)[0] == ("run", "name", "phase", "shards", "next")
    assert _drawn(80, monkeypatch)[0] == ("run", "name", "phase", "shards")
    assert _drawn(60, monkeypatch)[0] == ("run", "phase", "shards")


def test_elsewhere_than_on_a_terminal_ids_are_whole() -> None:
    columns, rows = whole(_lines(), ManualClock())
    assert columns == ("run", "name", "phase", "shards", "age", "next")
    assert [row[0] for row in rows] == list(RUNS)
