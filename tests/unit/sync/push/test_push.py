"""What ``push`` promises of content: what arrives, how little is sent for it, and on what a snapshot leans.

What it makes of lost state and of failures is in ``test_push_recovery.py``, of a tree that changes or
hides something meanwhile in ``test_push_changing.py``.
"""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.remotes.base import Remote
from sync.remotes.folder import FolderRemote
from sync.remotes.memory import MemoryRemote
from sync.store.nouns import MOST_LEANED_ON
from tests.support.pushes import LAPTOP, Desk, newest, root_of
from tests.support.trees import (
    FOLDER,
    Link,
    fingerprint,
    make_fifo,
    make_tree,
    nasty_tree,
    noise,
)


@pytest.fixture(params=["memory", "folder"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Remote:
    return MemoryRemote() if request.param == "memory" else FolderRemote(str(tmp_path / "mailbox"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", MemoryRemote())


# What arrives


@pytest.mark.platform
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds all of these names")
def test_every_name_and_type_arrives_as_it_was(tmp_path: Path, remote: Remote) -> None:
    desk = Desk(tmp_path / "home", remote)
    nasty_tree(desk.tree)
    done = desk.push()
    assert not done.problems and not done.held_back
    assert newest(remote, tmp_path / "out") == fingerprint(desk.tree)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_what_no_snapshot_can_hold_is_named_and_the_rest_goes(tmp_path: Path, remote: Remote) -> None:
    desk = Desk(tmp_path / "home", remote)
    make_tree(desk.tree, {"a": b"a", "sub/b": b"b"})
    make_fifo(desk.tree, "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(desk.tree, os.O_RDONLY)
        try:
            server.bind(
                f"/proc/self/fd/{here}/socket" if sys.platform == "linux" else str(desk.tree / "socket")
            )
        finally:
            os.close(here)
    deep = b"/".join([b"x"] * 300)
    make_tree(desk.tree, {deep: b"deep"})
    done = desk.push()
    assert {problem.path: problem.what for problem in done.problems} == {
        b"pipe": "is a named pipe",
        b"socket": "is a socket",
        deep: "lies more than 256 folders deep",
    }
    assert newest(remote, tmp_path / "out").keys() == {b"a", b"sub/b"}


def test_the_snapshot_says_which_commit_it_was_made_of(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a"})
    first = root_of(desk.remote, desk.push().published.snapshot)
    assert first.meta.keys() == {"created"}
    assert (first.kind, first.writer, first.seq) == ("tree", LAPTOP, 1)


# What is sent


def test_nothing_changed_is_decided_without_the_mailbox(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a", "b/c": noise(300_000), "link": Link(b"a"), "empty": FOLDER})
    desk.push()
    seen = desk.look()
    assert seen.nothing_to_do
    assert seen.before is not None and seen.before.seq == 1


def test_a_file_too_young_for_its_times_is_read_again_and_still_nothing_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, MemoryRemote(), ManualClock(time.time()))
    make_tree(desk.tree, {"a": b"a", "b": b"b"})
    desk.push()
    assert desk.look().nothing_to_do
    (desk.tree / "a").write_bytes(b"x")
    assert [entry.path for entry in desk.look().changed] == [b"a", b"b"]


def test_new_times_alone_publish_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a", "b": noise(300_000), "empty": b""})
    desk.push()
    for path in ("a", "b", "empty"):
        os.utime(desk.tree / path, (1, 1))
    assert desk.look().nothing_to_do
    assert desk.look().changed == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such bit on Windows")
def test_the_executable_bit_alone_is_a_change_that_sends_no_content(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"run.sh": b"#!/bin/sh\n" + noise(400_000)})
    desk.push()
    os.chmod(desk.tree / "run.sh", 0o755)
    done = desk.push()
    assert (done.unpublished, done.new_bytes, done.published.seq) == (False, 0, 2)
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_content_changed_behind_the_same_times_of_modification_is_noticed(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"one"})
    desk.push()
    before = os.stat(desk.tree / "a")
    (desk.tree / "a").write_bytes(b"two")
    os.utime(desk.tree / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    if os.name != "nt":  # the time of change cannot be set back
        assert not desk.look().nothing_to_do


def test_identical_copies_are_stored_once(desk: Desk) -> None:
    make_tree(desk.tree, {f"copy-{n}": noise(500_000) for n in range(10)})
    assert desk.push().new_bytes == 500_000


def test_one_edit_among_ten_thousand_files_costs_little_beside_its_content(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n % 50:02d}/{n:05d}.json": noise(60, n) for n in range(10_000)})
    desk.push()
    content = noise(10_000, 77)
    (desk.tree / "07" / "05007.json").write_bytes(content)
    done = desk.push()
    assert done.new_bytes == len(content)
    assert (done.objects, done.changed) == (1, 1)
    assert done.sent_bytes < len(content) + 64 * 1024


def test_a_byte_inserted_at_the_head_of_a_large_file_sends_few_chunks(desk: Desk, tmp_path: Path) -> None:
    content = noise(30_000_000)
    make_tree(desk.tree, {"big": content})
    desk.push()
    (desk.tree / "big").write_bytes(b"!" + content)
    assert desk.push().new_bytes < 4_000_000
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_content_that_comes_back_is_found_again(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(400_000), "b": b"b"})
    desk.push()
    os.rename(desk.tree / "a", desk.home / "aside")
    desk.push()
    os.rename(desk.home / "aside", desk.tree / "a")
    assert desk.push().new_bytes == 0


# Leaning on others


def test_a_snapshot_leans_on_few_others_however_often_is_pushed(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {f"{n:03d}": noise(3_000, n) for n in range(400)})
    desk.push()
    sent = []
    for n in range(100):
        (desk.tree / f"{(n * 37) % 400:03d}").write_bytes(noise(500, 1000 + n))
        done = desk.push()
        sent.append(done.sent_bytes)
        root = root_of(desk.remote, done.published.snapshot)
        others = [name for name in root.objects if name.endswith(".snap")]
        assert len(others) <= MOST_LEANED_ON
        assert done.published.leans_on == others
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
    assert desk.look().nothing_to_do
    # Moving things together is rare and costs only what lay in the snapshots that are given up.
    assert len([size for size in sent if size > 64_000]) <= 100 // MOST_LEANED_ON
    assert max(sent) < 400_000


def test_going_back_to_many_old_versions_at_once_leans_on_few_others(desk: Desk, tmp_path: Path) -> None:
    names = [f"{n:02d}" for n in range(60)]
    make_tree(desk.tree, {name: noise(500, n) for n, name in enumerate(names)})
    desk.push()
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 100 + n))
        desk.push()
    middle = fingerprint(desk.tree)
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 200 + n))
    desk.push()
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 100 + n))
    done = desk.push()
    root = root_of(desk.remote, done.published.snapshot)
    assert len([name for name in root.objects if name.endswith(".snap")]) <= MOST_LEANED_ON
    assert newest(desk.remote, tmp_path / "out") == middle
