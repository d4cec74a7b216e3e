"""New log bytes for ticks, the end of a log, and the environment of a child."""

from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_runner.attempt import LOG_TAIL, Job, command, tail
from cloud_runner.child import Child
from cloud_runner.publish import Publisher
from sync.mailbox.layout import Attempt
from sync.mailbox.records import Spec


def job(folder: Path) -> Job:
    nothing = cast(Publisher, None)
    return Job(Attempt(0, "worker22", 1), folder, cast(Child, None), nothing, nothing, started=0.0, slot=0)


def test_a_log_that_does_not_grow_or_is_gone_tells_nothing(tmp_path: Path) -> None:
    watched = job(tmp_path)
    assert watched.new_log(100) is None
    watched.log.write_bytes(b"one\n")
    assert watched.new_log(100) == (0, "one\n")
    watched.log_told()
    assert watched.new_log(100) is None
    watched.log_told()
    with open(watched.log, "ab") as log:
        log.write(b"two\n")
    assert watched.new_log(100) == (4, "two\n")


def test_text_that_was_not_told_is_given_again_at_the_same_place(tmp_path: Path) -> None:
    watched = job(tmp_path)
    watched.log.write_bytes(b"one\n")
    assert watched.new_log(100) == (0, "one\n")
    with open(watched.log, "ab") as log:
        log.write(b"two\n")
    assert watched.new_log(100) == (0, "one\n")
    watched.log_told()
    assert watched.new_log(100) == (4, "two\n")


def test_of_a_flood_the_end_is_told_with_its_place(tmp_path: Path) -> None:
    watched = job(tmp_path)
    watched.log.write_bytes(b"x" * 1000 + b"end\n")
    assert watched.new_log(4) == (1000, "end\n")


@given(st.text(max_size=40), st.integers(1, 7))
def test_text_that_arrives_byte_by_byte_is_told_whole(
    tmp_path_factory: pytest.TempPathFactory, text: str, piece: int
) -> None:
    watched = job(tmp_path_factory.mktemp("job"))
    raw, told = text.encode(), b""
    for start in range(0, len(raw), piece):
        with open(watched.log, "ab") as log:
            log.write(raw[start : start + piece])
        new = watched.new_log(1000)
        if new:
            assert new[0] == len(told)
            told += new[1].encode()
            watched.log_told()
    assert told == raw


def test_bytes_that_are_no_text_are_told_all_the_same(tmp_path: Path) -> None:
    watched = job(tmp_path)
    watched.log.write_bytes(b"\xff\x80\x80\x80\x80")
    told = watched.new_log(100)
    assert told is not None and set(told[1]) == {"\ufffd"}


def test_a_tail_is_bounded(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_bytes(b"x" * 100_000 + b"end")
    assert len(tail(log)) == LOG_TAIL and tail(log).endswith("end")


def test_the_runners_own_variables_do_not_leak_and_the_specs_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_STATE", "of the runner")
    monkeypatch.setenv("HF_HOME", "/data/hf")
    spec = Spec(
        run="r-1",
        laptop="laptop22",
        created=0,
        snapshot="",
        target="local",
        shards=4,
        env={"HF_HOME": "/scratch"},
    )
    env = command(spec, Attempt(2, "worker22", 1), tmp_path, tmp_path / "a", devices=[]).env
    assert "HYBRID_STATE" not in env and "HYBRID_DEADLINE" not in env and "HYBRID_SHARD_INPUT" not in env
    assert env["HF_HOME"] == "/scratch"
    assert (env["HYBRID_SHARD"], env["HYBRID_SHARDS"], env["HYBRID_GPU"]) == ("2", "4", "")
    assert env["HYBRID_OUTPUT"] == str(tmp_path / "a" / "out")
