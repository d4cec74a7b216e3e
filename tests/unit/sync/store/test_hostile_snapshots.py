"""Snapshots are hostile input: nothing in them leads out of the target, or makes the reader do endless work."""

import time
import tracemalloc
from typing import Any

import pytest

from sync.errors import CorruptMailbox, HybridError, NotFound
from sync.store import reader as reader_module
from sync.store.entries import DEEPEST, LONGEST_PATH, decode, safe_path
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry
from sync.store.pack import SNAPSHOT_MAGIC, PackBuilder
from tests.unit.sync.store.forge import Forge, place
from tests.unit.sync.store.shelf import BASE, File, Shelf, noise

HASH = "0" * 64


def refused(shelf: Shelf, name: str) -> None:
    with pytest.raises(CorruptMailbox):
        shelf.tree(name)


def decoded(*lines: bytes) -> list[Entry]:
    return list(decode(lines, {"": "snapshots/x.snap"}))


def test_the_forge_can_make_an_honest_snapshot() -> None:
    """Else every refusal below could have another reason."""
    shelf = Shelf()
    forge = Forge(shelf)
    name = forge.publish([["d", "a"], ["f", "b", 1, 3, forge.content(b"abc")], ["l", "c", "b"]])
    assert shelf.tree(name)[b"b"] == File(b"abc", executable=True)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        ".",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "a\0b",
        "\ud800",
        "\udc2f",
        "x" * (LONGEST_PATH + 1),
        "a/" * DEEPEST + "a",
    ],
    ids=lambda path: repr(path[:20]),
)
def test_a_path_that_could_leave_its_folder_is_refused(path: str) -> None:
    with pytest.raises(CorruptMailbox):
        safe_path(path)
    shelf = Shelf()
    for line in (["d", path], ["f", path, 0, 0, []], ["l", path, "target"]):
        refused(shelf, Forge(shelf).publish([line]))


@pytest.mark.parametrize(
    "path", ["...", "..a", "a..", ".a", "-", "\udcff", "con", "a b\n", "\u202e", "C:x", "a\\..\\b"]
)
def test_an_odd_path_that_stays_inside_is_kept(path: str) -> None:
    assert safe_path(path) == path.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "paths",
    [
        ("b", "a"),
        ("a", "a"),
        ("a", "a/b"),
        ("a", "a-b", "a/b"),
        ("a", "a!", "a.", "a.x/y", "a/b/c"),
        ("é", "é/x"),
    ],
)
@pytest.mark.parametrize("leaf", ["f", "l", "d"])
def test_unsorted_repeated_or_nested_paths_are_refused(paths: tuple[str, ...], leaf: str) -> None:
    tails: dict[str, list[object]] = {"f": [0, 0, []], "l": ["target"], "d": []}
    rest = tails[leaf]
    shelf = Shelf()
    refused(shelf, Forge(shelf).publish([[leaf, path, *rest] for path in paths]))


def test_one_path_written_in_two_ways_is_one_path() -> None:
    with pytest.raises(CorruptMailbox):
        decoded(b'["d","\\u00e9"]', b'["d","\\udcc3\\udca9"]')


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"[1]",
        b'["x","a"]',
        b'["d"]',
        b'["d",1]',
        b'["d","a","more"]',
        b'["l","a"]',
        b'["l","a",""]',
        b'["l","a","x\\u0000"]',
        b'["l","a",["b"]]',
        b'["l","a","' + b"x" * (LONGEST_PATH + 1) + b'"]',
        b'["f","a",0,0]',
        b'["f","a","0",0,[]]',
        b'["f","a",0,1,[]]',
        b'["f","a",0,-1,[]]',
        b'["f","a",0,0,{}]',
        b'["f","a",0,0,[1]]',
        b'["f","a",0,0,[[]]]',
        b'["f","a",0,1e3,[]]',
        b'["f","a",0,NaN,[]]',
        b'["f","a",0,' + b"9" * 5000 + b",[]]",
        b"[" * 100_000,
        b'["d","a"',
        b"\xff\xfe",
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_malformed_entry_is_corrupt(line: bytes) -> None:
    with pytest.raises(CorruptMailbox):
        decoded(line)


