"""The file format: what is sealed is found again where the index says, byte for byte."""

import hashlib
import json
import struct
from typing import Any

import pytest

from sync.errors import CorruptMailbox, NewerMailbox
from sync.store import codec
from sync.store.nouns import Location
from sync.store.pack import (
    BLOCK,
    FOOTER,
    LARGEST_BLOCK,
    LARGEST_INDEX,
    PACK_MAGIC,
    SNAPSHOT_MAGIC,
    PackBuilder,
    Sealed,
    check,
    read_index,
)
from tests.unit.sync.store.shelf import noise

GOOD = Location("packs/x.pack", 8, 100, 200, "zstd", 0, 200)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def built(pieces: list[bytes], magic: bytes = PACK_MAGIC) -> PackBuilder:
    builder = PackBuilder(magic)
    for piece in pieces:
        builder.add(sha256(piece), piece)
    return builder


def sealed(pieces: list[bytes], magic: bytes = PACK_MAGIC) -> Sealed:
    return built(pieces, magic).seal({"writer": "laptop"})


def forged(
    index: bytes, *, magic: bytes = PACK_MAGIC, raw: int | None = None, codec_name: bytes = b"stor"
) -> bytes:
    """A file with this index, everything else in order."""
    footer = FOOTER.pack(len(magic), len(index), len(index) if raw is None else raw, codec_name, magic)
    return magic + index + footer


def at(pack: bytes, location: Location) -> bytes:
    block = pack[location.block_offset : location.block_offset + location.block_stored]
    raw = codec.decompress(location.codec, block, location.block_raw)
    return raw[location.offset : location.offset + location.length]


def test_every_chunk_lies_where_its_location_says() -> None:
    pieces = [b"a", b"text " * 100, noise(BLOCK), noise(3 * BLOCK, 1), b"z" * 500_000, b"last"]
    builder = built(pieces)
    pack = builder.seal({"writer": "laptop"})
    assert pack.sha256 == sha256(pack.data)
    locations = builder.locations("packs/x.pack")
    assert {key: at(pack.data, location) for key, location in locations.items()} == {
        sha256(piece): piece for piece in pieces
    }
    for location in locations.values():
        assert check(location).object == "packs/x.pack"


def test_the_index_tells_the_same_as_the_locations() -> None:
    builder = built([noise(300, n) for n in range(2000)])
    pack = builder.seal({"writer": "laptop"})
    index = read_index(pack.data, "x")
    assert index["writer"] == "laptop"
    found = {}
    for key, block, offset, length in index["chunks"]:
        start, stored, raw, name = index["blocks"][block]
        found[key] = Location("x", start, stored, raw, name, offset, length)
    assert found == builder.locations("x")


def test_small_chunks_share_a_block() -> None:
    index = read_index(sealed([b"%d" % n * 50 for n in range(1000)]).data, "x")
    assert len(index["blocks"]) == 1
    index = read_index(sealed([noise(1000, n) for n in range(1000)]).data, "x")
    assert all(raw <= BLOCK for _, _, raw, _ in index["blocks"])
    assert len(index["blocks"]) == 4


def test_a_chunk_is_held_once() -> None:
    assert sealed([b"same", b"other", b"same"]).data == sealed([b"same", b"other"]).data


def test_packs_of_two_writers_are_never_one() -> None:
    one, two = PackBuilder(PACK_MAGIC), PackBuilder(PACK_MAGIC)
    for builder in (one, two):
        builder.add(sha256(b"same"), b"same")
    assert one.seal({"writer": "laptop"}).sha256 != two.seal({"writer": "desktop"}).sha256


def test_a_pack_without_chunks_is_still_a_pack() -> None:
    index = read_index(sealed([]).data, "x")
    assert index == {"writer": "laptop", "blocks": [], "chunks": []}


def test_the_layout_of_the_file_is_fixed() -> None:
    """Golden: another implementation relies on these bytes."""
    pack = sealed([noise(100)], SNAPSHOT_MAGIC).data
    assert pack[:8] == b"HYBSNAP\x01" == pack[-8:]
    assert pack[8:108] == noise(100)
    offset, stored, raw, name = struct.unpack("<QII4s", pack[-28:-8])
    assert (offset, stored) == (108, len(pack) - 108 - 28)
    full_name = {b"zstd": "zstd", b"zlib": "zlib", b"stor": "stored"}[name]
    index = json.loads(codec.decompress(full_name, pack[offset:-28], raw))
    assert index == {
        "blocks": [[8, 100, 100, "stored"]],
        "chunks": [[sha256(noise(100)), 0, 0, 100]],
        "writer": "laptop",
    }


@pytest.mark.parametrize("version", [2, 3, 255])
@pytest.mark.parametrize("magic", [PACK_MAGIC, SNAPSHOT_MAGIC])
def test_a_newer_version_is_named_as_such(magic: bytes, version: int) -> None:
    newer = magic[:7] + bytes([version])
    with pytest.raises(NewerMailbox, match=f"version {version} "):
        read_index(forged(b"{}", magic=newer), "packs/x.pack")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PACK_MAGIC,
        PACK_MAGIC + bytes(27),
        bytes(100),
        b"PK\x03\x04" + bytes(100),
        forged(b"{}")[:-1],
        forged(b"{}") + b"\0",
        b"\0" + forged(b"{}"),
        forged(b"{}", raw=3),
        forged(b"{}", raw=LARGEST_INDEX + 1),
        forged(b"{}", codec_name=b"lzma"),
        forged(b"{}", codec_name=b"zstd"),
        forged(b"[]"),
        forged(b"null"),
        forged(b"not JSON"),
        forged(b"\xff\xfe"),
        forged(b"[" * 100_000),
        forged(b'{"a":' * 100_000),
        PACK_MAGIC + b"{}" + FOOTER.pack(8, 2, 2, b"stor", SNAPSHOT_MAGIC),
        PACK_MAGIC + b"{}" + FOOTER.pack(2**63, 2, 2, b"stor", PACK_MAGIC),
    ],
    ids=lambda data: repr(data[:24]) + str(len(data)),
)
def test_what_is_no_pack_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptMailbox):
        read_index(data, "packs/x.pack")


def test_an_index_that_unpacks_to_more_than_it_says_is_corrupt() -> None:
    name, bomb = codec.compress(b" " * 50_000_000)
    with pytest.raises(CorruptMailbox):
        read_index(forged(bomb, raw=1000, codec_name=name.encode()[:4]), "x")


@pytest.mark.parametrize(
    "lie",
    [
        {"block_offset": -1},
        {"block_offset": 10**30},
        {"block_stored": 0},
        {"block_stored": LARGEST_BLOCK + 1},
        {"block_raw": 0},
        {"block_raw": LARGEST_BLOCK + 1},
        {"offset": -1},
        {"offset": 1},
        {"length": 0},
        {"length": -5},
        {"length": 201},
        {"codec": "lzma"},
    ],
    ids=str,
)
def test_a_location_that_cannot_be_true_is_corrupt(lie: dict[str, Any]) -> None:
    assert check(GOOD) is GOOD
    with pytest.raises(CorruptMailbox):
        check(GOOD._replace(**lie))


def test_a_chunk_has_a_place_once_its_block_is_closed() -> None:
    builder = built([b"abc"])
    assert builder.locations("x") == {}
    builder.flush()
    assert builder.locations("x").keys() == {sha256(b"abc")}
