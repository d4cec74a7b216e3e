"""``-v`` says on standard error what is done, line by line, in words that cannot steer a terminal."""

import os
import sys
from pathlib import Path

import pytest

from sync.remotes.folder import FolderRemote
from tests.support.laptop import Laptop
from tests.support.mailboxes import LAPTOP, queue_run
from tests.support.workers import Worker


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "home")
    (laptop.home / "config").mkdir()
    (laptop.home / "config" / "laptop-id").write_text(LAPTOP)
    laptop.write(
        "hybrid.toml",
        '[project]\nid = "p"\n[remote]\nurl = "folder:../mail"\n[keep]\nsnapshots = 1\ndays = 0\n',
    )
    return laptop


def test_what_is_read_sent_fetched_and_removed_is_told(laptop: Laptop) -> None:
    laptop.write("large.bin", os.urandom(400_000))
    laptop.write("gone.txt", b"x")
    told = laptop.hybrid("push", "-v").err
    assert "agent.pushing: to read: large.bin\n" in told
    assert "sync.remotes.retry: wrote p/packs/" in told and "sync.remotes.retry: wrote p/snapshots/" in told
    (laptop.project / "gone.txt").unlink()
    laptop.write("large.bin", b"small now")
    assert "agent.pushing: gone: gone.txt\n" in laptop.hybrid("-v", "push").err
    assert "sync.gc: removed snapshots/" in laptop.hybrid("gc", "-v").err
    remote = FolderRemote(str(laptop.home / "mail"))
    queue_run(remote, "p", "r1", laptop.hybrid("status", "--json").json["pushed"]["snapshot"])
    Worker(remote, "p", "r1").claim().done(0, {"a": b"1"})
    assert "agent.cli.pull: shard 0 of r1 is in " in laptop.hybrid("pull", "-v").err


def test_without_it_nothing_is_told(laptop: Laptop) -> None:
    laptop.write("a.txt", b"x")
    assert "to read" not in laptop.hybrid("push").err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_cannot_steer_the_terminal(laptop: Laptop) -> None:
    laptop.write("red\x1b[31m.txt", b"x")
    told = laptop.hybrid("push", "-v").err
    assert "to read: red\\x1b[31m.txt\n" in told and "\x1b" not in told
