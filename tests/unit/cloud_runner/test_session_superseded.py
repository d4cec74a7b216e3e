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
from tests.support.lab import BASE, DIR, RUN, Lab, writes
from tests.support.scripted import ScriptedChild
from tests.support.workers import Worker


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_superseded_worker_ends_its_child_and_publishes_nothing(lab: Lab) -> None:
    lab.queue()
    ended = False
    for wait in lab.worker(writes(polls=10_000)).serve():
        lab.clock.advance(max(wait, 0.001))
        if not ended and lab.view().starts:
            lab.mark(RunFolder.claim("worker99", 5))
            ended = True
        if lease.holder(lab.view()) == "worker99" and lab.view().left:
            lab.told = "enough"
    left = lab.ended("left", Attempt(0, "worker22", 1))
    assert (left.snapshot, left.reason) == ("", "another worker has taken over")


def test_a_superseded_worker_takes_the_run_again_once_the_other_is_silent(lab: Lab) -> None:
    lab.queue()
    superseded = False
    for wait in lab.worker(writes(polls=100)).serve():
        lab.clock.advance(max(wait, 0.001))
        if not superseded and lab.view().starts:
            lab.mark(RunFolder.claim("worker99", 5))
            superseded = True
    seen = lab.view()
    [done] = seen.done
    assert seen.claims[done.worker] == 6
    assert done.worker not in ("worker22", "worker99"), "under a new id"
    assert seen.claims["worker22"] == 1, "its old work stays older than the other's"


def test_a_worker_that_was_overtaken_goes_on_from_the_others_checkpoint_not_its_own(lab: Lab) -> None:
    """It claims a third time for good measure: the new id counts as new only until it is overtaken itself."""
    lab.queue()
    found: list[bytes] = []

    def script(command: Command) -> ScriptedChild:
        kept = Path(command.env["HYBRID_CHECKPOINT"]) / "step"
        found.append(kept.read_bytes() if kept.exists() else b"")
        child = ScriptedChild(command, 10_000, {}, 0, checkpoint={"step": b"own %d" % len(found)})
        if len(found) == 3:
            child.polls = 1
        return child

    def published(worker: str) -> bool:
        return any(s.attempt.worker == worker and s.what == CHECKPOINT for s in lab.view().snapshots)

    others = 0
    for wait in lab.worker(script).serve():
        lab.clock.advance(max(wait, 0.001))
        mine = {attempt.worker for attempt in lab.view().starts if "other" not in attempt.worker}
        if others < 2 and len(mine) == others + 1 and all(published(worker) for worker in mine):
            others += 1
            other = Worker(lab.laptop, BASE, RUN, f"other{others}22")
            other.claim(2 * others)
            other.checkpoint(other.start(), {"step": b"other %d" % others})
    assert found == [b"", b"other 1", b"other 2"]
    assert len(lab.view().done) == 1


def test_a_released_worker_does_not_come_back_under_another_id(lab: Lab) -> None:
    lab.queue()
    superseded = False
    for wait in lab.worker(writes(polls=100)).serve():
        lab.clock.advance(max(wait, 0.001))
        if not superseded and lab.view().starts:
            lab.mark(RunFolder.claim("worker99", 5))
            superseded = True
        if lab.view().left:
            lab.mark(RunFolder.released("worker22"))
    assert set(lab.view().claims) == {"worker22", "worker99"}


def test_time_spent_superseded_does_not_use_up_the_time_limit(lab: Lab) -> None:
    lab.queue(max_hours=0.02)
    other = ticks = 0
    for wait in lab.worker(writes(polls=100)).serve():
        lab.clock.advance(max(wait, 0.001))
        now = lab.clock.monotonic()
        if not other and lab.view().starts:
            other = 1
            lab.mark(RunFolder.claim("worker99", 5))
        if other and now > 10 * ticks and now < 300:
            ticks += 1
            lab.mark(RunFolder.tick("worker99", ticks))
    assert lab.clock.monotonic() > 300 > 0.02 * 3600
    assert {attempt.shard for attempt in lab.view().done} == {0}
    begun = lab.clock.wall() - lab.clock.monotonic()
    assert float(lab.commands[-1].env["HYBRID_DEADLINE"]) > begun + 300 + 0.02 * 3600


@pytest.mark.platform
@pytest.mark.skipif(not host.boot(), reason="this system does not tell processes apart")
def test_a_live_worker_of_this_very_machine_that_is_gone_is_replaced_at_once(lab: Lab) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        gone = Hello(
            worker="worker11",
            host=host.name(),
            boot=host.boot(),
            pid=process.pid,
            born=host.born(process.pid),
        )
        lab.queue()
        lab.laptop.write(f"{BASE}/{DIR.in_folder(RunFolder.hello('worker11'))}", records.encode(gone))
        lab.mark(RunFolder.claim("worker11", 1))
        steps = lab.worker(writes()).serve()
        for _ in range(5):
            lab.clock.advance(next(steps))
        assert not lab.view().starts, "it lives"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        before = lab.clock.monotonic()
        while not lab.view().starts:
            lab.clock.advance(next(steps))
        assert lab.clock.monotonic() - before < lease.LEAST_SILENCE_S / 2
        steps.close()
