"""Entries are hostile input: no line of them leads out of the target, says two things, or takes endless work."""

import time

import pytest

from sync.errors import CorruptMailbox, HybridError
from sync.store.entries import DEEPEST, LONGEST_PATH, decode, safe_path
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry
from tests.unit.sync.store.forge import Forge, refused
from tests.unit.sync.store.shelf import File, Shelf


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


def test_one_path_is_written_in_one_way() -> None:
    """Else two readers would not agree on the hash of the tree."""
    assert decoded(b'["d","\\u00e9"]') == decoded('["d","é"]'.encode())
    with pytest.raises(CorruptMailbox):
        decoded(b'["d","\\udcc3\\udca9"]')


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
        b'["f","a",2,0,[]]',
        b'["f","a",-1,0,[]]',
        b'["f","a",true,0,[]]',
        b'["f","a",0,false,[]]',
        b'["f","a",1.0,0,[]]',
        b'["f","a",0,0.0,[]]',
        b'["f","a",0,0,[],0]',
        b'["l","a","\\ud800"]',
        b'["l","a","\\udcc3\\udca9"]',
        b'["d","\\udcc3\\udca9"]',
        b'["d","\xed\xb3\x83"]',
        b'\xef\xbb\xbf["d","a"]',
        '["d","a"]'.encode("utf-16-le"),
        b'["d","a"]["d","b"]',
        b'{"0":"d","1":"a"}',
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
