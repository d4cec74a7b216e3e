import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import HybridError
from sync.local.database import VERSION, connect, transaction
from sync.local.entry import Entry, Signature
from sync.local.index import FileRow, Index
from sync.local.noted import Noted, is_as_published
from sync.local.rules import Rules
from sync.local.scan import scan
from sync.store.lines import content
from sync.store.nouns import Location
from tests.support.trees import make_tree

SECOND = 10**9
LONG_AGO = 1_000 * SECOND
NOW = 2_000 * SECOND


def is_unchanged(entry: Entry, noted: Noted | None) -> bool:
    return noted is not None and is_as_published(
        (entry.path, *noted.signature, noted.scanned_ns), entry.signature
    )


def note(scanned_ns: int = NOW, **changes: int) -> Noted:
    return Noted(Signature(5, LONG_AGO, LONG_AGO, 7, False)._replace(**changes), scanned_ns)


def row(path: bytes = b"a", **changes: int) -> FileRow:
    sha256 = "01" * 32
    what = content([(sha256, 5)], {sha256: place("packs/" + "ab" * 32 + ".pack")}.__getitem__)
    return FileRow(path, note(**changes), what)


def opened(path: Path) -> Index:
    index, message = Index.open(path)
    assert not message
    return index


def place(name: str, offset: int = 0) -> Location:
    return Location(name, 10, 20, 30, "zstd", offset, 5)


def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / ".hybrid" / "state.db"
    rows = [row(b"a"), row(b"not-utf8-\xff\n"), row(b"far", mtime_ns=2**63 - 1, inode=2**63 - 1)]
    with opened(path) as index:
        index.remember_files([*rows, row(b"gone")])
        index.forget_files([b"gone", b"never there"])
        index.add_locations([(b"\x01" * 32, place("packs/x.pack"))])
        index.meta_set("head", "1")
        index.meta_set("head", "2")
        index.replace_others({b"gone": b"", b"link": b"x"})
        index.replace_others({b"link": b"not-utf8-\xff", b"folder": b""})
    with opened(path) as index:
        assert index.others() == {b"link": b"not-utf8-\xff", b"folder": b""}
        assert index.files() == {r.path: r.noted for r in rows}
        assert index.contents([b"a", b"gone"]) == {b"a": rows[0].content}
        assert list(index.all_contents()) == sorted((r.path, r.content) for r in rows)
        assert index.leaned_on() == {"ab" * 8}
        assert index.locations([b"\x01" * 32, b"\x02" * 32]) == {b"\x01" * 32: place("packs/x.pack")}
        assert (index.meta_get("head"), index.meta_get("none")) == ("2", None)


