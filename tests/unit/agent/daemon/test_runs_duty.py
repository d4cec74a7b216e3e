"""From a saved file to a grade, with a real runner, and an agent that is replaced on the way."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.daemon.runs.runs_duty import RunsDuty, Seen
from agent.daemon.tell.events import Event
from sync.clock import SystemClock
from tests.support.agents import EVAL, at, publish_and_queue
from tests.support.projects import Project

SETTINGS = (
    EVAL
    + """
over = "in.jsonl"
chunk = 1

[grade]
scorer = "exact"
references = "gold.jsonl"
"""
)
PROGRAM = """
import json, os, pathlib
row = json.loads(pathlib.Path(os.environ["HYBRID_SHARD_INPUT"]).read_text())
pathlib.Path(os.environ["HYBRID_OUTPUT"], "answers.jsonl").write_text(json.dumps({"id": row["id"], "answer": "x"}))
"""


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "data"))
    project = Project(tmp_path, monkeypatch, capsys)
    project.configure(SETTINGS)
    (project.root / "src").mkdir()
    (project.root / "src/eval.py").write_text(PROGRAM)
    (project.root / "in.jsonl").write_text("".join(f'{{"id": "{name}"}}\n' for name in "abc"))
    (project.root / "gold.jsonl").write_text(
        "".join(f'{{"id": "{name}", "reference": "x"}}\n' for name in "abc")
    )
    yield project
    code, _, err = project.call("down")
    assert code == 0, err


def looks(project: Project, reached: Callable[[Seen], bool]) -> list[Event]:
    """An agent that lives until something is reached."""
    duty = RunsDuty(SystemClock(), random.Random())
    events: list[Event] = []
    until = time.monotonic() + 60
    try:
        with at(project.root) as (mailbox, state):
            while True:
                seen = duty.look(mailbox, state)
                duty.told(state)
                events += seen.events
                if reached(seen):
                    return events
                assert time.monotonic() < until, seen
                time.sleep(min(seen.again_s or 0.1, 0.2))
    finally:
        duty.close()


def test_saved_file_becomes_a_grade_though_agents_come_and_go(project: Project) -> None:
    [queued] = publish_and_queue(project.root).events
    told = [queued]
    told += looks(project, lambda seen: bool(seen.events))
    told += looks(project, lambda seen: any(line.here for line in seen.lines))
    told += looks(project, lambda seen: any("graded" in line.note for line in seen.lines))
    told += looks(project, lambda seen: not seen.lines)
    kinds = [event.kind for event in told if event.kind != "pulled"]
    assert kinds == ["queued", "started", "done", "graded"]
    assert told[-1].text == f"{queued.run} was graded by exact: 3 of 3 right."
    assert len(list(project.outputs.rglob("answers.jsonl"))) == 3
    assert looks(project, lambda seen: seen.again_s is None) == []
