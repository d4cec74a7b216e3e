"""Where the agent's status is kept: whole at any time, and written also on a disk that is full."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.daemon.tell import record
from agent.daemon.tell.record import Record, fitting, read
from agent.daemon.tell.status import Need, RunLine, Status, Trouble, Waiting
from sync.errors import LocalDiskFull
from tests.support.small_disk import small_disk

REPOSITORY = Path(__file__).parents[4]
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from agent.daemon.tell.record import Record
from agent.daemon.tell.status import Status
record = Record(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    record.write(
        Status(pid=number, born="b", root="/r", state="watching", started=0, written=0, problems=[str(number)] * (number % 4000))
    )
"""


def status(number: int = 1) -> Status:
    return Status(pid=number, born="77", root="/p", state="watching", started=1.0, written=2.0)


def full() -> Status:
    line = RunLine(
        run="r1",
        name="n",
        phase="running",
        target="local",
        shards=4,
        complete=1,
        failed=0,
        here=1,
        left_s=3.5,
    )
    return replace(
        status(),
        waiting=Waiting(files=2, bytes=30, since=1.5, why="git is at work"),
        runs=[line],
        trouble=Trouble(at=3.0, what="No \u00fcber \udcff", how=""),
        problems=["a: cannot be read"],
        needs=[Need(key="k", what="w", how="h")],
        spent={"EUR": 1.5},
        published={"seq": 3},
    )


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    kept = Record(tmp_path / "agents")
    assert read(tmp_path / "agents") is None and kept.last is None
    for written in (status(), full(), status(2)):
        kept.write(written)
        assert read(tmp_path / "agents") == written == kept.last
    assert Record(tmp_path / "agents").last == status(2)


@pytest.mark.parametrize("ends_at", [0, 1, 60, 200])
def test_writer_that_dies_leaves_the_status_before(tmp_path: Path, ends_at: int) -> None:
    kept = Record(tmp_path)
    for number in (1, 2, 3):
        kept.write(status(number))
    path = tmp_path / record.FILE_NAME
    before = path.read_bytes()
    kept.write(status(4))
    after = path.read_bytes()
    path.write_bytes(after[:ends_at] + before[ends_at:])  # the fourth goes into the first slot
    found = read(tmp_path)
    assert found == status(4 if ends_at == 200 else 3)
    again = Record(tmp_path)
    again.write(status(5))
    assert read(tmp_path) == status(5)


def test_file_that_is_damaged_or_of_another_version_is_no_status(tmp_path: Path) -> None:
    path = tmp_path / record.FILE_NAME
    for content in (b"", b"x" * 100, b"\xff" * record.SIZE, bytes(record.SIZE)):
        path.write_bytes(content)
        assert read(tmp_path) is None
        kept = Record(tmp_path)
        kept.write(status())
        assert read(tmp_path) == status()


def test_file_has_one_size_and_stays_when_it_is_removed_under_its_writer(tmp_path: Path) -> None:
    place = tmp_path / "agents"
    kept = Record(place)
    kept.write(status())
    assert (place / record.FILE_NAME).stat().st_size == record.SIZE
    shutil.rmtree(place)
    kept.write(status(2))
    assert read(place) == status(2)
    assert [each.name for each in place.iterdir()] == [record.FILE_NAME]


def test_lists_are_cut_to_what_fits_and_needs_stay_longest(tmp_path: Path) -> None:
    many = replace(
        full(),
        problems=["p" * 500] * 5000,
        needs=[Need(key=str(n), what="w" * 50, how="") for n in range(50)],
    )
    kept = Record(tmp_path)
    kept.write(many)
    found = read(tmp_path)
    assert found is not None and 0 < len(found.problems) < 5000
    assert (found.needs, found.runs, found.waiting) == (many.needs, many.runs, many.waiting)


def test_texts_are_cut_where_cutting_lists_is_not_enough() -> None:
    long = replace(full(), root="/\u00e9" * 100_000, trouble=Trouble(at=1.0, what="x" * 300_000, how=""))
    found = fitting(long)
    assert found.trouble is not None and len(found.trouble.what) == len(found.root) == 2000


def test_reader_sees_whole_statuses_only_beside_a_writer(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment)
    try:
        newest = reads = changes = 0
        while changes < 100 and reads < 2_000_000:
            assert writer.poll() is None
            found = read(tmp_path)
            reads += 1
            if found is None:
                assert newest == 0
                continue
            assert found.problems == [str(found.pid)] * (found.pid % 4000) or found.pid % 4000 > 3000
            assert found.pid >= newest - 1  # while one slot is written, the other one holds the status before
            changes += found.pid != newest
            newest = max(newest, found.pid)
        assert changes == 100
    finally:
        writer.kill()
        writer.wait()


def test_status_is_written_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        place = disk.folder / "agents"
        kept = Record(place)
        disk.leave(0)
        for number in range(1, 6):
            kept.write(replace(full(), pid=number, problems=["x" * 1000] * 100))
            found = read(place)
            assert found is not None and (found.pid, len(found.problems)) == (number, 100)
        again = Record(place)
        again.write(status(9))
        assert read(place) == status(9)


def test_disk_without_room_for_the_file_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        disk.leave(40_000)
        with pytest.raises(LocalDiskFull, match="status cannot be kept"):
            Record(disk.folder / "agents")
        assert list((disk.folder / "agents").iterdir()) == []
