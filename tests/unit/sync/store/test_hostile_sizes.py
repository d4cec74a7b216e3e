"""Sizes and counts are hostile input: a few bytes in the mailbox never become more than a reader can hold."""

import time

import pytest

from sync.errors import CorruptMailbox
from sync.store import reader as reader_module
from sync.store.pack import LARGEST_INDEX
from tests.support.memory import peak_of
from tests.unit.sync.store.forge import Forge, file, place, refused
from tests.unit.sync.store.shelf import BASE, Shelf, noise

MB = 1_000_000


def test_entries_repeated_without_end_are_refused_at_once() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    bomb = forge.content(b'["d","a"]\n' * 800_000)[0]
    name = forge.publish([], entries=[bomb] * 200_000)
    reader = shelf.reader()
    root = reader.root(name)
    began = time.monotonic()
    with pytest.raises(CorruptMailbox, match="more entries"):
        reader.entries(root)
    assert time.monotonic() - began < 5


def test_entries_repeated_under_a_false_length_are_refused() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    bomb = forge.content(b'["d","a"]\n' * 800_000)[0]
    name = forge.publish([], entries=[bomb, *[[*bomb[:7], 1]] * 200_000])
    refused(shelf, name)


def test_more_entries_than_any_tree_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MOST_ENTRIES", 10)
    shelf = Shelf()
    refused(shelf, Forge(shelf).publish([["d", f"{n:03d}"] for n in range(11)]))
    assert len(shelf.tree(Forge(shelf).publish([["d", f"{n:03d}"] for n in range(10)]))) == 10


def test_a_snapshot_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "LARGEST_SNAPSHOT", 100_000)
    shelf = Shelf()
    refused(shelf, place(shelf, noise(5_000_000)))


READ = f"""
from sync.remotes.memory import MemoryRemote
from sync.store.reader import Reader
import hashlib
remote = MemoryRemote()
remote.make_folders(["{BASE}/snapshots"])
name = f"snapshots/laptop-00000001-{{hashlib.sha256(data).hexdigest()}}.snap"
remote.write("{BASE}/" + name, data)
reader = Reader(remote, "{BASE}")
"""


def costs(shelf: Shelf, name: str) -> int:
    """Bytes of memory that it takes at most to read the snapshot's entries, or to refuse them."""
    data = shelf.remote.read(f"{BASE}/{name}")
    assert len(data) < 2 * MB, "a bomb is small"
    return peak_of(READ, "root = reader.root(name)\nreader.entries(root)", data)


def test_one_endless_entry_is_refused_before_it_fills_the_memory() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    begin, much, end = forge.content(b'["f","a",0,0,[', b"[]," * 2_700_000, b"[]]]\n")
    assert costs(shelf, forge.publish([], entries=[begin, *[much] * 10, end])) < 200 * MB


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'{"":[0]},', b'"ab",', b"1.5,"])
def test_an_entry_just_short_of_too_long_takes_bounded_memory(unit: bytes) -> None:
    """Tiny values are what costs most memory for each byte of JSON."""
    shelf = Shelf()
    forge = Forge(shelf)
    much = unit * (7_900_000 // len(unit))
    begin, middle, end = forge.content(b'["f","a",0,0,[', much, b"0]]\n")
    assert costs(shelf, forge.publish([], entries=[begin, *[middle] * 4, end])) < 250 * MB


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'{"":[0]},', b'"ab",', b"1.5,"])
def test_an_index_of_tiny_values_takes_bounded_memory(unit: bytes) -> None:
    shelf = Shelf()
    much = unit * ((LARGEST_INDEX - 100) // len(unit))
    assert costs(shelf, place(shelf, file(b'{"writer":"x","root":[' + much + b"0]}"))) < 500 * MB


def test_few_bytes_that_claim_to_be_a_long_list_are_refused_before_they_fill_the_memory() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    lines = b"".join(b'["d","%s%04d"]\n' % (b"a" * 4000, n) for n in range(2000))
    assert costs(shelf, forge.publish([], entries=forge.content(lines) * 60)) < 200 * MB


def test_what_an_entry_takes_in_memory_is_known() -> None:
    """The bound on their number is worth something only with one on each."""
    shelf = Shelf()
    count = 100_000
    lines = b"".join(b'["d","%08d"]\n' % n for n in range(count))
    assert costs(shelf, Forge(shelf).publish([lines])) < 700 * count


def test_a_file_of_one_chunk_over_and_over_is_as_large_as_it_says() -> None:
    """Its size is known before a byte of it is written, so that whoever has no room for it can say so."""
    shelf = Shelf()
    forge = Forge(shelf)
    chunk = forge.content(bytes(8 * 1024 * 1024))[0]
    size = 20_000 * chunk[7]
    name = forge.publish([["f", "a", 0, size, [chunk] * 20_000]])
    assert costs(shelf, name) < 100 * MB
    assert [entry.size for entry in shelf.entries(name)] == [size]
