"""What ``hybrid agent status`` shows, for each state of the agent."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.daemon.process import Living, place_of
from agent.daemon.tell import page
from agent.daemon.tell.last_push import last_push
from agent.daemon.tell.page import Page
from agent.daemon.tell.record import Record
from agent.daemon.tell.status import HELD, OFFLINE, STOPPED, WATCHING, Need, RunLine, Status, Trouble, Waiting
from agent.project import Project
from sync.local.index import Index

NOW = 10_000.0
PUBLISHED = {"seq": 12, "snapshot": "snapshots/x", "created": NOW - 240, "files": 10, "bytes": 3_000_000}


def status(**parts: Any) -> Status:
    first = Status(pid=47, born="b", root="/p", state=WATCHING, started=NOW - 7200, written=NOW - 60)
    return replace(first, **parts)


def shown(told: Status | None, *, lives: bool = True, ended: str = "", root: str = "/p") -> Page:
    alive = Living(pid=told.pid if told else 0, born="b", status=told) if lives else None
    return Page(root=root, living=alive, status=told, published=PUBLISHED, ended=ended, log="/log")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n[remote]\nurl = "folder:/nowhere"\n')
    return Project.find(tmp_path)


def test_agent_that_has_nothing_to_do_is_told_in_a_few_lines() -> None:
    quiet = shown(status(published=PUBLISHED, next_look=NOW + 25))
    assert page.text(quiet, NOW).split("\n") == [
        "Agent: watching (process 47, for 2 h 0 min)",
        "Published: snapshot 12, 4 min ago: 10 files, 3.0 MB",
        "Waiting: nothing",
        "Mailbox: looked at again in 25 s",
    ]
    assert page.next_step(quiet) == ""


def test_all_that_an_agent_tells_is_shown() -> None:
    run = RunLine(
        run="r1", name="n", phase="running", target="ssh:box", shards=400, complete=212, failed=3, here=200
    )
    busy = status(
        state=HELD,
        watch="polling, because the system lets nobody watch more folders",
        waiting=Waiting(files=3, bytes=1_200_000, since=NOW - 40, why="git is at work"),
        runs=[replace(run, left_s=5400.0, note="its worker is silent")] * 12,
        trouble=Trouble(at=NOW - 300, what="Nothing answers at box:22.", how="See whether\nit is on."),
        problems=[f"{number}: cannot be read" for number in range(12)],
        needs=[
            Need(key="k", what="More than half of the files are gone.", how="hybrid push --accept-deletions")
        ],
        spent={"USD": 1.5, "EUR": 0.25},
    )
    found = shown(busy, root="/clone")
    lines = page.text(found, NOW).split("\n")
    assert lines[0] == "Agent: holds back what changed (process 47, for 2 h 0 min)"
    assert lines[1] == "Folder: /p, which is not this one but the same project"
    assert "Waiting: 3 files, 1.2 MB, for 40 s: git is at work" in lines
    assert (
        lines.count(
            "Run r1: running on ssh:box, 212 of 400 complete, 3 failed, 200 here, about 90 min left; its worker is silent"
        )
        == 10
    )
    assert "2 more runs: hybrid status shows them" in lines
    assert "Mailbox: looked at when there is a reason" in lines
    assert "Changes: polling, because the system lets nobody watch more folders" in lines
    assert "Last error, 5 min ago: Nothing answers at box:22. See whether it is on." in lines
    assert "Spent: 0.25 EUR, 1.50 USD" in lines
    assert "Skipped: 2 more paths" in lines
    assert lines[-1] == "Needs you: More than half of the files are gone. hybrid push --accept-deletions"
    assert page.next_step(found) == "hybrid push --accept-deletions"


def test_what_is_not_counted_yet_is_not_said_to_be_nothing() -> None:
    unknown = status(waiting=Waiting(files=None, bytes=None, since=NOW, why="it is about to be looked at"))
    assert "Waiting: changes that nobody has counted yet, for 0 s" in page.text(shown(unknown), NOW)


def test_offline_agent_says_what_to_do_about_it() -> None:
    trouble = Trouble(at=NOW, what="No.", how="hybrid doctor")
    assert page.next_step(shown(status(state=OFFLINE, trouble=trouble))) == "hybrid doctor"
    assert page.next_step(shown(status(trouble=trouble))) == ""


def test_last_agent_is_told_where_none_lives() -> None:
    waiting = Waiting(files=1, bytes=5, since=NOW - 90, why="offline")
    gone = shown(status(waiting=waiting, next_look=NOW), lives=False, ended="it was told to end")
    lines = page.text(gone, NOW).split("\n")
    assert lines[0] == "No agent runs; the last one was heard of 60 s ago: it was told to end"
    assert "Waiting then: 1 file, 5 B, for 90 s: offline" in lines
    assert not any(line.startswith("Mailbox") for line in lines)
    assert page.next_step(gone) == "hybrid agent start"


def test_agent_that_never_was_and_one_that_begins_are_told() -> None:
    never, begins = shown(None, lives=False), shown(None)
    assert page.text(never, NOW).startswith("No agent runs, and none")
    assert page.text(begins, NOW).startswith("Agent: there is one")
    assert page.document(never)["state"] is None and page.document(begins)["running"] is True


def test_agent_of_another_version_is_told() -> None:
    found = Page(
        root="/p",
        living=Living(pid=47, born="b", status=None),
        status=None,
        published=None,
        ended="",
        log="/log",
    )
    assert "another version of hybrid (process 47)" in page.text(found, NOW)
    assert page.next_step(found) == "hybrid agent restart"


def test_document_holds_what_the_status_holds() -> None:
    told = status(needs=[Need(key="k", what="w", how="h")], spent={"EUR": 1.0})
    found = page.document(shown(told))
    assert json.loads(json.dumps(found)) == found
    assert (found["running"], found["pid"], found["seen"], found["next"]) == (True, 47, NOW - 60, "h")
    assert found["published"] == PUBLISHED and found["needs"] == [{"key": "k", "what": "w", "how": "h"}]
    assert set(found) == set(page.document(shown(None)))


@pytest.mark.parametrize(
    ("parts", "printed", "ended"),
    [
        ({"state": STOPPED}, "", "it was told to end"),
        ({"state": STOPPED, "trouble": Trouble(at=1.0, what="old", how="")}, "", "it was told to end"),
        ({"state": STOPPED, "trouble": Trouble(at=NOW - 60, what="x", how="")}, "", "it ended with an error"),
        ({}, "", "it ended without a word, killed or with this machine"),
        ({}, "Fatal", "it ended without a word, killed or with this machine; it printed: Fatal"),
    ],
)
def test_how_the_last_agent_ended_is_told(
    project: Project, parts: dict[str, Any], printed: str, ended: str
) -> None:
    Record(place_of(project)).write(status(**parts))
    (place_of(project) / "output.txt").write_text(printed)
    assert page.look(project).ended == ended


def test_last_push_is_read_beside_whoever_writes(project: Project) -> None:
    assert last_push(project) is None
    path = project.root / ".hybrid" / "state.db"
    index, _ = Index.open(path)
    with index:
        assert last_push(project) is None
        kept = {**PUBLISHED, "tree": "t", "url": "folder:/nowhere", "mailbox": "m", "leans_on": []}
        index.meta_set("published", json.dumps(kept))
        assert last_push(project) == PUBLISHED
        with index.at_once():
            index.meta_set("published", "")
            assert last_push(project) == PUBLISHED
        assert last_push(project) is None
        index.meta_set("published", json.dumps({**kept, "url": "folder:/elsewhere"}))
        assert last_push(project) is None
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE meta")
    connection.close()
    assert last_push(project) is None
    path.write_bytes(b"no database at all")
    assert last_push(project) is None
    assert path.read_bytes() == b"no database at all"


def test_last_push_is_read_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    root = tmp_path / "a b%20?#\u00fc"
    root.mkdir()
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n[remote]\nurl = "folder:/nowhere"\n')
    index, _ = Index.open(root / ".hybrid" / "state.db")
    with index:
        index.meta_set("published", json.dumps({**PUBLISHED, "url": "folder:/nowhere"}))
    assert last_push(Project.find(root)) == PUBLISHED