REFERENCE = [HASH, "", 8, 10, 10, "stored", 0, 10]


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        (0, "0" * 63),
        (0, "G" * 64),
        (0, "A" * 64),
        (0, 5),
        (1, "f" * 16),
        (1, None),
        (2, -1),
        (2, 10**30),
        (2, True),
        (2, 8.0),
        (3, 0),
        (3, 10**12),
        (4, 10**12),
        (5, "lzma"),
        (5, None),
        (6, -1),
        (6, 1),
        (7, 0),
        (7, 11),
        (7, -10),
        (7, "10"),
    ],
)
def test_a_reference_that_cannot_be_true_is_corrupt(field: int, lie: object) -> None:
    reference: list[Any] = list(REFERENCE)
    shelf = Shelf()
    Forge(shelf).publish([["f", "a", 0, 10, [reference]]])
    reference[field] = lie
    refused(shelf, Forge(shelf).publish([["f", "a", 0, 10, [reference]]]))


@pytest.mark.parametrize("field", range(8))
def test_a_reference_with_a_field_missing_is_corrupt(field: int) -> None:
    shelf = Shelf()
    reference = [*REFERENCE[:field], *REFERENCE[field + 1 :]]
    refused(shelf, Forge(shelf).publish([["f", "a", 0, 10, [reference]]]))


@pytest.mark.parametrize(
    "root",
    [
        {"files": 0},
        {"files": 2},
        {"files": -1},
        {"bytes": 2},
        {"bytes": 10**15},
        {"bytes": -1},
        {"seq": -1},
        {"seq": "1"},
        {"tree": HASH},
        {"tree": "short"},
        {"tree": 5},
        {"kind": None},
        {"meta": []},
        {"entries": {}},
        {"entries": []},
        {"entries": [[]]},
        {"objects": {}},
        {"objects": [5]},
        {"objects": ["../../etc/passwd"]},
        {"objects": [f"packs/../{HASH}.pack"]},
        {"objects": [f"runner/{HASH}.pyz"]},
        {"objects": [f"packs/{HASH}.pack\n"]},
        {"objects": [f"packs/{'x' * 3000}{HASH}.pack"]},
    ],
    ids=str,
)
def test_a_root_that_lies_is_corrupt(root: dict[str, Any]) -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    refused(shelf, forge.publish([["f", "a", 0, 3, forge.content(b"abc")]], **root))


@pytest.mark.parametrize("index", [{}, {"writer": 5}, {"writer": "laptop"}, {"writer": "x", "root": []}])
def test_a_snapshot_without_a_root_is_corrupt(index: dict[str, Any]) -> None:
    shelf = Shelf()
    refused(shelf, Forge(shelf).publish_index(index))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "spec.json",
        f"packs/{HASH}.pack",
        f"../snapshots/{HASH}.snap",
        f"snapshots/../../{HASH}.snap",
        f"runs/../{HASH}.snap",
        f"/snapshots/{HASH}.snap",
        "snapshots/short.snap",
        f"snapshots/{HASH}.snap\n",
        f"snapshots/{'x' * 500}{HASH}.snap",
    ],
)
def test_what_cannot_name_a_snapshot_is_never_read(name: str) -> None:
    shelf = Shelf()
    machine = shelf.another()
    with pytest.raises(CorruptMailbox):
        reader_module.Reader(machine, BASE).root(name)
    assert machine.calls == []


def test_a_pack_cannot_pose_as_a_snapshot() -> None:
    shelf = Shelf()
    builder = PackBuilder(SNAPSHOT_MAGIC)
    refused(shelf, place(shelf, builder.seal({"writer": "laptop"}).data))


def test_content_that_is_not_what_its_hash_says_is_corrupt() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    reference = forge.content(b"evil")[0]
    reference[0] = HASH
    refused(shelf, forge.publish([["f", "a", 0, 4, [reference]]]))