def test_locations_move_and_are_dropped_with_their_object(tmp_path: Path) -> None:
    ids = [bytes([i % 256, i // 256]) * 16 for i in range(2_000)]
    with opened(tmp_path / "state.db") as index:
        index.add_locations((sha, place(f"packs/{i % 3}.pack", i)) for i, sha in enumerate(ids))
        assert len(index.locations(ids)) == 2_000
        index.add_locations([(ids[0], place("packs/new.pack"))])
        index.drop_objects(["packs/0.pack", "packs/1.pack", "none"])
        left = index.locations(ids)
        assert left[ids[0]].object == "packs/new.pack"
        assert {location.object for location in left.values()} == {"packs/2.pack", "packs/new.pack"}
        index.clear_locations()
        assert not index.locations(ids)


def test_files_come_page_by_page_while_others_write(tmp_path: Path) -> None:
    paths = [b"%05d" % number for number in range(4_001)]
    with opened(tmp_path / "state.db") as index:
        index.remember_files(row(path) for path in paths)
        found = []
        for path, _ in index.all_contents():
            if not found:
                index.add_locations([(b"\x01" * 32, place("packs/x.pack"))])
            found.append(path)
        assert found == paths


def test_new_times_leave_the_content(tmp_path: Path) -> None:
    with opened(tmp_path / "state.db") as index:
        index.remember_files([row()])
        index.note_files({b"a": note(NOW + 1, mtime_ns=3)})
        assert index.files() == {b"a": note(NOW + 1, mtime_ns=3)}
        assert index.contents([b"a"]) == {b"a": row().content}


@pytest.mark.parametrize("field", ["size", "mtime_ns", "ctime_ns", "inode", "executable"])
def test_a_file_is_changed_when_any_part_of_its_signature_is(field: str) -> None:
    same = Entry(b"a", "file", note().signature)
    assert is_unchanged(same, note()) and not is_unchanged(same, None)
    value = (
        int(not note().signature.executable)
        if field == "executable"
        else getattr(note().signature, field) + 1
    )
    assert not is_unchanged(same._replace(signature=same.signature._replace(**{field: value})), note())


@pytest.mark.parametrize(
    ("mtime", "ctime", "trusted"),
    [
        (-3, -3, True),
        (-1, -3, False),  # written just before the scan: perhaps again just after
        (-3, -1, False),  # the same, with its mtime put back
        (+1, -3, False),
        (+10_000, -3, True),  # an mtime of the far future says nothing
        (+10_000, +10_000, False),  # the server's clock runs ahead
    ],
)
def test_what_changed_around_the_scan_is_read_again(mtime: int, ctime: int, trusted: bool) -> None:
    recorded = note(mtime_ns=NOW + mtime * SECOND, ctime_ns=NOW + ctime * SECOND)
    assert is_unchanged(Entry(b"a", "file", recorded.signature), recorded) == trusted


def test_an_edit_with_size_and_mtime_put_back_is_a_change(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"a": "old", "b": "old"})
    clock = ManualClock(wall=root.stat().st_mtime + 3600)

    def changed(noted: dict[bytes, Noted]) -> list[bytes]:
        return [e.path for e in scan(root, Rules(), clock).entries if not is_unchanged(e, noted.get(e.path))]

    scanned_ns = int(clock.wall() * 1e9)
    noted = {e.path: Noted(e.signature, scanned_ns) for e in scan(root, Rules(), clock).entries}
    assert not changed(noted)
    before = (root / "a").stat()
    (root / "a").write_text("new")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed(noted) == [b"a"]


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_set_aside_whole_and_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    for number in (1, 2):
        path.write_bytes(content)
        index, message = Index.open(path)
        with index:
            assert f"state.db.corrupt-{number}" in message and "damaged" in message
            assert (tmp_path / f"state.db.corrupt-{number}").read_bytes() == content
            assert index.files() == {}


@pytest.mark.parametrize(
    ("version", "told"), [(VERSION + 1, "newer version"), (VERSION - 1, "older version")]
)
def test_a_database_of_another_version_is_set_aside(tmp_path: Path, version: int, told: str) -> None:
    path = tmp_path / "state.db"
    with opened(path) as index:
        index.remember_files([row()])
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {version}")
    other.close()
    index, message = Index.open(path)
    with index:
        assert told in message and index.files() == {}
    kept = sqlite3.connect(tmp_path / "state.db.corrupt-1")
    assert kept.execute("SELECT count(*) FROM files").fetchone() == (1,)
    kept.close()


def test_a_foreign_database_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE files (x)")
    foreign.close()
    index, message = Index.open(path)
    with index:
        assert "another program" in message and index.files() == {}
    assert (tmp_path / "state.db.corrupt-1").exists()


def test_damage_found_in_use_is_an_error_once_and_a_new_database_after(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with opened(path) as index:
        index.remember_files(row(b"%05d" % i) for i in range(5_000))
    data = bytearray(path.read_bytes())
    data[8192:] = random.Random(1).randbytes(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(HybridError, match="damaged") as caught, Index.open(path)[0] as index:
        index.files()
    assert caught.value.hint and (tmp_path / "state.db.corrupt-1").exists()
    with opened(path) as index:
        assert index.files() == {}


def test_a_place_that_cannot_hold_a_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "state.db", tmp_path / "folder"):
        with pytest.raises(HybridError, match="local state"):
            Index.open(path)


def test_a_failed_write_leaves_nothing_of_itself(tmp_path: Path) -> None:
    def rows() -> object:
        yield row(b"a")
        raise ValueError("the caller broke")

    with opened(tmp_path / "state.db") as index:
        with pytest.raises(ValueError):
            index.remember_files(rows())  # type: ignore[arg-type]
        assert index.files() == {}
        index.remember_files([row(b"b")])
        assert set(index.files()) == {b"b"}


def test_other_modules_keep_tables_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with opened(path) as index:
        other = connect(path).connection
        with transaction(other):
            other.execute("CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY)")
            other.execute("INSERT INTO runs VALUES ('r1')")
        assert index.files() == {}
        index.remember_files([row()])
        assert other.execute("SELECT id FROM runs").fetchall() == [("r1",)]
        other.close()


def test_many_may_begin_at_once(tmp_path: Path) -> None:
    messages: list[str] = []

    def begin(number: int) -> None:
        index, message = Index.open(tmp_path / "state.db")
        with index:
            index.remember_files([row(b"%d" % number)])
        messages.append(message)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages == [""] * 8
    with opened(tmp_path / "state.db") as index:
        assert len(index.files()) == 8


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_kill_loses_no_finished_write_and_keeps_no_half(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    program = f"""
from pathlib import Path
from sync.local.entry import Signature
from sync.local.index import FileRow, Index
from sync.local.noted import Noted
from sync.store.lines import Content
index, _ = Index.open(Path({str(path)!r}))
for i in range(100_000):
    index.remember_files(FileRow(b"%d-%d" % (i, j), Noted(Signature(i, 0, 0, 0, False), 0), Content(0, "[]", "[]", "")) for j in range(50))
    print(i, flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert child.stdout is not None
    with child.stdout:
        told = [child.stdout.readline() for _ in range(20)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.readlines()
    child.wait()
    last = int(told[-1])
    with opened(path) as index:
        batches: dict[int, int] = {}
        for recorded in index.files().values():
            batches[recorded.signature.size] = batches.get(recorded.signature.size, 0) + 1
    assert set(batches.values()) == {50} and set(batches) >= set(range(last + 1))
