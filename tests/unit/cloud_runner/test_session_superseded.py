"""A worker that another one takes the place of, and one that takes the place of another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_runner import host
from cloud_runner.child import Command
from sync.mailbox import lease, records
from sync.mailbox.layout import CHECKPOINT, Attempt, RunFolder
from sync.mailbox.records import Hello
from tests.support.bench import BASE, DIR, RUN, Bench, writes
from tests.support.scripted import ScriptedChild
from tests.support.workers import Worker


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_superseded_worker_ends_its_child_and_publishes_nothing(bench: Bench) -> None:
    bench.queue()
    ended = False
    for wait in bench.worker(writes(polls=10_000)).serve():
        bench.clock.advance(max(wait, 0.001))
        if not ended and bench.view().starts:
            bench.mark(RunFolder.claim("worker99", 5))
            ended = True
        if lease.holder(bench.view()) == "worker99" and bench.view().left:
            bench.told = "enough"
    left = bench.ended("left", Attempt(0, "worker22", 1))
    assert (left.snapshot, left.reason) == ("", "another worker has taken over")


def test_a_superseded_worker_takes_the_run_again_once_the_other_is_silent(bench: Bench) -> None:
    bench.queue()
    superseded = False
    for wait in bench.worker(writes(polls=100)).serve():
        bench.clock.advance(max(wait, 0.001))
        if not superseded and bench.view().starts:
            bench.mark(RunFolder.claim("worker99", 5))
            superseded = True
    seen = bench.view()
    [done] = seen.done
    assert seen.claims[done.worker] == 6
    assert done.worker not in ("worker22", "worker99"), "under a new id"
    assert seen.claims["worker22"] == 1, "its old work stays older than the other's"


def test_a_worker_that_was_overtaken_goes_on_from_the_others_checkpoint_not_its_own(bench: Bench) -> None:
    """It claims a third time for good measure: the new id counts as new only until it is overtaken itself."""
    bench.queue()
    found: list[bytes] = []

    def script(command: Command) -> ScriptedChild:
        kept = Path(command.env["HYBRID_CHECKPOINT"]) / "step"
        found.append(kept.read_bytes() if kept.exists() else b"")
        child = ScriptedChild(command, 10_000, {}, 0, checkpoint={"step": b"own %d" % len(found)})
        if len(found) == 3:
            child.polls = 1
        return child

    def published(worker: str) -> bool:
        return any(s.attempt.worker == worker and s.what == CHECKPOINT for s in bench.view().snapshots)

    others = 0
    for wait in bench.worker(script).serve():
        bench.clock.advance(max(wait, 0.001))
        mine = {attempt.worker for attempt in bench.view().starts if "other" not in attempt.worker}
        if others < 2 and len(mine) == others + 1 and all(published(worker) for worker in mine):
            others += 1
            other = Worker(bench.laptop, BASE, RUN, f"other{others}22")
            other.claim(2 * others)
            other.checkpoint(other.start(), {"step": b"other %d" % others})
    assert found == [b"", b"other 1", b"other 2"]
    assert len(bench.view().done) == 1


def test_a_released_worker_does_not_come_back_under_another_id(bench: Bench) -> None:
    bench.queue()
    superseded = False
    for wait in bench.worker(writes(polls=100)).serve():
        bench.clock.advance(max(wait, 0.001))
        if not superseded and bench.view().starts:
            bench.mark(RunFolder.claim("worker99", 5))
            superseded = True
        if bench.view().left:
            bench.mark(RunFolder.released("worker22"))
    assert set(bench.view().claims) == {"worker22", "worker99"}


def test_time_spent_superseded_does_not_use_up_the_time_limit(bench: Bench) -> None:
    bench.queue(max_hours=0.02)
    other = ticks = 0
    for wait in bench.worker(writes(polls=100)).serve():
        bench.clock.advance(max(wait, 0.001))
        now = bench.clock.monotonic()
        if not other and bench.view().starts:
            other = 1
            bench.mark(RunFolder.claim("worker99", 5))
        if other and now > 10 * ticks and now < 300:
            ticks += 1
            bench.mark(RunFolder.tick("worker99", ticks))
    assert bench.clock.monotonic() > 300 > 0.02 * 3600
    assert {attempt.shard for attempt in bench.view().done} == {0}
    begun = bench.clock.wall() - bench.clock.monotonic()
    assert float(bench.commands[-1].env["HYBRID_DEADLINE"]) > begun + 300 + 0.02 * 3600


@pytest.mark.platform
@pytest.mark.skipif(not host.boot(), reason="this system does not tell processes apart")
def test_a_live_worker_of_this_very_machine_that_is_gone_is_replaced_at_once(bench: Bench) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        gone = Hello(
            worker="worker11",
            host=host.name(),
            boot=host.boot(),
            pid=process.pid,
            born=host.born(process.pid),
        )
        bench.queue()
        bench.laptop.write(f"{BASE}/{DIR.in_folder(RunFolder.hello('worker11'))}", records.encode(gone))
        bench.mark(RunFolder.claim("worker11", 1))
        steps = bench.worker(writes()).serve()
        for _ in range(5):
            bench.clock.advance(next(steps))
        assert not bench.view().starts, "it lives"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        before = bench.clock.monotonic()
        while not bench.view().starts:
            bench.clock.advance(next(steps))
        assert bench.clock.monotonic() - before < lease.LEAST_SILENCE_S / 2
        steps.close()
