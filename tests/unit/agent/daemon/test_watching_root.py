"""The project folder itself goes, moves and comes back; the watcher starts, stops and costs nothing meanwhile."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon.watch.mode import GONE
from tests.support.trees import make_tree
from tests.support.watched import Watched

pytestmark = [pytest.mark.platform, pytest.mark.skipif(sys.platform != "linux", reason="Linux tells most")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "above" / "project", {"src/deep/a.py": "", "b": ""})


def delete(root: Path) -> None:
    shutil.rmtree(root)


def move(root: Path) -> None:
    root.rename(root.with_name("moved"))


def move_with_parent(root: Path) -> None:
    root.parent.rename(root.parent.with_name("moved"))


@pytest.mark.parametrize("lose", [delete, move, move_with_parent])
def test_a_root_that_goes_is_told_and_watched_again_when_it_is_back(
    root: Path, lose: Callable[[Path], None]
) -> None:
    with Watched(root) as watched:
        lose(root)
        watched.until(lambda so_far: GONE.why in so_far.doubts)
        assert watched.watching.how == GONE.how
        watched.renew()
        assert watched.watching.how == GONE.how
        make_tree(root, {"src/new/a.py": ""})
        watched.renew()
        assert watched.watching.how == "events"
        watched.all()
        watched.forget()
        (root / "src" / "new" / "a.py").write_text("new")
        assert watched.all() == {b"src/new/a.py"}


def test_nothing_is_heard_of_a_root_that_moved_away(root: Path) -> None:
    with Watched(root) as watched:
        move(root)
        watched.until(lambda so_far: GONE.why in so_far.doubts)
        make_tree(root, {"b": ""})
        watched.renew()
        watched.forget()
        (root.with_name("moved") / "src" / "deep" / "a.py").write_text("new")
        assert watched.all() == set()


def test_a_root_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    with Watched(tmp_path / "later") as watched:
        assert watched.watching.how == GONE.how
        (tmp_path / "later").mkdir()
        watched.renew()
        watched.forget()
        (tmp_path / "later" / "file").write_text("")
        watched.until(lambda so_far: b"file" in so_far.paths)


def test_a_root_that_is_named_by_a_link_is_watched(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    with Watched(tmp_path / "link") as watched:
        (root / "src" / "deep" / "a.py").write_text("new")
        assert watched.all() == {b"src/deep/a.py"}


def test_stop_leaves_no_thread_and_no_open_file_and_may_be_repeated(root: Path) -> None:
    watched = Watched(root)
    watched.watching.stop()
    before = threading.active_count(), sorted(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with watched:
            watched.watching.start()
            assert threading.active_count() == before[0] + 1
            watched.all()
        watched.watching.stop()
        assert (threading.active_count(), sorted(os.listdir("/proc/self/fd"))) == before
        watched.watching.renew()


def test_stop_does_not_wait_for_changes_to_end(root: Path) -> None:
    watched = Watched(root)
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            (root / "x" / "y").mkdir(parents=True)
            shutil.rmtree(root / "x")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(20):
            with watched:
                watched.until(lambda so_far: b"x" in so_far.paths)
            watched.forget()
    finally:
        over.set()
        thread.join()


def test_no_thread_wakes_up_while_nothing_happens(root: Path) -> None:
    others = set(os.listdir("/proc/self/task"))

    def switches() -> dict[str, int]:
        found = {}
        for task in set(os.listdir("/proc/self/task")) - others:
            text = Path("/proc/self/task", task, "status").read_text()
            found[task] = sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)
        return found

    with Watched(root) as watched:
        watched.all()
        end = time.monotonic() + 20
        # Its thread may be on its way to sleep for a while.
        while True:
            before = switches()
            time.sleep(2.5)
            if switches() == before:
                break
            assert time.monotonic() < end, "it never sleeps for as long as that"
        assert before, "it has a thread"
