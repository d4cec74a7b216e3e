"""The agent's log: what goes into it, how it goes from file to file, and how it is read."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.tell import log
from agent.daemon.tell.log import Follower, Handler, last_lines, last_output, logging_to
from tests.support.small_disk import small_disk

ours = logging.getLogger("agent.daemon.test")


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    with logging_to(Handler(tmp_path, largest=1000)):
        yield tmp_path


def numbers(lines: list[str]) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in lines]


def test_lines_have_local_time_level_and_text(written: Path) -> None:
    ours.info("published %s", "\u00fc\udcff\x1b")
    ours.debug("too much")
    logging.getLogger("paramiko.transport").info("Connected")
    logging.getLogger("paramiko.transport").warning("Odd")
    first, second = last_lines(written, 10)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO published \u00fc\\udcff\\x1b", first)
    assert second.endswith(" WARNING Odd")


def test_log_stays_small_and_its_end_is_read_over_files(written: Path) -> None:
    for number in range(200):
        ours.info("line %d", number)
    assert sum(path.stat().st_size for path in written.iterdir()) <= 3000
    assert len(list(written.iterdir())) == 3
    kept = numbers(last_lines(written, 1000))
    assert kept == list(range(200 - len(kept), 200)) and len(kept) > 30
    assert numbers(last_lines(written, 45)) == kept[-45:]
    assert last_lines(written, 0) == []


def test_follower_misses_nothing_while_the_log_goes_from_file_to_file(written: Path) -> None:
    ours.info("line 0")
    follower = Follower(written)
    assert follower.lines() == []
    found = []
    for number in range(1, 200):
        ours.info("line %d", number)
        if number % 30 == 0:
            found += numbers(follower.lines())
    assert found + numbers(follower.lines()) == list(range(1, 200))


def test_follower_waits_for_whole_lines_and_for_a_log_to_begin(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert follower.lines() == []
    path = tmp_path / log.FILE_NAME
    path.write_bytes(b"one\ntw")
    assert follower.lines() == ["one"]
    with path.open("ab") as file:
        file.write(b"o\n")
    assert follower.lines() == ["two"]


def test_full_disk_is_survived_silently_and_the_log_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 2) as disk, logging_to(Handler(disk.folder / "agents")):
        ours.info("line 1")
        disk.leave(0)
        for _ in range(100):
            ours.info("lost %s", "x" * 1000)
        disk.make_room()
        ours.info("line 2")
        lines = last_lines(disk.folder / "agents", 1000)
    assert lines[0].endswith("line 1") and lines[-1].endswith("line 2")
    assert capsys.readouterr() == ("", "")


def test_end_on_a_full_disk_is_no_error(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        with logging_to(Handler(disk.folder / "agents")):
            disk.leave(0)
            ours.info("x" * 5000)
        assert logging.getLogger().level == logging.WARNING


def test_last_output_is_the_last_line_that_says_something(tmp_path: Path) -> None:
    assert last_output(tmp_path) == ""
    (tmp_path / log.OUTPUT_NAME).write_text("Traceback\n  here\nOSError: no\n\n")
    assert last_output(tmp_path) == "OSError: no"
