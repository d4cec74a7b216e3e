"""Which file systems tell of changes, and what is said of a limit."""

import errno
from pathlib import Path

import pytest

from agent.daemon.watch.mode import EVENTS, after, of_mounts


def mounts(*pairs: tuple[str, str]) -> bytes:
    lines = [f"36 35 98:0 / {place} rw,noatime shared:1 - {kind} source rw" for place, kind in pairs]
    return "\n".join(lines).encode() + b"\n"


def test_local_file_systems_have_events() -> None:
    assert of_mounts(mounts(("/", "ext4"), ("/home", "btrfs"), ("/net", "nfs4")), b"/home/u/p") == EVENTS


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse"])
def test_a_project_on_another_machine_is_polled(kind: str) -> None:
    mode = of_mounts(mounts(("/", "ext4"), ("/home", kind)), b"/home/u/p")
    assert mode.how.startswith("polling, because ")
    assert kind in mode.why


def test_the_innermost_mount_counts_and_of_two_in_one_place_the_later() -> None:
    assert of_mounts(mounts(("/", "nfs"), ("/home", "ext4")), b"/home/u/p") == EVENTS
    assert of_mounts(mounts(("/home", "nfs"), ("/home", "ext4"), ("/", "ext4")), b"/home/u/p") == EVENTS
    assert of_mounts(mounts(("/home/u/p", "nfs")), b"/home/u/p").why
    assert of_mounts(mounts(("/", "ext4"), ("/home/u/p2", "nfs")), b"/home/u/p") == EVENTS


def test_a_mount_inside_the_project_is_named() -> None:
    assert (
        "/home/u/p/my data"
        in of_mounts(mounts(("/", "ext4"), (r"/home/u/p/my\040data", "nfs")), b"/home/u/p").why
    )


def test_a_line_that_cannot_be_read_is_no_mount() -> None:
    assert of_mounts(b"garbage\n\n36 35 - nfs\n", b"/home") == EVENTS


def test_the_command_for_a_limit_raises_it() -> None:
    mode = after(OSError(errno.ENOSPC, "no space"))
    assert mode.need is not None
    wanted = int(mode.need.how.partition("max_user_watches=")[2].partition("`")[0])
    now = Path("/proc/sys/fs/inotify/max_user_watches")
    assert wanted >= 524_288
    assert not now.exists() or wanted > int(now.read_text())


def test_any_other_failure_is_told_in_its_own_words() -> None:
    assert after(OSError(errno.EIO, "Input/output error")).how.endswith("watching failed: Input/output error")
    assert after(ValueError("odd")).how.endswith("watching failed: ValueError: odd")
