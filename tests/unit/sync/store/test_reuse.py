"""What this disk holds already is not fetched, wherever it lies, and is verified like everything else."""

import os
import random
from pathlib import Path

import pytest

from sync.store import chunker
from sync.store.materialise import Laid, materialise, to_end
from sync.store.nouns import Root
from sync.store.reader import Reader
from tests.support.counting import CountingRemote
from tests.support.trees import Link as DiskLink
from tests.support.trees import make_tree
from tests.unit.sync.store.shelf import BASE, File, Shelf, Tree, noise, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")
SIZE = 12_000_000
OLD = noise(SIZE)


def laid(shelf: Shelf, root: Root, target: Path, **how: object) -> tuple[Laid, int]:
    """What came of it, and how many bytes of content were read of the mailbox for it."""
    remote = CountingRemote(shelf.remote.store)
    reader = Reader(remote, BASE)
    entries = reader.entries(reader.root(root.name))
    before = remote.bytes_read
    done = to_end(materialise(reader, entries, target, **{"unseen": shelf.unseen, **how}))  # type: ignore[arg-type]
    return done, remote.bytes_read - before


def changed(share: float, regions: int) -> bytes:
    """``OLD`` with that share of it drawn anew, in so many places."""
    dice = random.Random(5)
    data = bytearray(OLD)
    each = int(SIZE * share) // regions
    for number in range(regions):
        at = number * (SIZE // regions)
        data[at : at + each] = dice.randbytes(each)
    return bytes(data)


@pytest.fixture
def old(shelf: Shelf, target: Path) -> Path:
    """The target, in which an older state lies."""
    shelf.lay(shelf.save({b"model": File(OLD), b"small": File(b"1")}), target)
    return target


@posix
@pytest.mark.parametrize("follows_content", [True, False])
def test_of_a_file_that_changed_in_part_only_that_part_is_fetched(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch, follows_content: bool
) -> None:
    if not follows_content:
        monkeypatch.setattr(chunker, "_fast_cdc", lambda sizes: None)
    shelf.lay(shelf.save({b"model": File(OLD)}), target)
    tree: Tree = {b"model": File(changed(0.1, 1))}
    done, read = laid(shelf, shelf.save(tree), target)
    assert on_disk(target) == tree
    assert SIZE * 0.1 < read < SIZE * 0.25
    assert done.reused > SIZE * 0.75
    assert done.reused + read == pytest.approx(SIZE, rel=0.01)


@posix
@pytest.mark.skipif(not chunker.follows_content(), reason="cuts that follow the content")
def test_what_an_insertion_moved_is_found(shelf: Shelf, old: Path) -> None:
    tree: Tree = {b"model": File(b"one line more\n" + OLD), b"small": File(b"1")}
    done, read = laid(shelf, shelf.save(tree), old)
    assert on_disk(old) == tree
    assert read < 3_000_000
    assert done.bytes == SIZE + 14


@posix
@pytest.mark.parametrize("grown", [True, False])
def test_a_file_that_grew_or_shrank_keeps_what_it_had(shelf: Shelf, old: Path, grown: bool) -> None:
    data = OLD + noise(1_000_000, 2) if grown else OLD[: SIZE // 2]
    tree: Tree = {b"model": File(data), b"small": File(b"1")}
    _, read = laid(shelf, shelf.save(tree), old)
    assert on_disk(old) == tree
    assert read < 4_000_000


@posix
def test_a_file_that_moved_is_not_fetched(shelf: Shelf, old: Path) -> None:
    tree: Tree = {b"deep/renamed": File(OLD), b"small": File(b"1")}
    done, read = laid(shelf, shelf.save(tree), old, mirror=True)
    assert on_disk(old) == tree
    assert (read, done.reused, done.removed) == (0, SIZE, 1)
    assert os.listdir(old.parent) == [old.name]


@posix
def test_a_folder_that_moved_is_not_fetched(shelf: Shelf, target: Path) -> None:
    files = {b"%d" % n: noise(500_000 + n, n) for n in range(5)}
    shelf.lay(shelf.save({b"before/" + name: File(data) for name, data in files.items()}), target)
    tree: Tree = {b"after/" + name: File(data) for name, data in files.items()}
    _, read = laid(shelf, shelf.save(tree), target, mirror=True)
    assert on_disk(target) == tree
    assert read == 0


@posix
def test_a_copy_of_what_is_here_is_not_fetched(shelf: Shelf, old: Path) -> None:
    tree: Tree = {b"model": File(OLD), b"another": File(OLD), b"small": File(b"1")}
    done, read = laid(shelf, shelf.save(tree), old)
    assert on_disk(old) == tree
    assert (read, done.kept, done.reused) == (0, 2, SIZE)


@posix
@pytest.mark.parametrize("path", [b"model", b"elsewhere"])
def test_an_older_folder_lends_its_content_and_stays(
    shelf: Shelf, target: Path, tmp_path: Path, path: bytes
) -> None:
    older = make_tree(tmp_path / "older", {path: OLD, b"small": b"1"})
    tree: Tree = {b"model": File(OLD), b"small": File(b"1"), b"new": File(b"2")}
    done, read = laid(shelf, shelf.save(tree), target, older=[tmp_path / "none", older])
    assert on_disk(target) == tree
    assert (read < 300_000, done.reused) == (True, SIZE + 1)
    assert on_disk(older) == {path: File(OLD), b"small": File(b"1")}


@posix
def test_what_an_older_folder_pretends_to_hold_is_not_used(
    shelf: Shelf, target: Path, tmp_path: Path
) -> None:
    data = bytearray(OLD)
    data[SIZE // 2] ^= 1
    make_tree(tmp_path / "real", {"model": OLD})
    older = make_tree(
        tmp_path / "older",
        {"small": b"2", "model": bytes(data), "link": DiskLink(os.fsencode(tmp_path / "real/model"))},
    )
    os.mkfifo(older / "fifo")
    tree: Tree = {b"small": File(b"1"), b"model": File(OLD), b"link": File(OLD), b"fifo": File(OLD[:500])}
    done, read = laid(shelf, shelf.save(tree), target, older=[older])
    assert on_disk(target) == tree
    assert done.problems == []
    assert 0 < read < 3_000_000


@posix
def test_what_is_to_be_downloaded_is_what_is_not_here(shelf: Shelf, old: Path) -> None:
    told: list[tuple[str, int]] = []

    class Meter:
        def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
            told.append((label, total or 0))

        def advance(self, amount: int) -> None:
            label, left = told[-1]
            told[-1] = (label, left - amount)

        def finish(self) -> None:
            assert told[-1][1] == 0

    root = shelf.save({b"model": File(OLD + b"more"), b"small": File(b"1")})
    done, _ = laid(shelf, root, old, progress=Meter())
    assert [label for label, _ in told] == ["compare", "download"]
    assert done.reused > SIZE * 0.8
