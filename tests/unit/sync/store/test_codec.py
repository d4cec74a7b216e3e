"""Blocks come back as they went in, with every provider of zstd, and never bigger than promised."""

import sys
import zlib
from collections.abc import Callable, Iterator

import pytest

from sync.errors import CorruptMailbox, HybridError
from sync.store import codec
from sync.store.codec import STORED, ZLIB, ZSTD, Zstd
from tests.unit.sync.store.shelf import noise

PROVIDERS: dict[str, Callable[[], Zstd]] = {
    "compression.zstd": codec._standard,
    "backports.zstd": codec._backport,
    "zstandard": codec._zstandard,
    "libzstd": codec._system,
    "pyarrow": codec._pyarrow,
}
# What is installed with hybrid is there; the others may be.
SURE = ("pyarrow", "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
MAYBE = [name if name in SURE else pytest.param(name, marks=pytest.mark.platform) for name in PROVIDERS]
SAMPLES = [b"x", b"line of text\n" * 20_000, noise(300_000), noise(1000) + bytes(100_000)]


def made(name: str) -> Zstd:
    try:
        return PROVIDERS[name]()
    except (ImportError, OSError, AttributeError):
        pytest.skip(f"{name} is not here")


@pytest.fixture(params=MAYBE)
def provider(request: pytest.FixtureRequest) -> Zstd:
    return made(request.param)


@pytest.fixture
def only(provider: Zstd, monkeypatch: pytest.MonkeyPatch) -> Zstd:
    """A Python whose zstd is this provider."""
    monkeypatch.setattr(codec, "zstd", lambda: provider)
    return provider


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Python without any zstd."""

    def missing() -> Zstd:
        raise ImportError

    for name in ("_standard", "_backport", "_zstandard", "_system", "_pyarrow"):
        monkeypatch.setattr(codec, name, missing)
    codec.zstd.cache_clear()
    yield
    codec.zstd.cache_clear()


@pytest.mark.parametrize("data", SAMPLES, ids=["tiny", "text", "noise", "mixed"])
def test_a_block_comes_back(only: Zstd, data: bytes) -> None:
    name, stored = codec.compress(data)
    assert codec.decompress(name, stored, len(data)) == data
    assert len(stored) <= len(data)


@pytest.mark.parametrize("reader", MAYBE)
def test_every_provider_reads_what_another_wrote(provider: Zstd, reader: str) -> None:
    other = made(reader)
    for data in SAMPLES:
        assert other.decompress(provider.compress(data), len(data)) == data


def test_noise_is_stored_as_it_is(only: Zstd) -> None:
    assert codec.compress(noise(10_000)) == (STORED, noise(10_000))


@pytest.mark.parametrize("promised", [1, 1000, 99_999_999])
def test_a_bomb_is_refused(only: Zstd, promised: int) -> None:
    bomb = only.compress(bytes(100_000_000))
    with pytest.raises(CorruptMailbox):
        codec.decompress(ZSTD, bomb, promised)


def test_a_bomb_does_not_yield_more_than_was_promised(provider: Zstd) -> None:
    bomb = provider.compress(bytes(50_000_000))
    try:
        raw = provider.decompress(bomb, 1000)
    except Exception:
        return
    assert len(raw) <= 1001


@pytest.mark.parametrize("promised", [99_999, 100_001, 7_000_000])
def test_a_lie_about_the_size_is_refused(only: Zstd, promised: int) -> None:
    with pytest.raises(CorruptMailbox):
        codec.decompress(ZSTD, only.compress(bytes(100_000)), promised)


def test_a_damaged_block_is_corrupt(only: Zstd) -> None:
    good = only.compress(b"some text, " * 1000)
    for bad in (b"", b"\0", b"no zstd at all", good[:-5], good[4:], good[:10] + bytes(20)):
        with pytest.raises(CorruptMailbox):
            codec.decompress(ZSTD, bad, 11_000)


@pytest.mark.parametrize("promised", [10, 99_999, 100_001])
def test_zlib_is_bounded_too(promised: int) -> None:
    with pytest.raises(CorruptMailbox):
        codec.decompress(ZLIB, zlib.compress(bytes(100_000)), promised)


def test_damaged_zlib_is_corrupt() -> None:
    for bad in (b"", b"\0\0", zlib.compress(b"abc" * 1000)[:-10]):
        with pytest.raises(CorruptMailbox):
            codec.decompress(ZLIB, bad, 3000)


def test_a_stored_block_has_the_size_it_says() -> None:
    assert codec.decompress(STORED, b"abc", 3) == b"abc"
    with pytest.raises(CorruptMailbox):
        codec.decompress(STORED, b"abc", 4)


@pytest.mark.parametrize("name", ["", "ZSTD", "lzma", "zstd "])
def test_an_unknown_codec_is_corrupt(name: str) -> None:
    with pytest.raises(CorruptMailbox):
        codec.decompress(name, b"abc", 3)


def test_without_zstd_blocks_are_zlib(bare: None) -> None:
    name, stored = codec.compress(b"some text, " * 1000)
    assert name == ZLIB
    assert codec.decompress(name, stored, 11_000) == b"some text, " * 1000


def test_without_zstd_a_zstd_block_says_what_to_install(bare: None) -> None:
    with pytest.raises(HybridError) as caught:
        codec.decompress(ZSTD, b"...", 3)
    assert not isinstance(caught.value, CorruptMailbox)
    assert "backports.zstd" in caught.value.hint
