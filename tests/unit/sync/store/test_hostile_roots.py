"""Roots and references are hostile input: what cannot be true is refused, and what is damaged is never used."""

from typing import Any

import pytest

from sync.errors import CorruptMailbox, HybridError, NotFound
from sync.store.reader import Reader
from tests.unit.sync.store.forge import Forge, file, place, refused, sha256
from tests.unit.sync.store.shelf import BASE, Shelf, noise

HASH = "0" * 64


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
        {"files": 1.0},
        {"files": True},
        {"seq": False},
        {"seq": 10**400},
        {"objects": [f"packs/{HASH}.pack", f"packs/{HASH[:16]}{'1' * 48}.pack"]},
        {"bytes": 3.0},
        {"bytes": 10**400},
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
        Reader(machine, BASE).root(name)
    assert machine.calls == []


@pytest.mark.parametrize("magic", [b"HYBPACK\x01", b"PK\x03\x04....", bytes(8)])
def test_another_file_cannot_pose_as_a_snapshot(magic: bytes) -> None:
    shelf = Shelf()
    refused(shelf, place(shelf, file(b'{"writer":"laptop"}', magic=magic)))


@pytest.mark.parametrize(
    "lies",
    [
        {"offset": 0},
        {"offset": 9},
        {"offset": 2**63},
        {"offset": 2**64 - 1},
        {"stored": 0},
        {"stored": 2**32 - 1},
        {"raw": 0},
        {"raw": 1},
        {"raw": 2**26},
        {"raw": 2**32 - 1},
        {"name": b"zstd"},
        {"name": b"stor"},
        {"name": b"\0\0\0\0"},
        {"end": b"HYBPACK\x01"},
        {"end": b"HYBSNAP\x02"},
    ],
    ids=str,
)
def test_a_footer_that_lies_is_corrupt(lies: dict[str, Any]) -> None:
    shelf = Shelf()
    refused(shelf, place(shelf, file(b'{"writer":"laptop"}' * 20, **lies)))


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


def honest(shelf: Shelf) -> bytes:
    """A snapshot with content of its own, byte by byte."""
    forge = Forge(shelf)
    name = forge.publish([["d", "a"], ["f", "b", 1, 3000, forge.content(noise(3000))], ["l", "c", "b"]])
    assert len(shelf.tree(name)) == 3
    return shelf.remote.read(f"{BASE}/{name}")


def test_a_snapshot_that_is_cut_short_anywhere_is_corrupt() -> None:
    """Under its own name, and under one that the cut file's hash makes true."""
    shelf = Shelf()
    data = honest(shelf)
    lengths = {0, 1, 7, 8, 9, 35, 36, 100, 3007, 3008, *range(len(data) - 300, len(data))}
    for length in sorted(lengths):
        refused(shelf, place(shelf, data[:length]))


def test_a_snapshot_with_any_byte_changed_is_corrupt_or_the_same() -> None:
    """Its name, made true again, then says nothing: the hashes within must."""
    shelf = Shelf()
    data = honest(shelf)
    tree = shelf.tree(place(shelf, data))
    changed = 0
    for at in [*range(0, 3000, 100), *range(3000, len(data))]:
        bad = data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]
        try:
            changed += shelf.tree(place(shelf, bad)) != tree
        except HybridError:
            continue
    assert changed == 0


def test_a_file_that_does_not_match_its_name_is_corrupt() -> None:
    shelf = Shelf()
    data = honest(shelf)
    name = place(shelf, data).replace("-00000001-", "-00000002-")
    shelf.remote.write(f"{BASE}/{name}", data[:-1] + b"!")
    refused(shelf, name)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 500, 1007, 1008])
def test_a_pack_that_is_cut_short_is_corrupt_where_its_content_is_needed(length: int) -> None:
    shelf = Shelf()
    piece = noise(1000)
    pack = file(b"{}", piece, magic=b"HYBPACK\x01")
    name = f"packs/{sha256(pack)}.pack"
    shelf.remote.write(f"{BASE}/{name}", pack[:length])
    reference = [sha256(piece), name[6:22], 8, 1000, 1000, "stored", 0, 1000]
    snapshot = Forge(shelf).publish([["f", "a", 0, 1000, [reference]]], objects=[name])
    if length == 1008:
        assert shelf.tree(snapshot)
    else:
        refused(shelf, snapshot)
