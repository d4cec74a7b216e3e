"""The store, for any bytes: an entry is one line, and no reader fails otherwise than by saying what is corrupt."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.store import codec
from sync.store.entries import TreeHash, decode, reference, safe_path
from sync.store.lines import lines
from sync.store.materialise import materialise, to_end
from sync.store.nouns import DIRECTORY, FILE, LINK, Chunk, Entry, Location
from sync.store.pack import PACK_MAGIC, PackBuilder, read_index
from sync.store.reader import Reader
from tests.properties.any_tree import Item, bounded, names, targets
from tests.unit.sync.store.forge import Forge, place
from tests.unit.sync.store.shelf import BASE, File, Folder, Link, Shelf, noise, on_disk

REFUSALS = (CorruptMailbox, NewerMailbox, NotFound)


@bounded
@given(stored=st.binary(max_size=300), name=st.sampled_from(codec.NAMES), size=st.integers(0, 100_000))
def test_no_bytes_crash_a_codec(stored: bytes, name: str, size: int) -> None:
    with contextlib.suppress(CorruptMailbox):
        assert len(codec.decompress(name, stored, size)) == size


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
    chunk=st.lists(ANY_CHUNK, max_size=3, unique_by=lambda each: each.sha256),
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
    places = {each.sha256: each.at for each in chunk}
    [made] = lines([entry], lambda sha256: places[sha256])
    line = made.entry.encode()
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert list(decode([line[:-1]], {reference("packs/x.pack"): "packs/x.pack"})) == [entry]
    by_line, by_entry = TreeHash(), TreeHash()
    by_line.add_lines(made.tree.encode())
    by_entry.add(entry)
    assert by_line.hexdigest() == by_entry.hexdigest()


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
