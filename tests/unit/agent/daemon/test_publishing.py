"""When the agent publishes, and what."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.publish.quiet import DEBOUNCE_S, LONGEST_S, OPEN_S
from agent.daemon.tell.status import HELD, WATCHING
from tests.support.agent_sides import Life, life


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    """A project that was published by an agent which is at rest."""
    with life(tmp_path) as made:
        made.write("src/a.py", "a = 1", told=False)
        made.write("README", "read", told=False)
        made.settle()
        assert len(made.snapshots()) == 1 and made.status.state == WATCHING
        yield made


def test_new_agent_publishes_what_it_finds(one: Life) -> None:
    assert one.there() == one.here()
    published = one.status.published
    assert published is not None and published["files"] == 3
    assert one.status.waiting is None and one.status.needs == []


def test_edit_is_published_after_the_debounce_and_not_before(one: Life) -> None:
    one.write("src/a.py", "a = 2")
    assert one.turn() == pytest.approx(DEBOUNCE_S)
    one.clock.advance(DEBOUNCE_S - 0.01)
    assert one.turn() == pytest.approx(0.01)
    assert len(one.snapshots()) == 1
    one.clock.advance(0.01)
    assert one.turn() == 0
    assert len(one.snapshots()) == 2 and one.there() == one.here()


def test_each_edit_begins_the_debounce_again_but_not_for_ever(one: Life) -> None:
    for count in range(round(LONGEST_S / 0.25) - 1):
        one.write("src/a.py", f"a = {count}")
        assert one.turn() > 0
        one.clock.advance(0.25)
    assert len(one.snapshots()) == 1 and one.status.state == HELD
    waiting = one.status.waiting
    assert waiting is not None and waiting.why == "files are being changed"
    one.write("src/a.py", "a = 'last'")
    one.clock.advance(0.25)
    one.settle()
    assert one.there() == one.here() and one.status.waiting is None


def test_burst_of_edits_is_one_snapshot(one: Life) -> None:
    for count in range(3000):
        one.write(f"data/{count}", f"{count}")
    one.settle()
    assert len(one.snapshots()) == 2 and one.there() == one.here()


def test_file_that_is_open_for_writing_is_waited_for(one: Life) -> None:
    path = one.root / "src" / "a.py"
    with path.open("w") as file:
        file.write("a = ")
        file.flush()
        one.hints.written(b"src/a.py")
        one.settle(OPEN_S - 1)
        assert len(one.snapshots()) == 1
        waiting = one.status.waiting
        assert waiting is not None and waiting.why == "src/a.py is still being written"
        file.write("3")
    one.hints.closed(b"src/a.py")
    one.settle()
    assert len(one.snapshots()) == 2 and one.there() == one.here()


def test_file_that_is_never_closed_holds_nothing_up_for_long(one: Life) -> None:
    with (one.root / "train.log").open("w", buffering=1) as file:
        file.write("step 1\n")
        one.hints.written(b"train.log")
        one.settle(OPEN_S + 1)
        assert one.there() == one.here()


def test_what_is_the_same_is_not_published_again(one: Life) -> None:
    one.write("src/a.py", "a = 1")
    one.settle()
    one.begin()
    one.settle()
    one.sleep(3600)
    one.settle(1200)
    assert len(one.snapshots()) == 1


def test_connection_is_kept_while_it_is_used_and_let_go_of_then(one: Life) -> None:
    opened = one.opened
    for count in range(5):
        one.write("src/a.py", f"a = {count + 10}")
        one.settle(20, alone=True)
    assert one.opened == opened and len(one.snapshots()) == 6
    one.settle(200, alone=True)
    one.write("src/a.py", "a = 20")
    one.settle(alone=True)
    assert one.opened == opened + 1


def test_change_that_nobody_told_of_is_found_by_looking_at_everything(one: Life) -> None:
    one.write("src/a.py", "a = 2", told=False)
    one.settle(800)
    assert one.there() == one.here()


def test_where_nothing_tells_of_changes_they_are_found_within_seconds(one: Life) -> None:
    one.polls = True
    one.hints.doubt("now")
    one.settle()
    one.write("src/a.py", "a = 2", told=False)
    one.settle(8)
    assert one.there() == one.here()


def test_paths_that_went_are_gone_there(one: Life) -> None:
    one.write("src/b.py", "b")
    one.settle()
    one.remove("src/a.py")
    one.settle()
    assert one.there() == one.here()
    one.remove("src")
    one.settle()
    assert one.there() == one.here() and len(one.snapshots()) == 4


@pytest.mark.skipif(os.name == "nt", reason="there are none")
def test_what_cannot_be_published_is_told_as_long_as_it_is_there(one: Life) -> None:
    (one.root / "pipes").mkdir()
    os.mkfifo(one.root / "pipes" / "one")
    one.hints.changed(b"pipes")
    one.settle()
    assert one.status.problems == ["pipes/one is a named pipe."]
    os.mkfifo(one.root / "src" / "two")
    one.hints.changed(b"src/two")
    one.write("src/a.py", "a = 2")
    one.settle()
    assert len(one.status.problems) == 2 and one.status.state == WATCHING
    one.remove("pipes")
    one.settle()
    assert one.status.problems == ["src/two is a named pipe."]
    one.remove("src/two", told=False)
    one.hints.doubt("now")
    one.settle()
    assert one.status.problems == []
