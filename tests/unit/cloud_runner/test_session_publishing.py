"""What a worker writes into the mailbox and believes of it: ticks, checkpoints, outputs; and how it sits outages out."""

import random
from pathlib import Path

import pytest

from cloud_runner.child import Command
from cloud_runner.outage import LONGEST_S, Outage
from cloud_runner.serve import Runner
from sync.errors import NotFound, QuotaExceeded, Unreachable
from sync.mailbox import lease, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Tick
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote
from tests.support.lab import BASE, DIR, RUN, Lab, writes
from tests.support.scripted import ScriptedChild
from tests.support.workers import Worker


def remote_of(runner: Runner) -> MemoryRemote:
    remote = runner._place.remote
    assert isinstance(remote, MemoryRemote)
    return remote


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_ticks_carry_the_beat_and_new_log_bytes(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        child = writes(polls=100)(command)
        command.log.write_bytes("begun \u00fc".encode()[:-1])
        return child

    lab.queue()
    lab.run(lab.worker(script))
    numbers = lab.view().ticks["worker22"]
    assert len(numbers) >= 4
    ticks = [
        records.read(Tick, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.tick('worker22', n))}")
        for n in numbers
    ]
    assert [log for tick in ticks for log in tick.logs.values()] == [[0, "begun "]], "half a letter waits"
    assert max(tick.running.get("0.worker22.1", 0.0) for tick in ticks) > 10


def test_log_text_of_a_tick_that_failed_comes_with_the_next(lab: Lab) -> None:
    plan = FaultPlan()
    for n in range(2, 5):
        plan.fail("write", Unreachable("the network is away"), path=".tick-", nth=n)
    lab.queue()
    lab.run(lab.worker(writes(polls=200), plan=plan))
    plan.verify_all_fired()
    ticks = [
        records.read(Tick, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.tick('worker22', n))}")
        for n in lab.view().ticks["worker22"]
    ]
    assert [log for tick in ticks for log in tick.logs.values()] == [[0, "begun\n"]]


