"""``hybrid logs``: one log, wherever its parts are, without a gap."""

from pathlib import Path

import pytest

from agent.log_pieces import Piece, last_lines
from sync.mailbox.records import seal
from tests.support.logs import pieces
from tests.support.projects import Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


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
