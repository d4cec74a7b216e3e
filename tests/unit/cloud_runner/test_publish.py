"""A folder that grows becomes snapshots: what travels, what is left out, and what is removed again."""

import os
import random
from collections.abc import Generator
from pathlib import Path

import pytest

from cloud_runner.outlet import Outlet
from cloud_runner.publish import Found, Publisher, beside_log, walk
from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.remotes.memory import MemoryRemote
from sync.store.entries import LONGEST_PATH
from sync.store.materialise import to_end
from sync.store.nouns import FILE, MOST_LEANED_ON, Root
from sync.store.reader import Reader

BASE = "lab"
RUN = RunFolder("r-1")
PACK = 256 * 1024


class Shelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = MemoryRemote()
        self.remote.make_folders([f"{BASE}/{RUN.path}"])
        self.outlet = Outlet(self.remote, BASE)

    def publisher(self, what: str = OUTPUTS, shard: int = 0, n: int = 1, *, log: bool = False) -> "Publisher":
        folder = self.folder / f"{shard}.{n}" / what
        folder.mkdir(parents=True)
        attempt = Attempt(shard, "worker22", n)
        return Publisher(self.outlet, RUN, attempt, what, folder, folder.parent / "log" if log else None)

    def content(self, root: Root) -> dict[bytes, bytes]:
        reader = Reader(self.remote, BASE)
        found = {}
        for entry in reader.entries(reader.root(root.name)):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            found[entry.path] = entry.target or b"".join(pieces[chunk.sha256] for chunk in entry.chunks)
        return found

    def names(self) -> set[str]:
        return {RUN.in_folder(file.name) for file in self.remote.list_files(f"{BASE}/{RUN.path}")}

    def sent(self) -> int:
        return sum(file.size for file in self.remote.list_files(f"{BASE}/{RUN.path}"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def publish(publisher: Publisher, *, final: bool = False) -> Root:
    root = to_end(publisher.publish(PACK, final=final))
    assert root is not None
    return root


def folder_of(publisher: Publisher) -> Path:
    return publisher._folder


def noise(seed: int, size: int = 100_000) -> bytes:
    return random.Random(seed).randbytes(size)


def test_files_links_empty_folders_and_the_exec_bit_come_back(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    out = folder_of(publisher)
    (out / "deep" / "empty").mkdir(parents=True)
    (out / "deep" / "plot.svg").write_bytes(b"<svg/>")
    (out / "empty.txt").write_bytes(b"")
    os.symlink("deep/plot.svg", out / "link")
    os.symlink("nowhere", out / "dangling")
    (out / os.fsdecode(b"\xff.bin")).write_bytes(b"odd")
    tool = out / "tool"
    tool.write_bytes(b"#!")
    tool.chmod(0o755)
    if hasattr(os, "mkfifo"):
        os.mkfifo(out / "pipe")
    root = publish(publisher)
    assert shelf.content(root) == {
        b"dangling": b"nowhere",
        b"deep/empty": b"",
        b"deep/plot.svg": b"<svg/>",
        b"empty.txt": b"",
        b"link": b"deep/plot.svg",
        b"tool": b"#!",
        b"\xff.bin": b"odd",
    }
    entries = Reader(shelf.remote, BASE).entries(root)
    assert {entry.path for entry in entries if entry.executable} == {b"tool"}
    assert root.meta == {"attempt": "0.worker22.1"}


def test_the_log_goes_along_and_what_has_its_name_by_another(shelf: Shelf) -> None:
    publisher = shelf.publisher(log=True)
    out = folder_of(publisher)
    (out.parent / "log").write_bytes(b"epoch 1\n")
    (out / "hybrid.log").write_bytes(b"theirs")
    assert shelf.content(publish(publisher)) == {b"hybrid.log": b"epoch 1\n", b"hybrid.log.1": b"theirs"}
    (out / "hybrid.log").unlink()
    (out / "hybrid.log").mkdir()
    (out / "hybrid.log" / "theirs").write_bytes(b"x")
    (out / "hybrid.log.1").write_bytes(b"y")
    (out / "hybrid.logs").write_bytes(b"z")
    assert shelf.content(publish(publisher)) == {
        b"hybrid.log": b"epoch 1\n",
        b"hybrid.log.1": b"y",
        b"hybrid.log.2/theirs": b"x",
        b"hybrid.logs": b"z",
    }


def test_a_path_that_is_too_long_beside_the_log_is_left_out() -> None:
    longest = b"/".join([b"hybrid.log", *[b"d" * 200] * 20])
    deep = Found(longest + b"/" + b"f" * (LONGEST_PATH - len(longest) - 1), b"", FILE, False, (0, 0, 0, 0))
    short = Found(b"hybrid.log/f", b"", FILE, False, (0, 0, 0, 0))
    assert list(beside_log([deep, short])) == [(b"hybrid.log.1/f", short)]


def test_a_checkpoint_has_no_log_and_keeps_a_file_of_its_name(shelf: Shelf) -> None:
    publisher = shelf.publisher(what="ckpt")
    (folder_of(publisher) / "hybrid.log").write_bytes(b"theirs")
    assert shelf.content(publish(publisher)) == {b"hybrid.log": b"theirs"}


def test_what_is_there_already_does_not_travel_again(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    for n in range(8):
        (folder_of(publisher) / f"{n}.bin").write_bytes(noise(n))
    publish(publisher)
    before = shelf.sent()
    (folder_of(publisher) / "9.bin").write_bytes(b"small")
    publish(publisher)
    assert shelf.sent() - before < 5_000


def test_what_another_attempt_published_does_not_travel_again(shelf: Shelf) -> None:
    first, second = shelf.publisher(n=1), shelf.publisher(n=2)
    for publisher in (first, second):
        (folder_of(publisher) / "same.bin").write_bytes(noise(1))
    publish(first)
    before = shelf.sent()
    root = publish(second)
    assert shelf.sent() - before < 5_000
    assert shelf.content(root) == {b"same.bin": noise(1)}


def test_a_publication_that_changes_nothing_is_none(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    assert not publisher.is_new(publisher.look()), "an empty folder is nothing to publish"
    (folder_of(publisher) / "a").write_bytes(b"1")
    assert publisher.is_new(publisher.look())
    publish(publisher)
    assert not publisher.is_new(publisher.look())
    (folder_of(publisher) / "a").write_bytes(b"22")
    assert publisher.is_new(publisher.look())


def test_the_last_two_stay_and_their_packs(shelf: Shelf) -> None:
    publisher = shelf.publisher(CHECKPOINT)
    roots = []
    for n in range(6):
        (folder_of(publisher) / "model.bin").write_bytes(noise(n, 600_000))
        roots.append(publish(publisher))
    assert shelf.names() == {
        *(root.name for root in roots[-2:]),
        *(name for root in roots[-2:] for name in root.objects),
    }
    assert sum(name.endswith(".pack") for name in shelf.names()) <= 6
    assert shelf.content(roots[-2]) == {b"model.bin": noise(4, 600_000)}
    assert shelf.content(roots[-1]) == {b"model.bin": noise(5, 600_000)}


def test_what_is_leaned_on_stays_also_for_another_attempt(shelf: Shelf) -> None:
    first, second = shelf.publisher(n=1), shelf.publisher(n=2)
    (folder_of(first) / "same.bin").write_bytes(noise(1, 20_000))
    (folder_of(second) / "same.bin").write_bytes(noise(1, 20_000))
    leaned_on = publish(first)
    root = publish(second)
    assert leaned_on.name in root.objects
    for n in range(4):
        (folder_of(first) / "same.bin").write_bytes(noise(100 + n, 20_000))
        publish(first)
    assert leaned_on.name in shelf.names()
    assert shelf.content(root) == {b"same.bin": noise(1, 20_000)}


def test_a_later_attempts_checkpoints_supersede_an_earlier_ones(shelf: Shelf) -> None:
    roots = []
    for n in (1, 2, 3):
        publisher = shelf.publisher(CHECKPOINT, n=n)
        (folder_of(publisher) / "step").write_bytes(noise(n, 1000))
        roots.append(publish(publisher))
    assert shelf.names() == {root.name for root in roots[-2:]}


def test_content_that_was_removed_comes_back_when_it_is_needed_again(shelf: Shelf) -> None:
    publisher = shelf.publisher(CHECKPOINT)
    for n in (1, 2, 3, 4, 1):
        (folder_of(publisher) / "step").write_bytes(noise(n, 1000))
        root = publish(publisher)
    assert shelf.content(root) == {b"step": noise(1, 1000)}


def test_a_snapshot_never_leans_on_many_others(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    for n in range(3 * MOST_LEANED_ON):
        (folder_of(publisher) / f"{n:03}").write_bytes(noise(n, 200))
        root = publish(publisher)
        assert len(root.objects) <= MOST_LEANED_ON
    assert len(shelf.content(root)) == 3 * MOST_LEANED_ON
    assert len(shelf.names()) <= MOST_LEANED_ON + 3


def interrupted_by(publisher: Publisher, act: "Path", content: bytes, *, final: bool = False) -> Root | None:
    """Publishes, and changes a file in the middle of its being read."""
    steps: Generator[None, None, Root | None] = publisher.publish(PACK, final=final)
    next(steps)
    act.write_bytes(content)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Root | None = stop.value
            return result


def test_a_file_being_written_is_left_out_of_a_partial_publication_only(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    growing = folder_of(publisher) / "growing"
    growing.write_bytes(noise(1, 50_000))
    (folder_of(publisher) / "whole").write_bytes(b"whole")
    root = interrupted_by(publisher, growing, noise(2, 60_000))
    assert root is not None and shelf.content(root) == {b"whole": b"whole"}
    assert publisher.is_new(publisher.look()), "it is taken next time"
    assert shelf.content(publish(publisher, final=True)) == {b"growing": noise(2, 60_000), b"whole": b"whole"}


def test_a_checkpoint_that_changes_meanwhile_is_not_published_at_all(shelf: Shelf) -> None:
    publisher = shelf.publisher(CHECKPOINT)
    model, step = folder_of(publisher) / "a.model", folder_of(publisher) / "b.step"
    model.write_bytes(b"1" * 1000)
    step.write_bytes(b"1")
    assert interrupted_by(publisher, step, b"22") is None
    assert interrupted_by(publisher, folder_of(publisher) / "c.more", b"3") is None
    assert not shelf.names()
    assert shelf.content(publish(publisher))[b"b.step"] == b"22"


def test_a_rewrite_of_the_same_size_and_time_is_in_the_final_outputs(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    file = folder_of(publisher) / "a"
    file.write_bytes(b"first!")
    publish(publisher)
    before = file.stat()
    with open(file, "r+b") as handle:
        handle.write(b"second")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert shelf.content(publish(publisher, final=True)) == {b"a": b"second"}


@pytest.mark.platform
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_fails_the_final_publication_only(shelf: Shelf) -> None:
    publisher = shelf.publisher()
    file = folder_of(publisher) / "secret"
    file.write_bytes(b"x")
    file.chmod(0)
    assert shelf.content(publish(publisher)) == {}
    with pytest.raises(PermissionError):
        publish(publisher, final=True)


def test_a_folder_that_vanishes_is_empty(tmp_path: Path) -> None:
    assert walk(tmp_path / "gone") == []
