"""Expecting the former chunks of a file spares work, and changes nothing of what comes out."""

import contextlib
import hashlib
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.local.read import open_stable
from sync.progress import Silent
from sync.push import following
from sync.push.expected import Chunk
from sync.store import chunker
from sync.store.chunker import Sizes, chunks
from tests.properties.any_tree import bounded

SMALL = Sizes(64, 256, 1024)


class Shelf:
    """A sink that keeps each chunk once."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.cut = 0

    def holds(self, sha256: str) -> bool:
        return sha256 in self.kept

    def add_chunk(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.cut += 1
        self.kept[sha256] = data
        return sha256

    def add_hashed(self, sha256: str, data: bytes) -> None:
        assert hashlib.sha256(data).hexdigest() == sha256
        self.kept[sha256] = data


@contextlib.contextmanager
def small_scale(bare: bool, threads: bool) -> Iterator[None]:
    """Chunks so small that many fit into little content. ``bare``: without pyfastcdc."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunker, "FILES", SMALL)
        patch.setattr(following, "_LARGE", 1000 if threads else 1 << 30)
        if bare:
            patch.setitem(sys.modules, "pyfastcdc", None)
        chunker._fast_cdc.cache_clear()
        yield
    chunker._fast_cdc.cache_clear()


def plain(data: bytes) -> list[Chunk]:
    return [(hashlib.sha256(piece).hexdigest(), len(piece)) for piece in chunks([data], SMALL)]


def followed(data: bytes, former: list[Chunk], shelf: Shelf) -> list[Chunk]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "f").write_bytes(data)
        with open_stable(Path(folder), b"f") as source:
            return following.follow(source, former, shelf, Silent())


# Stretches of few kinds, so that some come again: noise, and what the cutter cuts at its largest size.
stretches = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6000)), max_size=6).map(
    lambda parts: b"".join(
        bytes(length) if not seed else random.Random(seed).randbytes(length) for seed, length in parts
    )
)
edits = st.lists(
    st.tuples(st.integers(0, 30_000), st.integers(0, 3000), st.one_of(st.binary(max_size=40), stretches)),
    max_size=6,
)


def edited(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Each change puts something at a place, in the stead of as many bytes; beyond the end that is an append."""
    for at, instead_of, put in changes:
        data = data[:at] + put + data[at + instead_of :]
    return data


@bounded
@example(  # the byte behind a cut changes, and nothing before it
    data=random.Random(2).randbytes(3224),
    changes=[(0, 0, bytes(12)), (3232, 1, b"")],
    bare=False,
    threads=False,
    held=False,
)
@given(data=stretches, changes=edits, bare=st.booleans(), threads=st.booleans(), held=st.booleans())
def test_an_edited_file_is_cut_as_if_nothing_had_been_expected(
    data: bytes, changes: list[tuple[int, int, bytes]], bare: bool, threads: bool, held: bool
) -> None:
    now = edited(data, changes)
    with small_scale(bare, threads):
        shelf = Shelf()
        former = followed(data, [], shelf)
        assert former == plain(data)
        shelf = shelf if held else Shelf()
        found = followed(now, former, shelf)
        assert found == plain(now)
    assert b"".join(shelf.kept[sha256] for sha256, _ in found) == now


@bounded
@given(
    data=stretches, changes=edits, lengths=st.lists(st.integers(1, 3000), min_size=1), threads=st.booleans()
)
def test_cuts_of_another_chunker_do_no_harm(
    data: bytes, changes: list[tuple[int, int, bytes]], lengths: list[int], threads: bool
) -> None:
    """Neither do those that are longer than this one makes any."""
    former, rest = [], data
    for length in lengths:
        if piece := rest[:length]:
            former.append((hashlib.sha256(piece).hexdigest(), len(piece)))
        rest = rest[length:]
    now = edited(data, changes)
    shelf = Shelf()
    with small_scale(bare=False, threads=threads):
        found = followed(now, former, shelf)
    assert b"".join(shelf.kept[sha256] for sha256, _ in found) == now


@pytest.mark.skipif(not chunker.follows_content(), reason="pyfastcdc is not installed")
@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize(("at", "most"), [(0, 3), (50_000, 5), (100_000, 3)], ids=["head", "middle", "end"])
def test_one_insertion_leaves_little_to_cut(threads: bool, at: int, most: int) -> None:
    data = random.Random(7).randbytes(100_000)
    shelf = Shelf()
    with small_scale(bare=False, threads=threads):
        former = plain(data)
        assert len(former) > 200
        followed(edited(data, [(at, 0, b"x")]), former, shelf)
    assert shelf.cut <= most


@pytest.mark.skipif(not chunker.follows_content(), reason="pyfastcdc is not installed")
def test_a_file_edited_everywhere_is_soon_left_to_the_cutter() -> None:
    """What is hashed in vain would else cost more than all that is not cut."""
    data = bytearray(random.Random(8).randbytes(200_000))
    with small_scale(bare=False, threads=True):
        former = plain(bytes(data))
        at = 0
        for number, (_, length) in enumerate(former):
            if number % 3 == 0:
                data[at + length // 2] ^= 1
            at += length
        shelf = Shelf()
        found = followed(bytes(data), former, shelf)
        assert found == plain(bytes(data))
    assert shelf.cut > 0.9 * len(found)
