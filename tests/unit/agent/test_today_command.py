"""``hybrid today``: what pushes, runs, pulls and grades leave in the journal, on one screen, without a mailbox."""

import io
import json
import os
import re
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from agent.daemon.tell import record, tidings
from agent.daemon.tell.events import DONE, FAILED, GRADED, PUBLISHED, PULLED, Event
from agent.daemon.tell.journal import Journal, note_done
from agent.daemon.tell.status import Need, RunLine, Status, Waiting
from agent.project import Project as Found
from agent.state import opened
from local_grader.grade import grade_outputs
from local_grader.report import to_json
from local_grader.request import Request
from sync.clock import SystemClock
from sync.progress import Silent
from tests.support.kept_grades import judging, keep
from tests.support.light import HEAVY, loaded
from tests.support.projects import Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def note(project: Project, *happened: Event, ago: float = 1.0) -> None:
    with opened(Found.find(project.root), pytest.fail) as state:
        journal = Journal(state)
        for event in happened:
            journal.note(event, time.time() - ago)


def test_a_project_where_nothing_happened_says_so(project: Project) -> None:
    code, out, err = project.call("today")
    assert code == 0 and out.endswith(": nothing.\n") and err == ""
    assert project.json("today")["runs"] == []


def test_what_happened_is_told_without_the_mailbox(project: Project) -> None:
    (project.mail.parent).rename(project.mail.parent.with_name("gone"))
    note(project, Event(kind=PUBLISHED, text="It was.", data={"changed": 2, "sent_bytes": 300}))
    note(
        project,
        Event(kind=DONE, text="It is done.", run="r1", data={"name": "train", "shards": 3, "here": 3}),
    )
    code, out, err = project.call("today")
    assert code == 0 and "1 push (2 files, 300 B sent), 1 run done." in out
    assert "hybrid grade r1" in err
    [run] = project.json("today")["runs"]
    assert (run["run"], run["name"], run["phase"], run["here"]) == ("r1", "train", "done", 3)
    assert project.json("today", "--since", "0.0001m")["runs"] == []
    assert project.call("today", "--since", "never")[0] == 2


def test_grades_are_read_from_the_ledger_where_nobody_noted_them(project: Project) -> None:
    lines = [json.dumps({"id": each, "answer": each, "reference": "x"}) + "\n" for each in "xyz"]
    (project.root / "a.jsonl").write_text("".join(lines))
    found = Found.find(project.root)
    ledger = found.state_dir / "ledger"
    report = grade_outputs(
        Request(target="a.jsonl", scorer="exact", outputs=project.outputs, ledger=ledger), Silent()
    )
    (ledger / "grades" / "broken.parquet").write_bytes(b"PAR1")
    read = project.json("today")["grades"]
    note_done(found, SystemClock(), tidings.graded(to_json(report), by_hand=True), pytest.fail)
    noted = project.json("today")["grades"]
    for each in (read, noted):
        assert len(each) == 1 and each[0].pop("at") > time.time() - 60
    assert read == noted and noted[0]["rate"] == report.summary.rate
    assert noted[0]["judges"] == []
    old = time.time() - 3 * 86_400
    os.utime(report.ledger, (old, old))
    with opened(found, pytest.fail) as state, state.writing() as connection:
        connection.execute("DELETE FROM journal")
    assert project.json("today")["grades"] == []


def test_judges_are_named_with_the_rule(project: Project) -> None:
    ledger = Found.find(project.root).state_dir / "ledger"
    keep(ledger, "r1", {"a": 1.0, "b": None}, scorer="cascade", by=judging("qwen3:4b"), missing=["c"])
    [read] = project.json("today")["grades"]
    assert (read["scorer"], read["judges"]) == ("cascade", ["qwen3:4b"])
    assert (read["right"], read["scored"], read["samples"], read["missing"]) == (1.0, 1, 2, 1)
    assert "cascade and qwen3:4b" in project.call("today")[1]


def status(project: Project, **parts: object) -> Status:
    return Status(
        pid=os.getpid(),
        born="",
        root=str(project.root),
        state="watching",
        started=0,
        written=0,
        **parts,  # type: ignore[arg-type]
    )


