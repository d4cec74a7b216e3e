"""``hybrid logs --follow``: everything that a run prints, told once, until the run or the reader ends."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.mailbox import Mailbox
from agent.project import Project as Opened
from agent.run_logs import RunLogs
from sync.clock import SystemClock
from sync.mailbox import records
from sync.mailbox.records import Mark, Tick
from tests.support.logs import pieces, while_asleep
from tests.support.projects import BASE, Project
from tests.support.pulls import InMemory

Capture = pytest.CaptureFixture[str]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


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
