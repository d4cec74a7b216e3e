"""``hybrid logs``: one log, wherever its parts are, without a gap and without anything told twice."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.log_pieces import Piece, last_lines
from agent.mailbox import Mailbox
from agent.project import Project as Opened
from agent.run_logs import RunLogs
from sync.clock import SystemClock
from sync.mailbox import records
from sync.mailbox.records import Mark, Tick, seal
from tests.support.projects import BASE, Project
from tests.support.pulls import InMemory

Capture = pytest.CaptureFixture[str]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def pieces(project: Project, *words: str, code: int = 0) -> list[dict[str, Any]]:
    found, out, err = project.call("logs", *words, "--json")
    assert found == code, err
    return [json.loads(line) for line in out.splitlines()]


def while_asleep(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
    """What happens at the other side while a command that follows sleeps; after the last step nothing may sleep."""
    left = list(steps)
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: left.pop(0)())


def test_finished_log_is_read_from_the_mailbox_and_then_from_the_outputs(project: Project) -> None:
    project.queue()
    project.worker().claim().done(output=b"one\ntwo\n")
    assert project.call("logs", "r1")[:2] == (0, "one\ntwo\n")
    project.call("pull")
    for path in project.mail.glob("runs/r1/*.snap"):
        path.unlink()
    assert project.call("logs", "r1")[:2] == (0, "one\ntwo\n")


def test_several_shards_are_told_apart(project: Project) -> None:
    project.queue(shards=3)
    worker = project.worker().claim()
    worker.done(0, output=b"a\nb\n")
    worker.failed(2, output=b"no newline at the end")
    assert project.call("logs", "r1")[1] == "000 | a\n000 | b\n002 | no newline at the end\n"
    assert project.call("logs", "r1", "--shard", "2")[1] == "no newline at the end\n"
    assert project.call("logs", "r1", "--shard", "3")[0] == 2


def test_running_log_is_put_together_from_outputs_and_ticks(project: Project) -> None:
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()
    worker.publish(attempt, {"a": b""}, "first\nsecönd\n".encode())
    worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [6, "secönd\nthi"]})
    worker.tick(running={str(attempt): 2.0})
    worker.tick(running={str(attempt): 3.0}, logs={str(attempt): [17, "rd\n"]})
    assert project.call("logs", "r1")[1] == "first\nsecönd\nthird\n"
    found = pieces(project, "r1")
    assert [(each["offset"], each["text"]) for each in found] == [
        (0, "first\nsecönd\n"),
        (14, "thi"),
        (17, "rd\n"),
    ]
    assert {each["attempt"] for each in found} == {str(attempt)}


def test_ticks_that_are_gone_leave_a_gap_that_is_told(project: Project) -> None:
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()
    worker.tick(running={str(attempt): 9.0}, logs={str(attempt): [1000, "late\n"]})
    code, out, err = project.call("logs", "r1")
    assert (code, out) == (0, "late\n")
    assert "1000 bytes of attempt 0.worker22.1 are not in the mailbox any more" in err


def test_failed_log_is_whole_where_it_was_published_and_else_its_end(project: Project) -> None:
    project.queue(shards=2, retries=0)
    worker = project.worker().claim()
    worker.failed(0, output=b"Traceback\nValueError\n")
    worker.failed(1, snapshot="", log="the end\n")
    found = pieces(project, "r1")
    assert [(each["shard"], each["offset"], each["text"], each["reason"]) for each in found] == [
        (0, 0, "Traceback\nValueError\n", ""),
        (0, None, "", "exit code 1"),
        (1, None, "the end\n", ""),
        (1, None, "", "exit code 1"),
    ]


def test_failed_setup_shows_what_it_printed(project: Project) -> None:
    project.queue(shards=2)
    project.worker().claim().broken(reason="the set-up ended with exit code 1", log="no such package\n")
    assert project.call("logs", "r1") == (
        0,
        "no such package\n",
        "The set-up failed: the set-up ended with exit code 1\n",
    )
    setup = {"shard": None, "attempt": None, "offset": None}
    assert pieces(project, "r1") == [
        {**setup, "text": "no such package\n", "reason": ""},
        {**setup, "text": "", "reason": "the set-up ended with exit code 1"},
    ]


def test_setup_that_failed_without_a_word_says_why(project: Project) -> None:
    project.queue()
    project.worker().claim().broken(reason="the run needs a GPU (any)\nand there is none")
    code, out, err = project.call("logs", "r1", "--tail", "0")
    assert (code, out) == (0, "")
    assert err == "The set-up failed: the run needs a GPU (any) and there is none\n"


def test_command_that_cannot_start_says_why(project: Project) -> None:
    project.queue(retries=0)
    project.worker().claim().failed(exit=127, reason="cannot start: no such file", snapshot="")
    code, out, err = project.call("logs", "r1")
    assert (code, out) == (0, "")
    assert err == "Shard 0: attempt 0.worker22.1 failed: cannot start: no such file\n"


def test_why_it_failed_comes_after_a_line_without_an_end(project: Project) -> None:
    project.queue(retries=0)
    project.worker().claim().failed(output=b"ab\nno end", reason="\x1b[2Jexit code 1")
    code, out, err = project.call("logs", "r1")
    assert (code, out) == (0, "ab\nno end\n")
    assert err == "Shard 0: attempt 0.worker22.1 failed: \\x1b[2Jexit code 1\n"


def test_run_that_is_over_and_printed_nothing_says_so(project: Project) -> None:
    project.queue()
    project.worker().claim().done()
    assert project.call("logs", "r1")[2] == "Run r1: done; it printed nothing.\n"


def test_the_attempt_that_counts_is_shown(project: Project) -> None:
    project.queue(retries=2)
    worker = project.worker().claim()
    worker.failed(0, n=1, output=b"first try\n")
    worker.failed(0, n=2, output=b"second try\n")
    assert project.call("logs", "r1")[1] == "second try\n"
    worker.done(0, n=3, output=b"third try\n")
    project.call("pull")
    project.worker("workeraa").claim(2).done(0, output=b"superfluous\n")
    assert project.call("logs", "r1")[1] == "third try\n"


def test_tail_shows_the_last_lines(project: Project) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    worker.done(0, output=b"".join(b"%d\n" % n for n in range(100)))
    attempt = worker.start(1)
    worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [0, "a\nb\nc"]})
    worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [5, "d\ne"]})
    assert project.call("logs", "r1", "--tail", "2")[1] == "000 | 98\n000 | 99\n001 | cd\n001 | e\n"
    assert project.call("logs", "r1", "--tail", "0")[1] == ""


def test_nothing_printed_yet_says_so(project: Project) -> None:
    project.queue()
    code, out, err = project.call("logs", "r1")
    assert (code, out) == (0, "")
    assert err == "Run r1: queued; it has printed nothing yet.\nNext: hybrid up --on local\n"


def test_log_cannot_steer_the_terminal_and_bars_show_their_last_state(project: Project) -> None:
    project.queue()
    project.worker().claim().done(output=b"\x1b[31mred\x1b[0m\n\x1b[2J\r 10%\r 20%\r\nwindows\r\n\xff\n")
    assert project.call("logs", "r1")[1] == "red\n 20%\nwindows\n\ufffd\n"
    project.queue("r2")
    project.worker(run="r2").claim().done(output=b"\x1b]0;owned\x07\n")
    assert project.call("logs", "r2")[1] == "\\x1b]0;owned\\x07\n"


def test_follow_goes_on_until_the_run_ends_and_tells_nothing_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.queue(retries=1)
    worker = project.worker()
    first, second = "0.worker22.1", "0.worker22.2"

    def begin() -> None:
        worker.claim()
        worker.start()
        worker.tick(running={first: 1.0}, logs={first: [0, "one\ntw"]})

    def fail() -> None:
        worker.failed(0, output=b"one\ntwo\n")
        worker.start(0, 2)
        worker.tick(running={second: 1.0}, logs={second: [0, "again 1\n"]})

    def end() -> None:
        worker.done(0, n=2, output=b"again 1\nagain 2\n")
        worker.yields()

    while_asleep(monkeypatch, begin, lambda: None, fail, end)
    code, out, err = project.call("logs", "r1", "-f")
    assert (code, out) == (0, "one\ntwo\nagain 1\nagain 2\n")
    assert err.splitlines() == [
        "Run r1 waits for a runner; one is started with: hybrid up --on local",
        "Shard 0: attempt 0.worker22.1 failed: exit code 1",
        "Shard 0: attempt 0.worker22.2 now.",
        "Run r1: done.",
    ]


def test_follow_of_a_shard_ends_with_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    worker.start(1)
    while_asleep(monkeypatch, lambda: worker.done(0, output=b"zero\n"))
    assert project.call("logs", "r1", "-f", "--shard", "0")[1] == "zero\n"


def test_follow_shows_a_bar_as_it_stands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()
    worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [0, "\r 10%\r 20%"]})

    def end() -> None:
        worker.done(0, output=b"\r 10%\r 20%\r100%\ndone\n")

    while_asleep(monkeypatch, end)
    assert project.call("logs", "r1", "-f")[1] == " 20%\n100%\ndone\n"


def test_follow_of_a_stopped_run_waits_for_what_its_worker_still_prints(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()
    worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [0, "work\n"]})
    project.remote.write(f"{BASE}/runs/r1/stop-laptop22.json", records.encode(Mark()))
    while_asleep(monkeypatch, lambda: worker.end("left", output=b"work\nSIGTERM, bye\n"))
    code, out, err = project.call("logs", "r1", "-f")
    assert (code, out) == (0, "work\nSIGTERM, bye\n")
    assert err.endswith("Run r1: stopped.\n")


def test_follow_of_a_run_that_is_removed_ends(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.queue()
    project.worker().claim()
    while_asleep(monkeypatch, lambda: project.remote.delete_folder(f"{BASE}/runs/r1"))
    code, _, err = project.call("logs", "r1", "-f")
    assert code == 1
    assert "was removed" in err


def test_bytes_that_are_no_text_cost_nothing_of_what_follows(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = b"\xff\xfe\xff odd\nsecond\nthird \xff\nfourth\n"
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()

    def tick(start: int, end: int) -> None:
        told = {str(attempt): [start, log[start:end].decode("utf-8", "replace")]}
        worker.tick(running={str(attempt): 1.0}, logs=told)

    tick(0, 8)
    while_asleep(
        monkeypatch,
        lambda: tick(8, 15),
        lambda: (tick(15, 20), tick(15, 23)),  # the first of them was taken for failed, and told again
        lambda: worker.done(output=log),
    )
    code, out, err = project.call("logs", "r1", "-f")
    assert (code, out) == (0, log.decode("utf-8", "replace"))
    assert "not in the mailbox" not in err


def test_offsets_are_those_of_the_log_whatever_bytes_it_holds(project: Project) -> None:
    line = b"\xff" * 99 + b"\n"
    log = line * 2000
    project.queue()
    project.worker().claim().done(output=log)
    found = pieces(project, "r1")
    assert len(found) > 1
    for piece, after in zip(found, [*found[1:], {"offset": len(log)}], strict=True):
        assert log[piece["offset"] : after["offset"]].decode("utf-8", "replace") == piece["text"]
    [last] = pieces(project, "r1", "--tail", "1")
    assert last["offset"] == len(log) - 100


def test_follow_forgets_what_it_has_told(project: Project) -> None:
    project.queue()
    worker = project.worker().claim()
    attempt = worker.start()
    mailbox = Mailbox(Opened.find(project.root), project.remote, SystemClock())
    telling = RunLogs(mailbox, project.outputs, InMemory(), only=None, tail=None)
    others = _ticks()  # of other tests, kept so that none of ours can be taken for one of them
    for n in range(5):
        worker.tick(running={str(attempt): 1.0}, logs={str(attempt): [2 * n, f"{n}\n"]})
        assert [piece.text for piece in telling.news(mailbox.run("r1"))] == [f"{n}\n"]
        assert len(_ticks()) == len(others)


def _ticks() -> list[Tick]:
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, Tick)]


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT for another process")
def test_interrupt_ends_a_follow_with_130(project: Project) -> None:
    project.queue()
    project.worker().claim().done(0, output=b"so far\n")
    project.queue("r2")
    project.worker(run="r2").claim().failed(0, output=b"so far\n")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "logs", "r2", "-f"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "so far\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted." in err and "Traceback" not in err


@pytest.mark.parametrize(
    "logs", [{"0.worker22.1": ["x", 1]}, {"0.worker22.1": [-5, "x"]}, {"0.worker22.1": [1]}]
)
def test_malformed_tick_is_left_out(project: Project, logs: dict[str, list[object]]) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.start()
    worker.tick(running={"0.worker22.1": 1.0}, logs=logs)
    assert project.call("logs", "r1")[:2] == (0, "")


@pytest.mark.parametrize("kind", ["failed", "ticks"])
def test_record_of_a_newer_version_takes_nothing_from_the_other_shards(project: Project, kind: str) -> None:
    project.queue(shards=2, retries=0)
    worker = project.worker().claim()
    worker.failed(0, output=b"zero\n")
    if kind == "failed":
        worker.failed(1, output=b"one\n")
    else:
        worker.start(1)
    worker.tick(running={"1.worker22.1": 1.0}, logs={"1.worker22.1": [0, "one\n"]})
    name = "worker22.failed-1.1.json" if kind == "failed" else "worker22.tick-000001.json"
    (project.mail / "runs/r1" / name).write_bytes(seal({"version": 99}))
    assert project.call("logs", "r1")[:2] == (0, "000 | zero\n")
    assert project.call("status", "r1")[0] == 0


def test_long_log_comes_in_parts_that_end_with_lines(project: Project) -> None:
    project.queue()
    text = "".join(f"{n:09}\n" for n in range(20_000))
    project.worker().claim().done(output=text.encode())
    found = pieces(project, "r1")
    assert "".join(each["text"] for each in found) == text
    assert len(found) == 4 and all(each["text"].endswith("\n") for each in found)
    assert [each["offset"] for each in found] == [0, *(65_530 * n for n in range(1, 4))]


@pytest.mark.parametrize(
    ("texts", "count", "kept"),
    [
        (["a\nb\n", "c\n"], 2, ["b\n", "c\n"]),
        (["a\nb", "c\nd"], 2, ["b", "c\nd"]),
        (["a\n"], 5, ["a\n"]),
        (["\n\n\n"], 2, ["\n\n"]),
        (["a\n"], 0, []),
        ([], 3, []),
    ],
)
def test_last_lines_are_lines_of_the_whole(texts: list[str], count: int, kept: list[str]) -> None:
    offset = 0
    given = []
    for text in texts:
        given.append(Piece(shard=0, attempt="a", offset=offset, text=text))
        offset += len(text)
    found = last_lines(given, count)
    assert [each.text for each in found] == kept
    if found:
        assert found[0].offset == offset - len("".join(kept))