def test_of_an_agent_that_ended_only_what_lasts_is_told(project: Project) -> None:
    line = RunLine(
        run="r9", name="x", phase="running", target="local", shards=1, complete=0, failed=0, here=0
    )
    need = Need(key="login", what="The login was refused.", how="hybrid push")
    waiting = Waiting(files=1, bytes=1, since=0.0, why="it is on its way")
    gone = Need(key="root", what="The project folder is gone.", how="Put it back.")
    told = status(project, runs=[line], needs=[gone, need], waiting=waiting, spent={"EUR": 2.0})
    record.Record(record.folder("p")).write(told)
    found = project.json("today")
    assert (found["agent"], found["runs"], found["waiting"]) == ("stopped", [], "")
    assert found["spent"] == {"EUR": 2.0} and found["needs"][0]["key"] == "login"
    assert "Needs you: The login was refused. hybrid push" in project.call("today")[1]


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 110])
def test_a_terminal_gets_pictures_where_they_fit(
    project: Project, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - 6 * 3600))
    run = f"{moment}-train-9f3a"
    note(project, Event(kind=DONE, text="It is done.", run=run, data={"shards": 3, "here": 3}), ago=60)
    note(project, Event(kind=PUBLISHED, text="It was."))
    data = {"scorer": "exact", "right": 3.0, "scored": 4, "samples": 4, "missing": 0, "ledger": "x"}
    note(project, Event(kind=GRADED, text="It was graded.", run=run, data=data))
    screen = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        assert project.call("today")[0] == 0
    text = re.sub("\x1b[^m]*m", "", screen.getvalue())
    assert ("━━" in text.replace("─", "")) == (width == 110)
    assert moment in text and run not in text and "3/4" in text
    assert max(map(len, text.splitlines()[1:])) <= width


def test_it_loads_nothing_heavy_and_waits_for_nothing(project: Project) -> None:
    grades = Found.find(project.root).state_dir / "ledger" / "grades"
    grades.mkdir(parents=True)
    (grades / "told.parquet").write_bytes(b"PAR1")
    data = {"scorer": "exact", "right": 3.0, "scored": 4, "samples": 4, "ledger": "told.parquet"}
    note(
        project,
        Event(kind=PULLED, text="Some arrived.", run="r1", data={"here": 1}),
        Event(kind=GRADED, text="It was graded.", run="r1", data=data),
    )
    heavy = (*HEAVY, "filelock", "concurrent.futures", "sync.push", "sync.store", "sync.remotes.folder")
    out, found = loaded(project.root, "today", "--json", heavy=heavy)
    assert found == []
    assert [len(json.loads(out)[each]) for each in ("runs", "grades")] == [1, 1]
    assert loaded(project.root, "today", heavy=tuple(set(heavy) - {"rich"}))[1] == []


def test_the_journal_is_read_once_however_much_is_in_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def traced(*words: object, **options: object) -> sqlite3.Connection:
        connection = connect(*words, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(asked.append)
        return connection

    def looks(events: int) -> int:
        for number in range(events):
            run = f"r{number % 20}"
            note(project, Event(kind=PULLED, text="Some arrived.", run=run, data={"here": number}))
        asked.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", traced)
            assert len(project.json("today")["runs"]) == 20
        return sum("SELECT" in each and "journal" in each for each in asked)

    few = looks(20)
    assert 1 <= few <= 21
    assert looks(280) == few


def test_what_commands_did_by_hand_is_worded_as_the_agent_words_it(project: Project) -> None:
    spec = project.queue(name="train", shards=2)
    queued = tidings.queued(spec, by_hand=True)
    assert queued.run == "r1" and queued.data == {
        "name": "train",
        "shards": 2,
        "target": spec.target,
        "hand": True,
    }
    assert "hand" not in tidings.queued(spec).data
    note(project, queued)
    [run] = project.json("today")["runs"]
    assert (run["phase"], run["shards"], run["ended"]) == ("queued", 2, None)


def test_a_run_that_failed_is_told_with_where_to_look(project: Project) -> None:
    note(project, Event(kind=FAILED, text="It failed.", run="r1"))
    code, out, err = project.call("today")
    assert code == 0 and "1 run failed" in out and "Next: hybrid logs r1" in err
