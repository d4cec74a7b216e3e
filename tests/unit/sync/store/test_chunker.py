"""Where content is cut: what must hold with pyfastcdc and without it."""

import hashlib
import random
import sys
from collections.abc import Iterator

import pytest

from sync.store import chunker
from sync.store.chunker import ENTRIES, FILES, WHOLE, Sizes, chunks
from sync.store.writer import SnapshotWriter
from tests.unit.sync.store.shelf import Shelf, noise

SMALL = Sizes(64, 256, 1024)
GOLDEN_FILES = [926379, 595397, 436983, 650580, 742202, 518824, 918946, 564491, 304500, 307533, 34165]
GOLDEN_ENTRIES = [25133, 26128, 7282, 21856, 11983, 9489, 24785, 16952, 6392]

has_fastcdc = pytest.mark.skipif(not chunker.follows_content(), reason="pyfastcdc is not installed")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Python without pyfastcdc."""
    monkeypatch.setitem(sys.modules, "pyfastcdc", None)
    chunker._fast_cdc.cache_clear()
    yield
    chunker._fast_cdc.cache_clear()


def lengths(data: bytes, sizes: Sizes, buffer: int = 1 << 30) -> list[int]:
    buffers = (data[start : start + buffer] for start in range(0, len(data), buffer))
    return [len(piece) for piece in chunks(buffers, sizes)]


def as_file(data: bytes, buffer: int) -> list[tuple[str, int]]:
    writer = SnapshotWriter(Shelf(), writer="laptop", pack_folder="packs", pack_size=64 << 20)
    file = writer.begin_file()
    for start in range(0, len(data), buffer):
        file.feed(data[start : start + buffer])
    return file.end()


def test_an_empty_stream_has_no_chunks() -> None:
    assert list(chunks([], FILES)) == []
    assert list(chunks([b"", b""], FILES)) == []


@has_fastcdc
def test_cut_points_of_files_never_move() -> None:
    """Golden: moved cuts would send every large file of every user again."""
    assert lengths(noise(6_000_000, 1), FILES) == GOLDEN_FILES


@has_fastcdc
def test_cut_points_of_entries_never_move() -> None:
    """Golden: moved cuts would write the whole list of entries again."""
    assert lengths(noise(150_000, 2), ENTRIES) == GOLDEN_ENTRIES


@has_fastcdc
def test_an_edit_moves_only_the_cuts_near_it() -> None:
    data = noise(8_000_000, 3)
    edited = data[:4_000_000] + b"one line more\n" + data[4_000_000:]
    before = {hashlib.sha256(piece).digest() for piece in chunks([data], FILES)}
    after = [hashlib.sha256(piece).digest() for piece in chunks([edited], FILES)]
    assert sum(piece not in before for piece in after) <= 2


@pytest.mark.parametrize("buffer", [1_000, 65_536, 1 << 20, 3_000_000, 1 << 30])
def test_a_file_is_cut_the_same_however_it_is_fed(buffer: int) -> None:
    data = noise(12_000_000 if buffer > 1_000 else 300_000, 4)
    pieces = as_file(data, buffer)
    assert [length for _, length in pieces] == lengths(data, FILES)
    assert sum(length for _, length in pieces) == len(data)


@pytest.mark.parametrize("size", [0, 1, WHOLE - 1, WHOLE])
def test_a_small_file_is_one_chunk(size: int) -> None:
    assert [length for _, length in as_file(noise(size), 50_000)] == ([size] if size else [])


def test_what_repeats_forever_is_cut_at_the_largest_size() -> None:
    assert max(lengths(bytes(10_000_000), FILES)) <= FILES.largest


def test_without_fastcdc_blocks_have_a_fixed_size(bare: None) -> None:
    data = noise(2_000_000, 5)
    assert not chunker.follows_content()
    whole, rest = divmod(len(data), FILES.average)
    assert lengths(data, FILES) == [FILES.average] * whole + [rest]


@pytest.mark.parametrize("buffer", [999, 70_000, 2_500_000])
def test_without_fastcdc_buffers_do_not_move_a_cut(bare: None, buffer: int) -> None:
    data = noise(5_000_000, 6)
    assert lengths(data, FILES, buffer) == lengths(data, FILES)
    assert [length for _, length in as_file(data, max(buffer, 50_000))] == lengths(data, FILES)


def test_a_stream_longer_than_memory_is_cut_as_it_comes() -> None:
    """The cutter holds little more than one largest chunk and one buffer."""
    dice = random.Random(7)
    drawn = 0

    def source() -> Iterator[bytes]:
        nonlocal drawn
        for _ in range(200):
            drawn += 1000
            yield dice.randbytes(1000)

    cut = 0
    for piece in chunks(source(), SMALL):
        cut += len(piece)
        assert drawn - cut <= SMALL.largest + 1000
    assert cut == 200_000
