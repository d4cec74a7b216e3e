"""Compressed blocks are hostile input: none yields more than was promised, or takes more memory to find out."""

import struct
import zlib
from collections.abc import Callable

import pytest

from sync.errors import CorruptMailbox
from sync.store import codec
from sync.store.codec import ZLIB, ZSTD
from sync.store.pack import LARGEST_BLOCK, LARGEST_INDEX
from tests.support.memory import peak_of

MB = 1_000_000


def zstd(data: bytes) -> bytes:
    engine = codec.zstd()
    assert engine is not None
    return engine.compress(data)


def frame(*, window_log: int = 10, content: int | None = None, run: int = 0, blocks: int = 1) -> bytes:
    """A zstd frame written by hand: ``blocks`` times one byte that is repeated ``run`` times.

    window_log  of the window that it says it needs
    content     the size that it claims to have, or none
    """
    size = b"" if content is None else struct.pack("<Q", content)
    descriptor = 0xC0 if content is not None else 0
    head = struct.pack("<IB", 0xFD2FB528, descriptor) + bytes([(window_log - 10) << 3]) + size
    body = b""
    for number in range(blocks):
        last = number == blocks - 1
        body += struct.pack("<I", run << 3 | 1 << 1 | last)[:3] + b"x"
    return head + body


def test_the_frames_written_here_are_frames() -> None:
    """Else every refusal below could have another reason."""
    data = frame(run=1000, blocks=3)
    assert codec.decompress(ZSTD, data, 3000) == b"x" * 3000
    data = frame(window_log=20, content=3000, run=1000, blocks=3)
    assert codec.decompress(ZSTD, data, 3000) == b"x" * 3000


@pytest.mark.parametrize("claim", [0, 1, 2999, 3001, 2**20, 2**40, 2**63, 2**64 - 2])
def test_a_frame_that_lies_about_its_size_is_corrupt(claim: int) -> None:
    with pytest.raises(CorruptMailbox):
        codec.decompress(ZSTD, frame(window_log=20, content=claim, run=1000, blocks=3), 3000)


@pytest.mark.parametrize("window_log", [27, 28, 31, 41])
@pytest.mark.parametrize("content", [None, 2**40])
def test_a_frame_that_asks_for_a_huge_window_does_not_get_it(window_log: int, content: int | None) -> None:
    bomb = frame(window_log=window_log, content=content, run=128 * 1024, blocks=1000)
    assert peak_of(CODEC, f"codec.decompress('zstd', data, {LARGEST_BLOCK})", bomb) < 40 * MB


CODEC = "from sync.store import codec; codec.compress(b'warm')"


@pytest.mark.parametrize("promised", [1, LARGEST_BLOCK])
@pytest.mark.parametrize(
    ("name", "bomb"), [(ZLIB, lambda data: zlib.compress(data, 9)), (ZSTD, zstd)], ids=["zlib", "zstd"]
)
def test_a_bomb_costs_what_was_promised(name: str, bomb: Callable[[bytes], bytes], promised: int) -> None:
    """300 MB in a few KB."""
    packed = bomb(bytes(300 * MB))
    assert len(packed) < MB
    assert peak_of(CODEC, f"codec.decompress({name!r}, data, {promised})", packed) < 40 * MB


def test_a_bomb_within_a_bomb_is_unpacked_once() -> None:
    inner = zlib.compress(bytes(300 * MB), 9)
    assert codec.decompress(ZSTD, zstd(inner), len(inner)) == inner


def test_an_index_costs_at_most_its_bound() -> None:
    packed = zstd(b"[" * (LARGEST_INDEX - 1) + b"]")
    work = f"codec.decompress('zstd', data, {LARGEST_INDEX})"
    assert peak_of(CODEC, work, packed) < 3 * LARGEST_INDEX


@pytest.mark.parametrize("name", [ZLIB, ZSTD])
def test_what_is_cut_short_or_followed_by_more_is_corrupt(name: str) -> None:
    data = b"some text, " * 1000
    packed = zlib.compress(data) if name == ZLIB else zstd(data)
    assert codec.decompress(name, packed, len(data)) == data
    for bad in (packed[:-1], packed + b"\0", packed + packed, b"\0" + packed):
        with pytest.raises(CorruptMailbox):
            codec.decompress(name, bad, len(data))
