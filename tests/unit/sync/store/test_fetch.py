"""Content is read ahead, in few calls, never much at a time, and verified whatever way it came."""

import threading

import pytest

from sync.errors import CorruptMailbox, NotFound
from sync.store.fetch import AHEAD, LARGEST_READ_AHEAD
from sync.store.lanes import Lanes
from sync.store.nouns import Chunk
from sync.store.reader import Reader
from tests.support.counting import CountingRemote
from tests.unit.sync.store.shelf import BASE, File, Shelf, noise

COUNT = 60
SIZE = 500_000


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf(pack_size=12 * 1024 * 1024)
    shelf.name = shelf.save({b"%02d" % n: File(noise(SIZE, n)) for n in range(COUNT)}).name  # type: ignore[attr-defined]
    return shelf


def everything(reader: Reader, shelf: Shelf) -> list[Chunk]:
    root = reader.root(shelf.name)  # type: ignore[attr-defined]
    return [chunk for entry in reader.entries(root) for chunk in entry.chunks]


@pytest.mark.parametrize("count", [1, 2, 16])
def test_all_of_it_comes_whatever_the_number_of_lanes(shelf: Shelf, count: int) -> None:
    remote = CountingRemote(shelf.remote.store)
    with Lanes(count) as lanes:
        reader = Reader(remote, BASE, lanes)
        chunks = everything(reader, shelf)
        before = remote.bytes_read
        found = {chunk.sha256 for chunk, _ in reader.fetch(chunks)}
    assert found == {chunk.sha256 for chunk in chunks}
    assert remote.bytes_read - before == pytest.approx(COUNT * SIZE, rel=0.01)
    assert remote.most <= min(count, AHEAD)


def test_no_more_is_read_ahead_than_may_be(shelf: Shelf) -> None:
    remote = CountingRemote(shelf.remote.store)
    with Lanes(16) as lanes:
        reader = Reader(remote, BASE, lanes)
        chunks = everything(reader, shelf)
        before, taken = remote.bytes_read, 0
        for _, data in reader.fetch(chunks):
            taken += len(data)
            assert remote.bytes_read - before <= taken + (AHEAD + 1) * LARGEST_READ_AHEAD


def test_reading_begins_before_anything_is_taken(shelf: Shelf) -> None:
    begun = threading.Event()

    class Telling(CountingRemote):
        def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
            if path.endswith(".pack"):
                begun.set()
            return super().read(path, offset, length)

    with Lanes(2) as lanes:
        chunks = everything(Reader(shelf.another(), BASE), shelf)
        fetch = Reader(Telling(shelf.remote.store), BASE, lanes).fetch(chunks)
        assert not begun.is_set()
        fetch.begin()
        assert begun.wait(30)
        assert len(list(fetch)) == len({chunk.sha256 for chunk in chunks})


def test_a_pack_that_is_gone_is_not_found_also_where_it_is_read_ahead(shelf: Shelf) -> None:
    with Lanes(4) as lanes:
        reader = Reader(shelf.another(), BASE, lanes)
        chunks = everything(reader, shelf)
        last = max(chunk.at.object for chunk in chunks)
        shelf.remote.delete(f"{BASE}/{last}")
        with pytest.raises(NotFound):
            list(reader.fetch(chunks))


@pytest.mark.parametrize("known", ["size", "more", "less"])
def test_what_was_anticipated_is_not_read_again(shelf: Shelf, known: str) -> None:
    remote = CountingRemote(shelf.remote.store)
    files = shelf.remote.list_files(f"{BASE}/packs")
    told = {"size": 0, "more": 1_000_000, "less": -1_000_000}[known]
    with Lanes(4) as lanes:
        reader = Reader(remote, BASE, lanes)
        root = reader.root(shelf.name)  # type: ignore[attr-defined]
        reader.anticipate(
            root.name, [(f"packs/{file.name}", file.size + told) for file in sorted(files, key=str)]
        )
        chunks = [chunk for entry in reader.entries(root) for chunk in entry.chunks]
        found = {chunk.sha256: data for chunk, data in reader.fetch(chunks)}
        assert len(found) == len({chunk.sha256 for chunk in chunks})
        reader.forget(root.name)
    whole = sum(file.size for file in files) + shelf.remote.list_files(f"{BASE}/snapshots")[0].size
    assert remote.bytes_read <= whole


def test_what_was_anticipated_of_a_damaged_pack_is_not_believed(shelf: Shelf) -> None:
    class Damaged(CountingRemote):
        def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
            data = super().read(path, offset, length)
            return data if not path.endswith(".pack") else data[:1000] + b"?" + data[1001:]

    files = shelf.remote.list_files(f"{BASE}/packs")
    chunks = everything(Reader(shelf.another(), BASE), shelf)
    with Lanes(4) as lanes:
        reader = Reader(Damaged(shelf.remote.store), BASE, lanes)
        reader.anticipate("owner", [(f"packs/{file.name}", file.size) for file in files])
        with pytest.raises(CorruptMailbox):
            list(reader.fetch(chunks))


def test_with_one_lane_nothing_is_anticipated(shelf: Shelf) -> None:
    remote = CountingRemote(shelf.remote.store)
    reader = Reader(remote, BASE)
    reader.anticipate("owner", [("packs/x.pack", 1_000_000)])
    assert remote.reads == []
