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
from tests.support.bench import BASE, DIR, RUN, Bench, writes
from tests.support.scripted import ScriptedChild
from tests.support.workers import Worker


def remote_of(runner: Runner) -> MemoryRemote:
    remote = runner._place.remote
    assert isinstance(remote, MemoryRemote)
    return remote


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_ticks_carry_the_beat_and_new_log_bytes(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        child = writes(polls=100)(command)
        command.log.write_bytes("begun \u00fc".encode()[:-1])
        return child

    bench.queue()
    bench.run(bench.worker(script))
    numbers = bench.view().ticks["worker22"]
    assert len(numbers) >= 4
    ticks = [
        records.read(Tick, bench.laptop, f"{BASE}/{DIR.in_folder(RunFolder.tick('worker22', n))}")
        for n in numbers
    ]
    assert [log for tick in ticks for log in tick.logs.values()] == [[0, "begun "]], "half a letter waits"
    assert max(tick.running.get("0.worker22.1", 0.0) for tick in ticks) > 10


def test_log_text_of_a_tick_that_failed_comes_with_the_next(bench: Bench) -> None:
    plan = FaultPlan()
    for n in range(2, 5):
        plan.fail("write", Unreachable("the network is away"), path=".tick-", nth=n)
    bench.queue()
    bench.run(bench.worker(writes(polls=200), plan=plan))
    plan.verify_all_fired()
    ticks = [
        records.read(Tick, bench.laptop, f"{BASE}/{DIR.in_folder(RunFolder.tick('worker22', n))}")
        for n in bench.view().ticks["worker22"]
    ]
    assert [log for tick in ticks for log in tick.logs.values()] == [[0, "begun\n"]]


def test_a_worker_told_to_end_publishes_the_checkpoint_and_the_next_goes_on_from_it(bench: Bench) -> None:
    def first(command: Command) -> ScriptedChild:
        return ScriptedChild(command, 10_000, {}, 0, checkpoint={"step": b"17"})

    bench.queue()
    runner = bench.worker(first)
    for wait in runner.serve():
        bench.clock.advance(max(wait, 0.001))
        if len(bench.view().ticks.get("worker22", [])) == 2:
            bench.told = "told to end"
    bench.told = ""
    assert bench.view().left == {Attempt(0, "worker22", 1)}
    assert lease.holder(bench.view()) is None
    found: list[bytes] = []

    def second(command: Command) -> ScriptedChild:
        found.append((Path(command.env["HYBRID_CHECKPOINT"]) / "step").read_bytes())
        return writes()(command)

    bench.run(bench.worker(second, "worker33"))
    assert found == [b"17"]
    assert bench.view().done == {Attempt(0, "worker33", 1)}


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(bench: Bench) -> None:
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

    bench.queue()
    bench.step_until(
        bench.worker(growing),
        lambda: len({s.seq for s in bench.view().snapshots if s.what == "ckpt" and s.seq > 2}) == 2,
    )
    older, newest = sorted((s for s in bench.view().snapshots if s.what == "ckpt"), key=lambda s: s.seq)
    before = bench.content(DIR.in_folder(older.name))[b"step"]
    assert before != bench.content(DIR.in_folder(newest.name))[b"step"]
    bench.laptop.delete(f"{BASE}/{DIR.in_folder(newest.name)}")
    bench.clock.advance(60)
    found: list[bytes] = []

    def second(command: Command) -> ScriptedChild:
        found.append((Path(command.env["HYBRID_CHECKPOINT"]) / "step").read_bytes())
        return writes()(command)

    bench.run(bench.worker(second, "worker33"))
    assert found == [before]


def test_a_checkpoint_that_this_disk_cannot_hold_is_passed_over_for_the_one_before(bench: Bench) -> None:
    bench.queue()
    other = Worker(bench.laptop, BASE, RUN, "worker99").claim()
    attempt = other.start()
    other.checkpoint(attempt, {"step": b"1"})
    other.checkpoint(attempt, {"step": b"2", "y" * 300: b"z"})
    other.yields()
    found: list[dict[str, bytes]] = []

    def script(command: Command) -> ScriptedChild:
        folder = Path(command.env["HYBRID_CHECKPOINT"])
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
        return writes()(command)

    bench.run(bench.worker(script))
    assert found == [{"step": b"1"}]


def test_outputs_of_a_running_attempt_are_published_while_it_runs(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        child = writes(polls=10_000)(command)
        (Path(command.env["HYBRID_OUTPUT"]) / "early.txt").write_bytes(b"early\n")
        return child

    bench.queue()
    bench.step_until(bench.worker(script), lambda: bool(bench.view().snapshots))
    [partial] = bench.view().snapshots
    assert bench.content(DIR.in_folder(partial.name))[b"early.txt"] == b"early\n"


def test_a_short_outage_of_the_mailbox_costs_no_work(bench: Bench) -> None:
    plan = FaultPlan()
    for n in range(1, 6):
        plan.fail("write", Unreachable("the network is away"), path=".tick-", nth=n)
    plan.fail("write", QuotaExceeded("the mailbox is full"), path=".done-")
    plan.fail("write", Unreachable("the network is away"), path=".start-")
    plan.fail("list_files", Unreachable("the network is away"), nth=9)
    bench.queue()
    bench.run(bench.worker(writes(polls=200), plan=plan))
    plan.verify_all_fired()
    assert bench.view().done and len(bench.commands) == 1


def test_an_idle_worker_sits_an_outage_out(bench: Bench) -> None:
    plan = FaultPlan().fail("list_folders", Unreachable("the network is away"))
    bench.queue()
    bench.run(bench.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert bench.view().done


def test_an_outage_without_end_ends_the_work(bench: Bench) -> None:
    said: list[str] = []
    outage = Outage(bench.clock, said.append)
    outage.endure(Unreachable("the network is away"))
    bench.clock.advance(LONGEST_S - 1)
    outage.endure(Unreachable("the network is away"))
    outage.over()
    outage.endure(Unreachable("the network is away again"))
    bench.clock.advance(LONGEST_S + 1)
    with pytest.raises(Unreachable):
        outage.endure(Unreachable("the network is away again"))
    assert len(said) == 2, "it is said once each time"


def test_a_done_attempt_without_its_packs_is_done_again(bench: Bench) -> None:
    bench.queue(shards=2)
    big = random.Random(1).randbytes(200_000)
    bench.run(bench.worker(writes(big)))
    lost = bench.ended("done", Attempt(1, "worker22", 1)).snapshot
    bench.laptop.delete(f"{BASE}/{lost}")
    bench.run(bench.worker(writes(b"again"), "worker33"))
    seen = bench.view()
    assert seen.done == {
        Attempt(0, "worker22", 1),
        Attempt(1, "worker22", 1),
        Attempt(1, "worker33", 1),
    }


def test_a_done_attempt_whose_packs_are_only_late_is_not_done_again(bench: Bench) -> None:
    bench.queue()
    bench.run(bench.worker(writes()))
    plan = FaultPlan().fail("read", NotFound("not yet"), path=".out-")
    bench.run(bench.worker(writes(), "worker33", plan=plan))
    plan.verify_all_fired()
    assert bench.view().done == {Attempt(0, "worker22", 1)}


def test_a_done_record_of_a_newer_version_is_void_and_does_not_break_the_run(bench: Bench) -> None:
    bench.queue()
    newer = Attempt(0, "worker99", 1)
    name = RunFolder.attempt("done", newer)
    bench.laptop.write(f"{BASE}/{DIR.in_folder(name)}", records.seal({"version": 2}))
    bench.run(bench.worker(writes()))
    assert bench.view().done == {newer, Attempt(0, "worker22", 1)}
    assert not bench.view().broken


def test_a_done_record_that_names_anothers_outputs_is_void(bench: Bench) -> None:
    """The laptop accepts no such attempt, so the shard has to be done."""
    bench.queue(shards=2)
    bench.run(bench.worker(writes()))
    of_another = bench.ended("done", Attempt(1, "worker22", 1))
    name = DIR.in_folder(RunFolder.attempt("done", Attempt(0, "worker22", 1)))
    bench.laptop.delete(f"{BASE}/{name}")
    bench.laptop.write(f"{BASE}/{name}", records.encode(of_another))
    bench.run(bench.worker(writes(), "worker33"))
    assert Attempt(0, "worker33", 1) in bench.view().done


def test_what_others_did_is_checked_only_while_there_is_nothing_to_begin(bench: Bench) -> None:
    bench.queue(shards=2)
    bench.step_until(bench.worker(writes()), lambda: bool(bench.view().done))
    bench.clock.advance(60)
    runner = bench.worker(writes(polls=30), "worker33")
    bench.step_until(runner, lambda: any(a.worker == "worker33" for a in bench.view().starts))
    assert not [path for method, path in remote_of(runner).calls if method == "read" and ".out-" in path]
    bench.clock.advance(60)
    bench.run(bench.worker(writes(), "worker44"))
    assert {attempt.shard for attempt in bench.view().done} == {0, 1}
