"""The store, for any content: what goes in comes out, equal is equal, and no bytes make a reader fail otherwise
than by saying that the mailbox is corrupt."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.store import chunker, codec
from sync.store.chunker import Sizes, chunks
from sync.store.entries import TreeHash, decode, encode, safe_path
from sync.store.materialise import materialise, to_end
from sync.store.nouns import DIRECTORY, FILE, LINK, Chunk, Entry, Location
from sync.store.pack import PACK_MAGIC, PackBuilder, read_index
from sync.store.reader import Reader
from tests.unit.sync.store.forge import Forge, place
from tests.unit.sync.store.shelf import BASE, File, Folder, Link, Shelf, noise, on_disk

Item = File | Link | Folder
REFUSALS = (CorruptMailbox, NewerMailbox, NotFound)
SMALL = Sizes(64, 256, 1024)

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextlib.contextmanager
def cutter(bare: bool) -> Iterator[None]:
    """With ``bare``, as on a Python without pyfastcdc."""
    with pytest.MonkeyPatch.context() as patch:
        if bare:
            patch.setitem(sys.modules, "pyfastcdc", None)
        chunker._fast_cdc.cache_clear()
        yield
    chunker._fast_cdc.cache_clear()


contents = st.one_of(
    st.binary(max_size=200),
    st.builds(noise, st.integers(0, 200_000), st.integers(0, 5)),
    st.builds(lambda piece, n: piece * n, st.binary(min_size=1, max_size=50), st.integers(0, 5_000)),
)
names = st.one_of(
    st.sampled_from([b"a", b"b", b"a.b", b"a-b", b"ab", b"A", b"...", b"\xff", b"\xc3\xa9", b"e\xcc\x81"]),
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_")),
).filter(lambda name: name not in (b".", b".."))
targets = st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b"\0", b"_"))
leaves = st.one_of(st.builds(File, contents, st.booleans()), st.builds(Link, targets))
nested = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda inner: st.dictionaries(names, st.one_of(leaves, inner), max_size=4),
    max_leaves=12,
)


def flat(tree: Mapping[bytes, object], prefix: bytes = b"") -> dict[bytes, Item]:
    found: dict[bytes, Item] = {}
    for name, item in tree.items():
        if isinstance(item, File | Link):
            found[prefix + name] = item
        elif isinstance(item, dict) and item:
            found |= flat(item, prefix + name + b"/")
        else:
            found[prefix + name] = Folder()
    return found


trees = nested.map(lambda tree: flat(tree))


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
@given(stored=st.binary(max_size=300), name=st.sampled_from(codec.NAMES), size=st.integers(0, 100_000))
def test_no_bytes_crash_a_codec(stored: bytes, name: str, size: int) -> None:
    with contextlib.suppress(CorruptMailbox):
        assert len(codec.decompress(name, stored, size)) == size


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


ANY_LOCATION = st.builds(
    Location,
    object=st.just("packs/x.pack"),
    block_offset=st.integers(0, 1 << 40),
    block_stored=st.integers(1, 1 << 23),
    block_raw=st.integers(1 << 20, 1 << 23),
    codec=st.sampled_from(codec.NAMES),
    offset=st.integers(0, 1 << 10),
    length=st.integers(1, 1 << 19),
)
ANY_CHUNK = st.builds(Chunk, st.text("0123456789abcdef", min_size=64, max_size=64), ANY_LOCATION)


@bounded
@given(
    path=names,
    kind=st.sampled_from([FILE, DIRECTORY, LINK]),
    executable=st.booleans(),
    target=targets,
    chunk=st.lists(ANY_CHUNK, max_size=3),
)
def test_an_entry_line_comes_back(
    path: bytes, kind: str, executable: bool, target: bytes, chunk: list[Chunk]
) -> None:
    entry = Entry(path=path, kind=kind)
    if kind == FILE:
        size = sum(c.at.length for c in chunk)
        entry = Entry(path=path, kind=kind, executable=executable, size=size, chunks=tuple(chunk))
    elif kind == LINK:
        entry = Entry(path=path, kind=kind, target=target)
    line = encode(entry)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    short = encode(
        Entry(
            path=b"x",
            kind=FILE,
            size=1,
            chunks=(Chunk("0" * 64, Location("packs/x.pack", 0, 1, 1, "zstd", 0, 1)),),
        )
    )
    reference = short.split(b'"')[7].decode()
    assert list(decode([line[:-1]], {reference: "packs/x.pack"})) == [entry]


@bounded
@given(path=st.text(max_size=30))
def test_a_path_is_safe_or_refused(path: str) -> None:
    try:
        raw = safe_path(path)
    except CorruptMailbox:
        return
    inside = os.path.normpath(b"/target/" + raw)
    assert inside.startswith(b"/target/") and inside == b"/target/" + raw


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from("fdl")
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@bounded
@given(lines=st.lists(st.one_of(st.binary(max_size=60), JSON), max_size=4))
def test_no_lines_crash_the_reader_of_entries(lines: list[object]) -> None:
    shelf = Shelf()
    with contextlib.suppress(*REFUSALS):
        shelf.tree(Forge(shelf).publish(lines))


@bounded
@given(
    root=st.dictionaries(
        st.sampled_from(["kind", "seq", "tree", "files", "bytes", "entries", "objects", "meta"]), JSON
    )
)
def test_no_root_crashes_the_reader(root: dict[str, object]) -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    with contextlib.suppress(*REFUSALS):
        shelf.tree(forge.publish([["f", "a", 0, 3, forge.content(b"abc")]], **root))


def mutated(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for what, where, piece in edits:
        at = where % (len(data) + 1)
        if what == "cut":
            data = data[:at]
        elif what == "insert":
            data = data[:at] + piece + data[at:]
        else:
            data = data[:at] + piece + data[at + len(piece) :]
    return data


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "insert", "replace"]),
        st.integers(0, 1 << 20),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=3,
)
SAMPLE: dict[bytes, Item] = {
    b"a": File(b"text\n" * 100),
    b"b/c": File(noise(3000), executable=True),
    b"l": Link(b"a"),
    b"o": Folder(),
}


@settings(bounded, max_examples=200)
@given(edits=EDITS)
def test_a_damaged_snapshot_is_refused_even_where_its_name_fits(edits: list[tuple[str, int, bytes]]) -> None:
    shelf = Shelf()
    good = shelf.remote.read(f"{BASE}/{shelf.save(SAMPLE).name}")
    bad = mutated(good, edits)
    assume(bad != good)
    name = place(shelf, bad)
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(shelf.another(), BASE)
        try:
            entries = reader.entries(reader.root(name))
            to_end(materialise(reader, entries, Path(folder) / "target"))
        except REFUSALS:
            return
        # Only what no reader looks at was hit, such as the index of chunks.
        assert on_disk(Path(folder) / "target") == SAMPLE


@settings(bounded, max_examples=200)
@given(edits=EDITS)
def test_a_damaged_snapshot_never_passes_under_its_old_name(edits: list[tuple[str, int, bytes]]) -> None:
    shelf = Shelf()
    name = shelf.save(SAMPLE).name
    good = shelf.remote.read(f"{BASE}/{name}")
    bad = mutated(good, edits)
    assume(bad != good)
    shelf.remote.delete(f"{BASE}/{name}")
    shelf.remote.write(f"{BASE}/{name}", bad)
    with pytest.raises(CorruptMailbox):
        shelf.reader().root(name)


@settings(bounded, max_examples=200)
@given(edits=EDITS)
def test_a_damaged_index_is_refused_or_an_object(edits: list[tuple[str, int, bytes]]) -> None:
    builder = PackBuilder(PACK_MAGIC)
    for number in range(20):
        builder.add(f"{number:064d}", b"%d" % number)
    data = mutated(builder.seal({"writer": "laptop"}).data, edits)
    with contextlib.suppress(*REFUSALS):
        assert isinstance(read_index(data, "packs/x.pack"), dict)


@bounded
@given(data=st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_pack(data: bytes) -> None:
    for start in (b"", PACK_MAGIC):
        with pytest.raises(REFUSALS):
            read_index(start + data, "packs/x.pack")


@bounded
@given(tree=trees)
def test_the_tree_hash_counts_files_and_bytes(tree: dict[bytes, Item]) -> None:
    shelf = Shelf()
    totals = TreeHash()
    for entry in shelf.entries(shelf.save(tree).name):
        totals.add(entry)
    files = [item for item in tree.values() if isinstance(item, File)]
    assert (totals.files, totals.bytes) == (len(files), sum(len(file.data) for file in files))
