"""What happened is kept, for a while, and read while others write."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import config
from agent.daemon.tell import journal
from agent.daemon.tell.events import DONE, PUBLISHED, QUEUED, Event
from agent.daemon.tell.journal import KEPT_S, Journal, note_done
from agent.project import Project
from agent.state import State, opened
from sync.clock import ManualClock
from sync.errors import HybridError

NOW = 1_800_000_000.0
CONFIG = config.Config(project=config.ProjectSettings(id="p"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(root=tmp_path, config=CONFIG)


@pytest.fixture
def state(project: Project) -> Iterator[State]:
    with opened(project, pytest.fail) as found:
        yield found


def event(text: str = "It was.", **fields: str) -> Event:
    return Event(**{"kind": PUBLISHED, "text": text, **fields}, data={"files": 3})


def test_what_was_noted_is_read_again(state: State) -> None:
    told = Event(kind=DONE, text="Run r1 is done.", how="hybrid grade r1", run="r1", data={"a": [1, None]})
    Journal(state).note(told, NOW)
    [found] = Journal(state).since(NOW)
    assert (found.at, found.event) == (NOW, told)
    assert Journal(state).since(NOW + 1) == []


def test_it_keeps_the_order_although_the_clock_was_set_back(state: State) -> None:
    found = Journal(state)
    for text, at in (("a", NOW), ("b", NOW - 60), ("c", NOW - 30)):
        found.note(event(text), at)
    assert [each.event.text for each in found.since(NOW - 60)] == ["a", "b", "c"]


def test_it_stays_small(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_ROWS", 20)
    found = Journal(state)
    for number in range(50):
        found.note(event(str(number)), NOW + number)
    assert [each.event.text for each in found.since(0)] == [str(number) for number in range(30, 50)]


def test_a_month_is_kept(state: State) -> None:
    found = Journal(state)
    found.note(event("old"), NOW)
    found.note(event("new"), NOW + KEPT_S - 1)
    assert len(found.since(0)) == 2
    found.note(event("newer"), NOW + KEPT_S + 1)
    assert [each.event.text for each in found.since(0)] == ["new", "newer"]


def test_when_a_run_was_queued_is_known_long_after(state: State) -> None:
    found = Journal(state)
    found.note(Event(kind=QUEUED, text="It waits.", run="r1"), NOW)
    found.note(Event(kind=DONE, text="It is done.", run="r1"), NOW + 90_000)
    assert found.queued(["r1", "r2", ""]) == {"r1": NOW}


@given(text=st.text(st.characters(), max_size=3000), run=st.text(max_size=20))
def test_any_text_can_be_noted(text: str, run: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    project = Project(root=tmp_path_factory.mktemp("p"), config=CONFIG)
    with opened(project, pytest.fail) as state:
        Journal(state).note(Event(kind=DONE, text=text, run=run, data={"t": text}), NOW)
        [found] = Journal(state).since(0)
    assert found.event.data == {"t": text} or len(text) > 1000
    assert found.event.text == text[:2000].encode("utf-8", "backslashreplace").decode()


def _write(root: str, count: int) -> None:
    with opened(Project(root=Path(root), config=CONFIG), pytest.fail) as state:
        for number in range(count):
            Journal(state).note(event(str(number)), NOW + number)


def test_it_is_read_while_another_process_writes(project: Project) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write, args=(str(project.root), 200))
    with opened(project, pytest.fail) as state:
        reader = Journal(state)
        writer.start()
        seen = 0
        while writer.is_alive():
            texts = [each.event.text for each in reader.since(0)]
            assert texts == [str(number) for number in range(len(texts))] and len(texts) >= seen
            seen = len(texts)
        writer.join()
        assert writer.exitcode == 0 and len(reader.since(0)) == 200
    writer.close()


def test_a_row_that_cannot_be_is_damage(project: Project) -> None:
    with opened(project, pytest.fail) as state, pytest.raises(HybridError, match="damaged"):
        Journal(state).note(event(), NOW)
        with state.writing() as connection:
            connection.execute("UPDATE journal SET data = '['")
        Journal(state).since(0)
    assert (project.state_dir / "state.db.corrupt-1").exists()


def test_a_command_that_cannot_note_what_it_did_warns_and_goes_on(project: Project) -> None:
    heard: list[str] = []
    note_done(project, ManualClock(NOW), event(), heard.append)
    assert heard == []
    holder = sqlite3.connect(project.state_dir / "state.db")
    assert holder.execute("SELECT at, text FROM journal").fetchall() == [(NOW, "It was.")]
    holder.close()
    (project.root / "gone").mkdir()
    (project.root / "gone" / ".hybrid").write_text("")
    note_done(Project(root=project.root / "gone", config=CONFIG), ManualClock(), event(), heard.append)
    assert len(heard) == 1 and "hybrid today" in heard[0]