def test_a_chunk_named_with_two_lengths_is_corrupt() -> None:
    """Else a file would grow beyond the size by which it was let in."""
    shelf = Shelf()
    forge = Forge(shelf)
    true = forge.content(noise(100_000))[0]
    short = [*true[:7], 1]
    refused(shelf, forge.publish([["f", "a", 0, 100_000, [true]], ["f", "b", 0, 1, [short]]]))


def test_two_blocks_said_to_begin_at_one_place_are_corrupt() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    one, two = forge.content(b"first piece", b"second piece")
    two[3] -= 1
    refused(shelf, forge.publish([["f", "a", 0, 11, [one]], ["f", "b", 0, 12, [two]]]))


def test_a_location_beyond_the_end_of_the_object_is_corrupt() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    reference = forge.content(noise(1000))[0]
    reference[2] += 1_000_000
    refused(shelf, forge.publish([["f", "a", 0, 1000, [reference]]]))


def test_an_object_that_is_not_there_is_not_found() -> None:
    shelf = Shelf()
    reference = [HASH, "a" * 16, 8, 10, 10, "stored", 0, 10]
    name = Forge(shelf).publish([["f", "a", 0, 10, [reference]]], objects=[f"packs/{'a' * 64}.pack"])
    with pytest.raises((NotFound, CorruptMailbox)):
        shelf.tree(name)


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


def costs(shelf: Shelf, name: str) -> int:
    """Refuses the snapshot's entries; the bytes of memory that this takes at most."""
    reader = shelf.reader()
    root = reader.root(name)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptMailbox):
            reader.entries(root)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_endless_entry_is_refused_before_it_fills_the_memory() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    begin, much, end = forge.content(b'["f","a",0,0,[', b"[]," * 2_700_000, b"[]]]\n")
    name = forge.publish([], entries=[begin, *[much] * 10, end])
    assert costs(shelf, name) < 200_000_000


def test_few_bytes_that_claim_to_be_a_long_list_are_refused_before_they_fill_the_memory() -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    lines = b"".join(b'["d","%s%04d"]\n' % (b"a" * 4000, n) for n in range(2000))
    name = forge.publish([], entries=forge.content(lines) * 60)
    assert costs(shelf, name) < 200_000_000


def test_more_entries_than_any_tree_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MOST_ENTRIES", 10)
    shelf = Shelf()
    refused(shelf, Forge(shelf).publish([["d", f"{n:03d}"] for n in range(11)]))
    assert len(shelf.tree(Forge(shelf).publish([["d", f"{n:03d}"] for n in range(10)]))) == 10


def test_a_snapshot_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "LARGEST_SNAPSHOT", 100_000)
    shelf = Shelf()
    refused(shelf, place(shelf, noise(5_000_000)))


def test_deeply_stacked_prefixes_are_checked_quickly() -> None:
    lines = [b'["d","%s"]' % (b"a" * n) for n in range(1, LONGEST_PATH)]
    began = time.monotonic()
    assert len(decoded(*lines)) == LONGEST_PATH - 1
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("path", [b"x" * (LONGEST_PATH + 1), b"a/" * DEEPEST + b"a"])
def test_nobody_writes_a_path_that_no_reader_takes(path: bytes) -> None:
    with pytest.raises(HybridError):
        Shelf().save({path: File()})


def test_the_longest_and_deepest_paths_come_back() -> None:
    shelf = Shelf()
    tree = {b"x" * LONGEST_PATH: File(), b"a/" * (DEEPEST - 1) + b"a": File()}
    assert shelf.tree(shelf.save(tree).name) == tree


def test_an_honest_tree_is_not_refused() -> None:
    entries = decoded(
        b'["d","a"]', b'["l","a-b","x"]', b'["f","a.b",0,0,[]]', b'["f","b/c-d",1,0,[]]', b'["d","b/c/d"]'
    )
    assert [entry.kind for entry in entries] == [DIRECTORY, LINK, FILE, FILE, DIRECTORY]
