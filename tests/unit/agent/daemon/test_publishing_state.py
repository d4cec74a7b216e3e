"""The project folder, its settings, its local state and its mailbox are not what they were."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.daemon.tell.status import AWAY, HELD, OFFLINE, WATCHING
from tests.support.agent_sides import SETTINGS, Life, life
from tests.support.small_disk import small_disk

AUTO = """
[auto]
run = "eval"
on = ["src/**"]
start = false
[run.eval]
command = "python3 src/a.py"
on = "local"
"""


def begin(one: Life, more: str = "") -> Life:
    (one.root / "hybrid.toml").write_text(SETTINGS + more)
    one.begin()
    one.write("src/a.py", "a = 1", told=False)
    one.write("README", "read", told=False)
    one.settle()
    assert one.status.state == WATCHING, one.status
    return one


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    with life(tmp_path) as made:
        yield begin(made)


# The project folder


def test_root_that_goes_is_told_and_found_again(one: Life) -> None:
    one.root.rename(one.home / "elsewhere")
    one.settle(60)
    assert one.status.state == AWAY and list(one.needs) == ["root"]
    (one.home / "elsewhere").rename(one.root)
    one.write("src/a.py", "a = 2", told=False)
    one.settle(20)
    assert one.there() == one.here() and one.status.needs == [] and one.status.state == WATCHING


def test_another_folder_in_place_of_the_root_is_published_as_it_is(one: Life) -> None:
    shutil.copytree(one.root, one.home / "new", ignore=shutil.ignore_patterns(".hybrid"))
    (one.home / "new" / "src" / "a.py").write_text("a = 2")
    shutil.rmtree(one.root)
    one.settle(10)
    (one.home / "new").rename(one.root)
    one.settle(20)
    assert len(one.snapshots()) == 2 and one.there() == one.here() and one.status.state == WATCHING


def test_folder_that_takes_the_place_of_the_root_between_two_looks_is_noticed(one: Life) -> None:
    shutil.copytree(one.root, one.home / "new", ignore=shutil.ignore_patterns(".hybrid"))
    (one.home / "new" / "src" / "a.py").write_text("a = 2")
    one.root.rename(one.home / "old")
    (one.home / "new").rename(one.root)
    one.settle(20)
    assert len(one.snapshots()) == 2 and one.there() == one.here()


def test_empty_folder_in_place_of_the_root_is_no_project(one: Life) -> None:
    shutil.rmtree(one.root)
    one.root.mkdir()
    one.settle(1000)
    assert len(one.snapshots()) == 1 and one.status.state == AWAY


def test_other_folder_that_lacks_most_of_the_project_waits_for_a_person(one: Life) -> None:
    for number in range(10):
        one.write(f"data/{number}", "x")
    one.settle()
    shutil.rmtree(one.root)
    one.root.mkdir()
    (one.root / "hybrid.toml").write_text(SETTINGS)
    one.settle(100)
    assert len(one.snapshots()) == 2 and one.status.state == HELD and list(one.needs) == ["deletions"]


# Settings


def test_broken_settings_are_told_and_the_former_ones_stay_in_force(one: Life) -> None:
    one.configure("[push]\ninclude = 7\n")
    one.write("src/a.py", "a = 2")
    one.settle(20)
    [need] = one.status.needs
    assert need.key == "settings" and "hybrid.toml" in need.what
    assert one.there() == one.here()
    one.configure("")
    one.settle()
    assert one.status.needs == [] and one.there() == one.here()


def test_other_id_that_is_there_for_a_moment_ends_nothing(one: Life) -> None:
    settings = one.root / "hybrid.toml"
    before = settings.read_text()
    settings.write_text(before.replace("lab", "bal"))
    one.turn()
    settings.write_text(before)
    one.settle()
    assert one.ground.other is None and one.status.needs == []


def test_new_settings_count_at_once(one: Life) -> None:
    one.write(".gitignore", "data/\n", told=False)
    one.write("data/x", "x", told=False)
    one.hints.doubt("the ignore rules changed")
    one.settle()
    assert b"data/x" not in one.there()
    one.configure('[push]\ninclude = ["data"]\n')
    one.settle()
    assert b"data/x" in one.there()


def test_settings_that_change_while_the_agent_begins_count(tmp_path: Path) -> None:
    with life(tmp_path) as one:
        one.write(".gitignore", "data/\n", told=False)
        one.write("data/x", "x", told=False)
        one.configure('[push]\ninclude = ["data"]\n')
        one.settle()
        assert b"data/x" in one.there()


# Local state


def forget(one: Life) -> None:
    for file in (one.root / ".hybrid").glob("state.db*"):
        file.unlink()


def corrupt(one: Life) -> None:
    path = one.root / ".hybrid" / "state.db"
    for file in (one.root / ".hybrid").glob("state.db-*"):
        file.write_bytes(random.Random(1).randbytes(max(1, file.stat().st_size)))
    path.write_bytes(random.Random(2).randbytes(path.stat().st_size))


def renew(one: Life) -> None:
    """A newer version of hybrid has been here."""
    forget(one)
    connection = sqlite3.connect(one.root / ".hybrid" / "state.db")
    connection.execute("PRAGMA application_id = 1752787570")
    connection.execute("PRAGMA user_version = 1000")
    connection.execute("CREATE TABLE of_the_future (x)")
    connection.close()


Harm = Callable[[Life], None]
HARMS: list[Harm] = [forget, corrupt, renew]


@pytest.mark.parametrize("harm", HARMS, ids=["lost", "corrupt", "newer"])
@pytest.mark.parametrize("when", ["running", "between two agents"])
def test_local_state_is_made_again_from_mailbox_and_disk(one: Life, harm: Harm, when: str) -> None:
    if when == "between two agents":
        one.close()
    harm(one)
    if when == "between two agents":
        one.begin()
    one.settle(100)
    assert one.status.state == WATCHING and one.status.needs == [] and one.status.waiting is None
    assert len(one.snapshots()) == 1, "what is in the mailbox is known again"
    assert (one.root / ".hybrid" / "state.db").exists(), "what is remembered is kept where commands find it"
    one.write("src/a.py", "a = 2")
    one.settle(100)
    assert one.there() == one.here() and len(one.snapshots()) == 2
    assert one.push().unpublished, "a command finds nothing to do: it looks at the same local state"


@pytest.mark.parametrize("harm", HARMS, ids=["lost", "corrupt", "newer"])
@pytest.mark.parametrize("when", ["running", "between two agents"])
@pytest.mark.parametrize("more", ["nothing", "another file"])
def test_no_run_is_queued_twice_though_the_local_state_is_lost(
    tmp_path: Path,
    harm: Harm,
    when: str,
    more: str,
) -> None:
    with life(tmp_path) as one:
        begin(one, AUTO)
        assert len(one.runs()) == 1
        if more == "another file":
            one.write("README", "more")
            one.settle()
        if when == "between two agents":
            one.close()
        harm(one)
        if when == "between two agents":
            one.begin()
        one.settle(100)
        assert len(one.runs()) == 1
        one.write("src/a.py", "a = 2")
        one.settle(100)
        assert len(one.runs()) == 2 and one.there() == one.here()


# The mailbox


@pytest.mark.parametrize("lost", [".snap", ".pack"])
def test_what_vanished_from_the_mailbox_is_sent_again_after_a_wake(tmp_path: Path, lost: str) -> None:
    with life(tmp_path) as one:
        one.write("big", random.Random(0).randbytes(3_000_000), told=False)
        one.settle()
        before = len(one.store.files)
        one.store.files[:] = [file for file in one.store.files if not file.path.endswith(lost)]
        assert len(one.store.files) < before
        one.sleep(3600)
        one.settle(10)
        assert one.there() == one.here() and one.status.state == WATCHING


def test_mailbox_that_is_gone_is_told_and_not_begun_anew(one: Life) -> None:
    files, folders = list(one.store.files), set(one.store.folders)
    one.store.files.clear()
    one.store.folders.clear()
    one.sleep(3600)
    one.settle(100)
    assert one.status.state == OFFLINE and not one.store.files
    one.store.files[:] = files
    one.store.folders |= folders
    one.write("src/a.py", "a = 2")
    one.settle(300)
    assert one.there() == one.here() and one.status.state == WATCHING


def test_run_that_was_queued_elsewhere_is_seen_after_a_wake(tmp_path: Path) -> None:
    with life(tmp_path) as one:
        begin(one)
        assert one.status.runs == []
        one.queue("r1")
        one.sleep(3600)
        one.settle(10)
        assert [line.run for line in one.status.runs] == ["r1"]


# A full disk


def test_full_disk_is_told_and_costs_nothing_but_time(tmp_path: Path) -> None:
    state = tmp_path / "project" / ".hybrid"
    with small_disk(state, 4) as disk, life(tmp_path) as one:
        begin(one)
        disk.leave(0)
        disk.leave_files(0)
        for number in range(30):
            one.write(f"src/{number}.py", f"{number}")
        one.settle(100)
        assert one.status.state == HELD and list(one.needs) == ["disk"], one.status
        assert one.status.waiting is not None and one.status.waiting.why == "this machine's disk is full"
        disk.make_room()
        one.settle(400)
        assert one.there() == one.here() and one.status.needs == [] and one.status.state == WATCHING
        one.close()


def test_agent_that_begins_on_a_full_disk_goes_on_once_there_is_room(tmp_path: Path) -> None:
    state = tmp_path / "project" / ".hybrid"
    with small_disk(state, 4) as disk, life(tmp_path) as one:
        one.write("a", "a", told=False)
        disk.leave(0)
        disk.leave_files(0)
        one.settle(3600)
        assert one.status.state == HELD and list(one.needs) == ["disk"], one.status
        disk.make_room()
        one.settle(310)
        assert one.there() == one.here() and one.status.needs == [] and one.status.state == WATCHING
        one.close()


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_locks_that_cannot_be_kept_are_told(
    one: Life, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "full", 1) as disk:
        disk.leave(0)
        disk.leave_files(0)
        monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "full"))
        one.write("src/a.py", "a = 2")
        one.settle(60)
        assert one.status.state == HELD and list(one.needs) == ["disk"]
        disk.make_room()
        one.settle(400)
        assert one.there() == one.here() and one.status.needs == []
