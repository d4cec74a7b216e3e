"""The system runs out of watches, of instances, or of room for its words."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from agent.daemon.bell import SystemBell
from tests.support.trees import make_tree
from tests.support.watched import PATIENCE_S, Watched

pytestmark = [pytest.mark.platform, pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")]
REPOSITORY = Path(__file__).parents[4]
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


class StuckBell(SystemBell):
    """Whoever rings it is held up until it is free, once."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.free = threading.Event()

    def ring(self) -> None:
        super().ring()
        self.reached.set()
        assert self.free.wait(PATIENCE_S)


def test_an_overflow_is_a_doubt_and_what_came_meanwhile_is_watched(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "project", {"src/a": "", "old/b": ""})
    bell = StuckBell()
    with Watched(root, bell) as watched:
        (root / "first").write_text("")
        assert bell.reached.wait(PATIENCE_S)
        with (root / "src" / "open").open("wb", buffering=0) as file:
            file.write(b"x")
            for number in range(int(QUEUE.read_text()) // 2 + 1000):
                (root / "src" / f"f{number}").touch()
        for name in ("one", "two"):
            (root / "late" / name / "deep").mkdir(parents=True)
        (root / "old").rename(root / "renamed")
        bell.free.set()
        folders = {"", "src", "late", "late/one", "late/one/deep", "late/two", "late/two/deep", "renamed"}
        watched.until(lambda so_far: so_far.watches() == len(folders))
        assert "more changed at once than the system can tell" in watched.doubts
        watched.all()
        watched.forget()
        changed = {b"late/one/deep/x", b"late/two/deep/x", b"renamed/b", b"src/a"}
        for path in changed:
            (root / path.decode()).write_text("new")
        assert changed <= watched.all()
        assert watched.open == frozenset()


class BrokenBell(SystemBell):
    """Breaks when it is rung for the first time."""

    broke = False

    def ring(self) -> None:
        super().ring()
        if not self.broke:
            self.broke = True
            raise RuntimeError("broken")


def test_a_failure_in_the_thread_is_a_doubt_and_it_goes_on(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "project", {"src/a": ""})
    with Watched(root, BrokenBell()) as watched:
        (root / "src" / "a").write_text("new")
        watched.until(lambda so_far: any("RuntimeError: broken" in doubt for doubt in so_far.doubts))
        watched.all()
        watched.forget()
        (root / "src" / "a").write_text("newer")
        assert watched.all() == {b"src/a"}
        assert watched.watching.how == "events"


def with_limit(limit: str, code: str, tmp_path: Path) -> str:
    """What ``code`` prints in a user namespace of its own, in which ``limit`` was set."""
    make_tree(tmp_path / "project", {f"d{number}/x": "" for number in range(50)})
    text = "import sys; from pathlib import Path; from tests.support.watched import Watched; "
    text += f"root = Path({str(tmp_path / 'project')!r})\n" + textwrap.dedent(code)
    setting, _, number = limit.partition("=")
    shell = f'echo {number} > /proc/sys/user/{setting} && exec "$0" -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", shell, sys.executable, text]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "/proc/sys/user" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_watch_left_it_polls_says_how_to_raise_the_limit_and_keeps_none(tmp_path: Path) -> None:
    said = with_limit(
        "max_inotify_watches=30",
        """
        with Watched(root) as watched:
            watched.until(lambda so_far: bool(so_far.doubts))
            print(watched.watching.how, watched.watching.need, watched.doubts, sep="\\n")
            print("kept", watched.watches() + len(root.resolve().parents))
            watched.forget()
            watched.renew()
            watched._take()
            print("again", watched.doubts)
            for number in range(30): (root / f"d{number}" / "x").unlink(), (root / f"d{number}").rmdir()
            watched.renew()
            print(watched.watching.how, watched.watching.need)
            (root / "d40" / "x").write_text("new")
            print(watched.all())
        """,
        tmp_path,
    )
    assert said.startswith("polling, because Linux allows you only ")
    assert "sudo sysctl fs.inotify.max_user_watches=" in said
    assert "/etc/sysctl.d/" in said
    assert said.endswith("kept 0\nagain []\nevents None\n{b'd40/x'}\n")


def test_a_limit_that_is_reached_later_is_a_doubt(tmp_path: Path) -> None:
    said = with_limit(
        "max_inotify_watches=70",
        """
        with Watched(root) as watched:
            print(watched.watching.how)
            for number in range(100, 130): (root / f"d{number}").mkdir()
            watched.until(lambda so_far: any("Linux allows you" in doubt for doubt in so_far.doubts))
            print(watched.watching.need.key)
        """,
        tmp_path,
    )
    assert said == "events\nwatch-max_user_watches\n"


def test_without_an_instance_left_it_polls_and_says_how_to_raise_the_limit(tmp_path: Path) -> None:
    said = with_limit(
        "max_inotify_instances=0",
        """
        with Watched(root) as watched:
            print(watched.watching.how, watched.watching.need)
        """,
        tmp_path,
    )
    assert said.startswith("polling, because Linux allows you only ")
    assert "sudo sysctl fs.inotify.max_user_instances=" in said


def test_without_a_file_left_to_open_it_polls(tmp_path: Path) -> None:
    said = with_limit(
        "max_inotify_instances=10",
        """
        import os, resource
        watched = Watched(root)
        import agent.daemon.watch.tree
        least = len(os.listdir("/proc/self/fd")) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (least, least))
        with watched: print(watched.watching.how, watched.watching.need)
        """,
        tmp_path,
    )
    assert said == "polling, because too many files are open None\n"