def test_a_worker_told_to_end_publishes_the_checkpoint_and_the_next_goes_on_from_it(lab: Lab) -> None:
    def first(command: Command) -> ScriptedChild:
        return ScriptedChild(command, 10_000, {}, 0, checkpoint={"step": b"17"})

    lab.queue()
    runner = lab.worker(first)
    for wait in runner.serve():
        lab.clock.advance(max(wait, 0.001))
        if len(lab.view().ticks.get("worker22", [])) == 2:
            lab.told = "told to end"
    lab.told = ""
    assert lab.view().left == {Attempt(0, "worker22", 1)}
    assert lease.holder(lab.view()) is None
    found: list[bytes] = []

    def second(command: Command) -> ScriptedChild:
        found.append((Path(command.env["HYBRID_CHECKPOINT"]) / "step").read_bytes())
        return writes()(command)

    lab.run(lab.worker(second, "worker33"))
    assert found == [b"17"]
    assert lab.view().done == {Attempt(0, "worker33", 1)}


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(lab: Lab) -> None:
    steps: list[int] = []

    def growing(command: Command) -> ScriptedChild:
        child = ScriptedChild(command, 10_000, {}, 0, checkpoint={"step": b"0"})
        plain = child.poll

        def poll() -> int | None:
            steps.append(1)
            child.checkpoint = {"step": b"%d" % (len(steps) // 150)}
            return plain()

        child.poll = poll  # type: ignore[method-assign]
        return child

    lab.queue()
    lab.step_until(
        lab.worker(growing),
        lambda: len({s.seq for s in lab.view().snapshots if s.what == "ckpt" and s.seq > 2}) == 2,
    )
    older, newest = sorted((s for s in lab.view().snapshots if s.what == "ckpt"), key=lambda s: s.seq)
    before = lab.content(DIR.in_folder(older.name))[b"step"]
    assert before != lab.content(DIR.in_folder(newest.name))[b"step"]
    lab.laptop.delete(f"{BASE}/{DIR.in_folder(newest.name)}")
    lab.clock.advance(60)
    found: list[bytes] = []

    def second(command: Command) -> ScriptedChild:
        found.append((Path(command.env["HYBRID_CHECKPOINT"]) / "step").read_bytes())
        return writes()(command)

    lab.run(lab.worker(second, "worker33"))
    assert found == [before]


def test_a_checkpoint_that_this_disk_cannot_hold_is_passed_over_for_the_one_before(lab: Lab) -> None:
    lab.queue()
    other = Worker(lab.laptop, BASE, RUN, "worker99").claim()
    attempt = other.start()
    other.checkpoint(attempt, {"step": b"1"})
    other.checkpoint(attempt, {"step": b"2", "y" * 300: b"z"})
    other.yields()
    found: list[dict[str, bytes]] = []

    def script(command: Command) -> ScriptedChild:
        folder = Path(command.env["HYBRID_CHECKPOINT"])
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
        return writes()(command)

    lab.run(lab.worker(script))
    assert found == [{"step": b"1"}]


def test_outputs_of_a_running_attempt_are_published_while_it_runs(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        child = writes(polls=10_000)(command)
        (Path(command.env["HYBRID_OUTPUT"]) / "early.txt").write_bytes(b"early\n")
        return child

    lab.queue()
    lab.step_until(lab.worker(script), lambda: bool(lab.view().snapshots))
    [partial] = lab.view().snapshots
    assert lab.content(DIR.in_folder(partial.name))[b"early.txt"] == b"early\n"


def test_a_short_outage_of_the_mailbox_costs_no_work(lab: Lab) -> None:
    plan = FaultPlan()
    for n in range(1, 6):
        plan.fail("write", Unreachable("the network is away"), path=".tick-", nth=n)
    plan.fail("write", QuotaExceeded("the mailbox is full"), path=".done-")
    plan.fail("write", Unreachable("the network is away"), path=".start-")
    plan.fail("list_files", Unreachable("the network is away"), nth=9)
    lab.queue()
    lab.run(lab.worker(writes(polls=200), plan=plan))
    plan.verify_all_fired()
    assert lab.view().done and len(lab.commands) == 1


def test_an_idle_worker_sits_an_outage_out(lab: Lab) -> None:
    plan = FaultPlan().fail("list_folders", Unreachable("the network is away"))
    lab.queue()
    lab.run(lab.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert lab.view().done


def test_an_outage_without_end_ends_the_work(lab: Lab) -> None:
    said: list[str] = []
    outage = Outage(lab.clock, said.append)
    outage.endure(Unreachable("the network is away"))
    lab.clock.advance(LONGEST_S - 1)
    outage.endure(Unreachable("the network is away"))
    outage.over()
    outage.endure(Unreachable("the network is away again"))
    lab.clock.advance(LONGEST_S + 1)
    with pytest.raises(Unreachable):
        outage.endure(Unreachable("the network is away again"))
    assert len(said) == 2, "it is said once each time"


def test_a_done_attempt_without_its_packs_is_done_again(lab: Lab) -> None:
    lab.queue(shards=2)
    big = random.Random(1).randbytes(200_000)
    lab.run(lab.worker(writes(big)))
    lost = lab.ended("done", Attempt(1, "worker22", 1)).snapshot
    lab.laptop.delete(f"{BASE}/{lost}")
    lab.run(lab.worker(writes(b"again"), "worker33"))
    seen = lab.view()
    assert seen.done == {
        Attempt(0, "worker22", 1),
        Attempt(1, "worker22", 1),
        Attempt(1, "worker33", 1),
    }


def test_a_done_attempt_whose_packs_are_only_late_is_not_done_again(lab: Lab) -> None:
    lab.queue()
    lab.run(lab.worker(writes()))
    plan = FaultPlan().fail("read", NotFound("not yet"), path=".out-")
    lab.run(lab.worker(writes(), "worker33", plan=plan))
    plan.verify_all_fired()
    assert lab.view().done == {Attempt(0, "worker22", 1)}


def test_a_done_record_of_a_newer_version_is_void_and_does_not_break_the_run(lab: Lab) -> None:
    lab.queue()
    newer = Attempt(0, "worker99", 1)
    name = RunFolder.attempt("done", newer)
    lab.laptop.write(f"{BASE}/{DIR.in_folder(name)}", records.seal({"version": 2}))
    lab.run(lab.worker(writes()))
    assert lab.view().done == {newer, Attempt(0, "worker22", 1)}
    assert not lab.view().broken


def test_a_done_record_that_names_anothers_outputs_is_void(lab: Lab) -> None:
    """The laptop accepts no such attempt, so the shard has to be done."""
    lab.queue(shards=2)
    lab.run(lab.worker(writes()))
    of_another = lab.ended("done", Attempt(1, "worker22", 1))
    name = DIR.in_folder(RunFolder.attempt("done", Attempt(0, "worker22", 1)))
    lab.laptop.delete(f"{BASE}/{name}")
    lab.laptop.write(f"{BASE}/{name}", records.encode(of_another))
    lab.run(lab.worker(writes(), "worker33"))
    assert Attempt(0, "worker33", 1) in lab.view().done


def test_what_others_did_is_checked_only_while_there_is_nothing_to_begin(lab: Lab) -> None:
    lab.queue(shards=2)
    lab.step_until(lab.worker(writes()), lambda: bool(lab.view().done))
    lab.clock.advance(60)
    runner = lab.worker(writes(polls=30), "worker33")
    lab.step_until(runner, lambda: any(a.worker == "worker33" for a in lab.view().starts))
    assert not [path for method, path in remote_of(runner).calls if method == "read" and ".out-" in path]
    lab.clock.advance(60)
    lab.run(lab.worker(writes(), "worker44"))
    assert {attempt.shard for attempt in lab.view().done} == {0, 1}
