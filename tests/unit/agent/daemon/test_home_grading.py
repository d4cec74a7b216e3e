"""Runs that are done and here are graded once, in a process of its own."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.runs.home import Home
from agent.daemon.tell.events import Event
from sync.clock import SystemClock
from tests.support.agents import at
from tests.support.projects import Project

GRADE = '[grade]\nscorer = "exact"\nreferences = "gold.jsonl"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    project.configure(GRADE)
    (project.root / "gold.jsonl").write_text('{"id": "a", "reference": "x"}\n{"id": "b", "reference": "y"}\n')
    project.queue()
    return project


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home(SystemClock())
    yield home
    home.close()


def events_until_closed(project: Project, home: Home) -> list[Event]:
    """Looks until nothing is left to look at."""
    events: list[Event] = []
    until = time.monotonic() + 60
    with at(project.root) as (mailbox, state):
        while found := home.look(mailbox, state):
            events += found.events
            home.told(state)
            if not found.lines:
                return events
            assert time.monotonic() < until
            time.sleep(0.05)
    raise AssertionError


def test_run_is_graded_once_when_it_is_done(project: Project, home: Home) -> None:
    project.worker().claim().done(
        0, {"answers.jsonl": b'{"id": "a", "answer": "x"}\n{"id": "b", "answer": "z"}\n'}
    )
    done, graded = events_until_closed(project, home)
    assert (done.kind, graded.kind, graded.run) == ("done", "graded", "r1")
    assert graded.text == "r1 was graded by exact: 1 of 2 right."
    assert {key: graded.data[key] for key in ("right", "scored", "samples", "missing")} == {
        "right": 1.0,
        "scored": 2,
        "samples": 2,
        "missing": 0,
    }
    assert (project.root / ".hybrid/ledger/grades" / graded.data["ledger"]).exists()


def test_agent_that_ends_while_it_grades_does_so_again(project: Project, home: Home) -> None:
    project.worker().claim().done(0, {"answers.jsonl": b'{"id": "a", "answer": "x"}\n'})
    with at(project.root) as (mailbox, state):
        found = home.look(mailbox, state)
        home.told(state)
        assert (found.lines[0].note, found.again_s) == ("it is being graded", 1.0)
        later = home.look(mailbox, state)
    assert later.again_s is None or later.again_s > 1.0, "the mailbox is not looked at each second for long"
    home.close()
    assert [event.kind for event in events_until_closed(project, home)] == ["graded"]


def test_what_cannot_be_graded_is_told_once_with_the_reason(project: Project, home: Home) -> None:
    project.worker().claim().done(0, {"answers.jsonl": b'{"id": "a", "text": "x"}\n'})
    _, graded = events_until_closed(project, home)
    assert graded.text.startswith("Run r1 could not be graded: r1 holds no answers: ")
    assert graded.how.startswith("Name the fields with --id-field")


def test_run_that_is_removed_while_it_is_graded_holds_up_no_other(project: Project, home: Home) -> None:
    for run in ("r1", "r2"):
        if run == "r2":
            project.queue(run)
        project.worker(run=run).claim().done(0, {"answers.jsonl": b'{"id": "a", "answer": "x"}\n'})
    with at(project.root) as (mailbox, state):
        found = home.look(mailbox, state)
        home.told(state)
        assert [line.note for line in found.lines] == ["it is being graded", "it is to be graded"]
        shutil.rmtree(Path(str(mailbox.remote.capabilities.local_path), mailbox.base, "runs", "r1"))
    events = events_until_closed(project, home)
    assert [(event.kind, event.run) for event in events] == [("graded", "r2")]


def test_nothing_is_graded_where_it_is_not_wanted_or_the_run_is_not_done(
    project: Project, home: Home
) -> None:
    project.worker().claim().failed(0, {"answers.jsonl": b'{"id": "a", "answer": "x"}\n'}, n=1)
    project.worker().failed(0, {}, n=2)
    project.worker().yields()
    assert [event.kind for event in events_until_closed(project, home)] == ["failed"]
    project.configure(GRADE + "[auto]\ngrade = false\n")
    project.queue("r2")
    project.worker(run="r2").claim().done(0, {"answers.jsonl": b'{"id": "a", "answer": "x"}\n'})
    assert [event.kind for event in events_until_closed(project, home)] == ["done"]
