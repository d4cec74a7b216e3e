"""Where content is cut. Readers do not care: the cuts only decide how much of a changed file travels again.

With pyfastcdc the cuts follow the content, so an insertion moves none but its own chunk. Without it (a bare
runner) blocks have a fixed size.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Sizes(NamedTuple):
    """Bounds of a chunk, in bytes; all but the last chunk of a stream are at least ``smallest``."""

    smallest: int
    average: int
    largest: int


FILES = Sizes(64 * 1024, 512 * 1024, 2 * 1024 * 1024)
ENTRIES = Sizes(4 * 1024, 16 * 1024, 64 * 1024)

WHOLE = 128 * 1024
"""A file up to this many bytes is one chunk."""


def chunks(buffers: Iterable[bytes], sizes: Sizes) -> Iterator[bytes]:
    """Cuts a stream. The chunks joined are the stream; how it was buffered does not move a cut."""
    pending = b""
    for buffer in buffers:
        pending = pending + buffer if pending else buffer
        while len(pending) > sizes.largest:
            done = 0
            for length in _cuts(pending, sizes):
                # A cut is final only where the cutter could see a whole largest chunk ahead.
                if len(pending) - done <= sizes.largest:
                    break
                yield pending[done : done + length]
                done += length
            pending = pending[done:]
    done = 0
    for length in _cuts(pending, sizes):
        yield pending[done : done + length]
        done += length


def follows_content() -> bool:
    """Whether cuts follow the content here (pyfastcdc is installed)."""
    return _fast_cdc(FILES) is not None


def _cuts(data: bytes, sizes: Sizes) -> Iterator[int]:
    if not data:
        return
    cutter = _fast_cdc(sizes)
    if cutter is None:
        for start in range(0, len(data), sizes.average):
            yield min(sizes.average, len(data) - start)
        return
    for chunk in cutter.cut_buf(data):
        yield chunk.length


@functools.cache
def _fast_cdc(sizes: Sizes) -> Any:
    try:
        from pyfastcdc import FastCDC
    except ImportError:
        return None
    return FastCDC(min_size=sizes.smallest, avg_size=sizes.average, max_size=sizes.largest)
