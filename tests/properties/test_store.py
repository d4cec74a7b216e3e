"""The store, for any content: what goes in comes out, and equal is equal."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.store import chunker, codec
from sync.store.chunker import Sizes, chunks
from sync.store.entries import TreeHash
from tests.properties.any_tree import Item, bounded, contents, trees
from tests.unit.sync.store.shelf import File, Folder, Shelf, on_disk

SMALL = Sizes(64, 256, 1024)


@contextlib.contextmanager
def cutter(bare: bool) -> Iterator[None]:
    """With ``bare``, as on a Python without pyfastcdc."""
    with pytest.MonkeyPatch.context() as patch:
        if bare:
            patch.setitem(sys.modules, "pyfastcdc", None)
        chunker._fast_cdc.cache_clear()
        yield
    chunker._fast_cdc.cache_clear()


@bounded
@given(data=contents, cuts=st.lists(st.integers(1, 3000), max_size=30), bare=st.booleans())
def test_chunks_joined_are_the_stream_however_it_was_buffered(
    data: bytes, cuts: list[int], bare: bool
) -> None:
    buffers, rest = [], data
    for cut in cuts:
        buffers.append(rest[:cut])
        rest = rest[cut:]
    with cutter(bare):
        pieces = list(chunks([*buffers, rest], SMALL))
        assert pieces == list(chunks([data], SMALL))
    assert b"".join(pieces) == data
    assert all(SMALL.smallest <= len(piece) <= SMALL.largest for piece in pieces[:-1])
    assert all(0 < len(piece) <= SMALL.largest for piece in pieces[-1:])


@bounded
@given(data=contents, at=st.integers(0, 200_000), inserted=st.binary(min_size=1, max_size=100))
def test_cuts_before_an_edit_do_not_move(data: bytes, at: int, inserted: bytes) -> None:
    at = min(at, len(data))
    before = list(chunks([data], SMALL))
    after = list(chunks([data[:at] + inserted + data[at:]], SMALL))
    same = 0
    for piece in before:
        same += len(piece)
        if same + SMALL.largest > at:
            break
        assert after.pop(0) == piece


@bounded
@given(data=contents.filter(bool))
def test_a_block_comes_back_whatever_it_holds(data: bytes) -> None:
    name, stored = codec.compress(data)
    assert codec.decompress(name, stored, len(data)) == data
    assert len(stored) <= len(data)


@bounded
@given(tree=trees, pack_size=st.sampled_from([1, 10_000, 1 << 20]), bare=st.booleans())
def test_any_tree_comes_back(tree: dict[bytes, Item], pack_size: int, bare: bool) -> None:
    shelf = Shelf(pack_size=pack_size)
    with cutter(bare):
        root = shelf.save(tree)
    assert shelf.tree(root.name) == tree
    assert shelf.reader().root(root.name) == root
    assert root.files == sum(isinstance(item, File) for item in tree.values())


@bounded
@given(first=trees, second=trees)
def test_tree_hashes_are_equal_exactly_when_trees_are(
    first: dict[bytes, Item], second: dict[bytes, Item]
) -> None:
    one, two = Shelf(pack_size=10_000), Shelf(writer="desktop")
    two.save(first)
    assert (one.save(first).tree == two.save(second).tree) == (first == second)
    assert one.save(dict(reversed(first.items()))).tree == two.save(first).tree


@bounded
@given(tree=trees, more=trees)
def test_a_later_snapshot_sends_only_content_that_is_new(
    tree: dict[bytes, Item], more: dict[bytes, Item]
) -> None:
    shelf = Shelf(pack_size=10_000)
    first = shelf.save(tree)
    assert shelf.save({b"renamed/" + path: item for path, item in tree.items()}).files == first.files
    assert shelf.sent == 0
    both = {
        **{b"1/" + path: item for path, item in tree.items()},
        **{b"2/" + p: item for p, item in more.items()},
    }
    root = shelf.save(both)
    assert shelf.sent <= sum(len(item.data) for item in more.values() if isinstance(item, File))
    assert shelf.tree(root.name) == both
    assert shelf.tree(first.name) == tree


@pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux holds")
@settings(bounded, max_examples=40)
@given(before=trees, after=trees)
def test_any_tree_becomes_any_other_and_equal_files_stay(
    before: dict[bytes, Item], after: dict[bytes, Item]
) -> None:
    shelf = Shelf()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "target"
        shelf.lay(shelf.save(before), target, escaping_links=True)
        assert on_disk(target) == before
        stays = {
            path for path in before if isinstance(before[path], File) and before[path] == after.get(path)
        }
        inodes = {path: os.lstat(os.fsencode(target) + b"/" + path).st_ino for path in stays}
        laid = shelf.lay(shelf.save(after), target, mirror=True, escaping_links=True)
        assert laid.problems == []
        assert on_disk(target) == after
        assert inodes == {path: os.lstat(os.fsencode(target) + b"/" + path).st_ino for path in stays}
        assert laid.written + laid.kept == sum(not isinstance(item, Folder) for item in after.values())


@pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux holds")
@settings(bounded, max_examples=30)
@given(tree=trees)
def test_no_tree_changes_anything_outside_its_target(tree: dict[bytes, Item]) -> None:
    shelf = Shelf()
    with tempfile.TemporaryDirectory() as folder:
        shelf.lay(shelf.save(tree), Path(folder) / "target", mirror=True)
        assert os.listdir(folder) == ["target"]
        for path, item in on_disk(Path(folder) / "target").items():
            assert tree[path] == item


@bounded
@given(tree=trees)
def test_the_tree_hash_counts_files_and_bytes(tree: dict[bytes, Item]) -> None:
    shelf = Shelf()
    totals = TreeHash()
    for entry in shelf.entries(shelf.save(tree).name):
        totals.add(entry)
    files = [item for item in tree.values() if isinstance(item, File)]
    assert (totals.files, totals.bytes) == (len(files), sum(len(file.data) for file in files))
