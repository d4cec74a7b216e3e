"""Block compression: zstd where this Python has it, zlib and stored always.

zstd comes from the first of: Python 3.14's own, its backport, ``zstandard``, the system's ``libzstd`` through
ctypes, pyarrow. Decompression never yields more than the size that the index promised.
"""

import functools
import zlib
from collections.abc import Callable
from typing import NamedTuple

from sync.errors import CorruptMailbox, HybridError

ZSTD = "zstd"
ZLIB = "zlib"
STORED = "stored"
NAMES = (ZSTD, ZLIB, STORED)

_LEVEL = 3
_WORTH_IT = 0.97
"""A block that does not shrink below this share of its size is stored as it is."""


class Zstd(NamedTuple):
    """``decompress(data, limit)`` raises any exception, or returns no more than one byte above ``limit``."""

    provider: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes, int], bytes]


def compress(data: bytes) -> tuple[str, bytes]:
    """``data`` as a block: the codec's name and the stored bytes."""
    engine = zstd()
    packed = engine.compress(data) if engine else zlib.compress(data, 6)
    if len(packed) > len(data) * _WORTH_IT:
        return STORED, data
    return (ZSTD if engine else ZLIB), packed


def decompress(codec: str, data: bytes, size: int) -> bytes:
    """The ``size`` raw bytes of a block; raises CorruptMailbox where it does not yield exactly those."""
    if codec == STORED:
        raw = data
    elif codec == ZLIB:
        stream = zlib.decompressobj()
        try:
            raw = stream.decompress(data, size + 1)
        except zlib.error as error:
            raise CorruptMailbox(f"A compressed block is damaged ({error}).") from error
        if len(raw) == size and (not stream.eof or stream.unused_data):
            raise CorruptMailbox("A compressed block is damaged (it is cut short, or more follows).")
    elif codec == ZSTD:
        engine = zstd()
        if engine is None:
            raise HybridError(
                "This Python has no zstd codec, which the files in the mailbox need.",
                "Install one beside it: `pip install backports.zstd`, or the system's libzstd.",
            )
        try:
            raw = engine.decompress(data, size)
        except MemoryError:
            raise
        except Exception as error:  # each provider has an error class of its own
            raise CorruptMailbox(f"A compressed block is damaged ({error}).") from error
    else:
        raise CorruptMailbox(f"A block names the unknown codec {codec!r}.")
    if len(raw) != size:
        raise CorruptMailbox("A compressed block does not have the size that its index names.")
    return raw


@functools.cache
def zstd() -> Zstd | None:
    """The zstd codec of this Python, or None."""
    for provide in (_standard, _backport, _zstandard, _system, _pyarrow):
        try:
            return provide()
        except (ImportError, OSError, AttributeError):
            continue
    return None


def _standard() -> Zstd:
    from compression import zstd as module

    return _from_standard_api("compression.zstd", module)


def _backport() -> Zstd:
    from backports import zstd as module

    return _from_standard_api("backports.zstd", module)


def _from_standard_api(name: str, module: object) -> Zstd:
    def decompress(data: bytes, limit: int) -> bytes:
        stream = module.ZstdDecompressor()  # type: ignore[attr-defined]
        raw: bytes = stream.decompress(data, limit + 1)
        if not stream.eof or stream.unused_data:
            raise ValueError("it is not one whole frame")
        return raw

    return Zstd(name, lambda data: module.compress(data, _LEVEL), decompress)  # type: ignore[attr-defined]


def _zstandard() -> Zstd:
    import zstandard

    def decompress(data: bytes, limit: int) -> bytes:
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            raw: bytes = stream.read(limit + 1)
        return raw

    return Zstd("zstandard", lambda data: zstandard.ZstdCompressor(level=_LEVEL).compress(data), decompress)


def _system() -> Zstd:
    import ctypes
    import ctypes.util

    name = ctypes.util.find_library("zstd")
    library = ctypes.CDLL(name or "libzstd.so.1")
    size_t = ctypes.c_size_t
    library.ZSTD_compressBound.restype = size_t
    library.ZSTD_compressBound.argtypes = [size_t]
    library.ZSTD_compress.restype = size_t
    library.ZSTD_compress.argtypes = [ctypes.c_void_p, size_t, ctypes.c_char_p, size_t, ctypes.c_int]
    library.ZSTD_decompress.restype = size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_void_p, size_t, ctypes.c_char_p, size_t]
    library.ZSTD_isError.argtypes = [size_t]

    def call(function: Callable[..., int], room: int, *arguments: object) -> bytes:
        buffer = ctypes.create_string_buffer(max(1, room))
        written = function(buffer, room, *arguments)
        if library.ZSTD_isError(written):
            raise ValueError("libzstd refuses it")
        return buffer.raw[:written]

    return Zstd(
        "libzstd",
        lambda data: call(
            library.ZSTD_compress, library.ZSTD_compressBound(len(data)), data, len(data), _LEVEL
        ),
        lambda data, limit: call(library.ZSTD_decompress, limit, data, len(data)),
    )


def _pyarrow() -> Zstd:
    import pyarrow

    codec = pyarrow.Codec("zstd", compression_level=_LEVEL)
    return Zstd(
        "pyarrow",
        lambda data: bytes(codec.compress(data, asbytes=True)),
        lambda data, limit: bytes(codec.decompress(data, decompressed_size=limit, asbytes=True)),
    )
