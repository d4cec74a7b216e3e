"""Scratch folders: never a live runner's, and what a dead runner left running is ended."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_runner import host
from cloud_runner.workspace import Workspace
from sync.mailbox.layout import Attempt

ATTEMPT = Attempt(3, "worker22", 1)

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(not host.boot(), reason="this system does not tell processes apart"),
]


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """The leader of a group of its own, as a runner's child is."""
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(argv, start_new_session=True) as process:
        yield process
        process.kill()


def wait_for(reached: Callable[[], bool]) -> None:
    for _ in range(500):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to that")


def own(space: Path, pid: int) -> None:
    (space / "owner.json").write_text(json.dumps({"pid": pid, "born": host.born(pid), "boot": host.boot()}))


def test_an_attempt_begins_with_empty_folders_whatever_was_there(tmp_path: Path) -> None:
    space = Workspace(tmp_path, "lab", "worker22")
    folder = space.begin(ATTEMPT)
    (folder / "out" / "old").write_text("old")
    folder = space.begin(ATTEMPT)
    assert sorted(path.name for path in folder.iterdir()) == ["ckpt", "out"]
    assert not list((folder / "out").iterdir())
    space.remove(folder)
    assert not folder.exists()


def test_the_same_process_takes_its_folder_again(tmp_path: Path) -> None:
    first = Workspace(tmp_path, "lab", "worker22")
    assert Workspace(tmp_path, "lab", "worker33").path == first.path


def test_a_live_runners_folder_is_not_touched(tmp_path: Path, process: "subprocess.Popen[bytes]") -> None:
    theirs = Workspace(tmp_path, "lab", "worker11")
    folder = theirs.begin(ATTEMPT)
    theirs.record_child(folder, process.pid)
    own(theirs.path, process.pid)
    ours = Workspace(tmp_path, "lab", "worker22")
    assert ours.path != theirs.path
    assert folder.exists() and process.poll() is None
    ours.close()
    assert not ours.path.exists() and folder.exists()


def test_a_dead_runners_folder_is_taken_over_and_its_orphans_end(
    tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    theirs = Workspace(tmp_path, "lab", "worker11")
    theirs.tree.mkdir()
    (theirs.tree / "main.py").write_text("kept: the next run needs most of it")
    folder = theirs.begin(ATTEMPT)
    theirs.record_child(folder, process.pid)
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    (theirs.path / "owner.json").write_text(
        json.dumps({"pid": dead.pid, "born": "12345", "boot": host.boot()})
    )
    ours = Workspace(tmp_path, "lab", "worker22")
    assert ours.path == theirs.path
    assert process.wait(10) == -9
    assert not folder.exists()
    assert (ours.tree / "main.py").exists()


STARTING = """
import pathlib, sys, time
from cloud_runner.workspace import Workspace
print("ready", flush=True)
while not pathlib.Path(sys.argv[1], "go").exists():
    pass
print(Workspace(pathlib.Path(sys.argv[1]), "lab", sys.argv[2]).path.name, flush=True)
sys.stdin.read()
"""


def test_of_runners_that_start_at_once_each_has_a_space_of_its_own(tmp_path: Path) -> None:
    """After a crash, too: then all of them find the dead one's space."""
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        dead = Workspace(folder, "lab", "worker11")
        for n in range(300):
            dead.begin(Attempt(n, "worker11", 1))
        (dead.path / "owner.json").write_text(json.dumps({"pid": 2**30, "born": "1", "boot": host.boot()}))
        with contextlib.ExitStack() as runners:
            started = [
                runners.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-c", STARTING, str(folder), f"worker{n}{n}"],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                for n in (2, 3)
            ]
            told = [one.stdout for one in started if one.stdout]
            assert [out.readline() for out in told] == ["ready\n"] * 2
            (folder / "go").touch()
            names = {out.readline().strip() for out in told}
            assert len(names) == 2 and "space" in names
            assert all((folder / "lab" / name / "owner.json").exists() for name in names)


def test_an_orphans_group_ends_also_where_its_leader_is_gone(tmp_path: Path) -> None:
    space = Workspace(tmp_path, "lab", "worker11")
    folder = space.begin(ATTEMPT)
    note = tmp_path / "grandchild"
    shell = f"sleep 60 & echo $! > {note}; read line"
    with subprocess.Popen(["sh", "-c", shell], start_new_session=True, stdin=subprocess.PIPE) as leader:
        wait_for(lambda: note.exists() and note.read_text().endswith("\n"))
        space.record_child(folder, leader.pid)
    grandchild = int(note.read_text())
    assert host.born(grandchild)
    (space.path / "owner.json").write_text("{ torn")
    Workspace(tmp_path, "lab", "worker22")
    wait_for(lambda: not host.born(grandchild))


def test_a_process_that_took_over_an_orphans_number_is_spared(
    tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    space = Workspace(tmp_path, "lab", "worker11")
    folder = space.begin(ATTEMPT)
    record = {"pid": process.pid, "born": "1", "boot": host.boot()}
    (folder / "child.json").write_text(json.dumps(record))
    (space.path / "owner.json").unlink()
    Workspace(tmp_path, "lab", "worker22")
    assert process.poll() is None


def test_nothing_of_another_boot_is_ended(tmp_path: Path, process: "subprocess.Popen[bytes]") -> None:
    space = Workspace(tmp_path, "lab", "worker11")
    folder = space.begin(ATTEMPT)
    record = {"pid": process.pid, "born": host.born(process.pid), "boot": "another"}
    (folder / "child.json").write_text(json.dumps(record))
    (space.path / "owner.json").write_text(json.dumps({**record, "pid": os.getppid()}))
    assert Workspace(tmp_path, "lab", "worker22").path == space.path
    assert process.poll() is None


def test_a_space_that_a_dead_runner_had_to_itself_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "lab" / "space-worker11"
    left.mkdir(parents=True)
    (left / "owner.json").write_text(json.dumps({"pid": 2**30, "born": "1", "boot": host.boot()}))
    Workspace(tmp_path, "lab", "worker22")
    assert not left.exists()
