"""One worker with scripted children on a mailbox in memory: what it starts, publishes, writes and leaves alone."""

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_runner import host
from cloud_runner.child import Command
from cloud_runner.device import Device
from cloud_runner.outage import LONGEST_S, Outage
from cloud_runner.serve import Runner
from sync.clock import ManualClock
from sync.errors import NotFound, QuotaExceeded, Unauthorised, Unreachable
from sync.mailbox import lease, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended, Hello, Mark, Tick
from sync.mailbox.state import Phase, phase, shards
from sync.mailbox.view import RunView, look
from sync.remotes.base import Capabilities
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store import codec
from sync.store.reader import Reader
from tests.support import mailboxes, scripted
from tests.support.scripted import Script, ScriptedChild

BASE = "lab"
RUN = "r-1"
DIR = RunFolder(RUN)


class Bench:
    """A mailbox in memory, a clock, and workers that are made on it."""

    def __init__(self, folder: Path, capabilities: Capabilities | None = None) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.laptop = MemoryRemote(MemoryStore(capabilities=capabilities))
        self.said: list[str] = []
        self.told = ""
        self.commands: list[Command] = []
        mailboxes.make_mailbox(self.laptop, BASE)
        self.tree = mailboxes.publish_tree(
            self.laptop, BASE, {"main.py": b"print()\n", "in.jsonl": b'{"n": 0}\n\n{"n": 1}\n{"n": 2}\n'}
        )

    def queue(self, **fields: object) -> None:
        values: dict[str, object] = {"command": ["python", "main.py"], **fields}
        mailboxes.queue_run(self.laptop, BASE, RUN, self.tree.name, **values)

    def worker(
        self,
        script: Script,
        name: str = "worker22",
        *,
        plan: FaultPlan | None = None,
        devices: list[Device] | None = None,
    ) -> Runner:
        def start(command: Command) -> ScriptedChild:
            self.commands.append(command)
            return script(command)

        remote = MemoryRemote(self.laptop.store, plan=plan)
        place = scripted.place(
            remote,
            self.clock,
            self.folder / name,
            start,
            say=self.said.append,
            ending=lambda: self.told,
            devices=devices,
        )
        return scripted.runner(place, scripted.hello(name))

    def run(self, runner: Runner) -> None:
        scripted.work_to_the_end(runner, self.clock)

    def step_until(self, runner: Runner, reached: Callable[[], bool]) -> None:
        """Then the worker is dropped, as a killed process would be."""
        steps = runner.serve()
        for wait in steps:
            self.clock.advance(max(wait, 0.001))
            if reached():
                steps.close()
                return
        raise AssertionError("the worker ended before that")

    def view(self) -> RunView:
        return look(self.laptop, BASE, DIR)

    def ended(self, kind: str, attempt: Attempt) -> Ended:
        name = DIR.in_folder(RunFolder.attempt(kind, attempt))
        return records.read(Ended, self.laptop, f"{BASE}/{name}")

    def content(self, snapshot: str) -> dict[bytes, bytes]:
        reader = Reader(self.laptop, BASE)
        files = {}
        for entry in reader.entries(reader.root(snapshot)):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            files[entry.path] = b"".join(pieces[chunk.sha256] for chunk in entry.chunks)
        return files

    def mark(self, name: str) -> None:
        self.laptop.write(f"{BASE}/{DIR.in_folder(name)}", records.encode(Mark(reason="so told")))


def remote_of(runner: Runner) -> MemoryRemote:
    remote = runner._place.remote
    assert isinstance(remote, MemoryRemote)
    return remote


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def writes(content: bytes = b"42\n", *, polls: int = 3, code: int = 0) -> Script:
    def script(command: Command) -> ScriptedChild:
        shard = command.env["HYBRID_SHARD"].encode()
        return ScriptedChild(command, polls, {"answer.txt": shard + b" " + content}, code)

    return script


def test_every_shard_is_done_once_with_what_its_child_wrote(bench: Bench) -> None:
    bench.queue(shards=3)
    bench.run(bench.worker(writes()))
    seen = bench.view()
    assert sorted(seen.done) == sorted(seen.starts) == [Attempt(n, "worker22", 1) for n in range(3)]
    for attempt in seen.done:
        files = bench.content(bench.ended("done", attempt).snapshot)
        assert files == {b"answer.txt": b"%d 42\n" % attempt.shard, b"hybrid.log": b"begun\n"}
    assert lease.holder(seen) is None, "the lease is given up at the end"
    assert phase(seen, shards(seen, 3, 1)) is Phase.DONE


def test_inputs_are_dealt_out_line_by_line(bench: Bench) -> None:
    given: list[bytes] = []

    def script(command: Command) -> ScriptedChild:
        given.append(Path(command.env["HYBRID_SHARD_INPUT"]).read_bytes())
        return writes()(command)

    bench.queue(shards=2, inputs={"kind": "lines", "path": "in.jsonl", "chunk": 2, "count": 3})
    bench.run(bench.worker(script))
    assert given == [b'{"n": 0}\n{"n": 1}\n', b'{"n": 2}\n']


def test_a_failing_shard_is_exhausted_after_its_retries_and_the_others_go_on(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        return writes(code=1 if command.env["HYBRID_SHARD"] == "1" else 0)(command)

    bench.queue(shards=3, retries=2)
    bench.run(bench.worker(script))
    seen = bench.view()
    assert sorted(seen.failed) == [Attempt(1, "worker22", n) for n in (1, 2, 3)]
    assert {attempt.shard for attempt in seen.done} == {0, 2}
    failure = bench.ended("failed", Attempt(1, "worker22", 1))
    assert (failure.exit, failure.reason, failure.log) == (1, "exit code 1", "begun\n")
    assert bench.content(failure.snapshot)[b"answer.txt"] == b"1 42\n", "what it made is there to look at"


def test_a_command_that_cannot_start_fails_as_often_as_any_other(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        raise FileNotFoundError("no such program")

    bench.queue(retries=1)
    bench.run(bench.worker(script))
    assert sorted(bench.view().failed) == [Attempt(0, "worker22", n) for n in (1, 2)]
    assert bench.ended("failed", Attempt(0, "worker22", 1)).exit == 127


@pytest.mark.parametrize(
    "inputs",
    [
        {"kind": "lines", "path": "in.jsonl", "chunk": 9, "count": 9},
        {"kind": "lines", "path": "absent", "chunk": 2, "count": 3},
        {"kind": "files", "path": "*.png", "chunk": 1, "count": 1},
        {"kind": "lines", "path": "in.jsonl", "chunk": "2", "count": 3},
        {"kind": "tea", "path": "in.jsonl", "chunk": 2, "count": 3},
    ],
)
def test_inputs_that_cannot_be_dealt_out_fail_the_attempt(bench: Bench, inputs: dict[str, object]) -> None:
    bench.queue(inputs=inputs, retries=0)
    bench.run(bench.worker(writes()))
    assert bench.view().failed == {Attempt(0, "worker22", 1)}
    assert bench.ended("failed", Attempt(0, "worker22", 1)).reason.startswith("cannot start: ")


def test_attempts_run_side_by_side_each_with_a_gpu_of_its_own(bench: Bench) -> None:
    devices = [Device(handle=str(n), uuid=f"GPU-{n}", name="T4", total_gb=16, free_gb=15) for n in range(2)]
    bench.queue(shards=4, gpu="T4")
    bench.run(bench.worker(writes(polls=10), devices=devices))
    assert [command.env["CUDA_VISIBLE_DEVICES"] for command in bench.commands] == ["0", "1", "0", "1"]
    assert {command.env["HYBRID_GPU"] for command in bench.commands} == {"T4"}


def test_a_run_that_needs_a_gpu_is_broken_at_once_where_there_is_none(bench: Bench) -> None:
    bench.queue(gpu="T4")
    bench.run(bench.worker(writes()))
    seen = bench.view()
    assert not seen.starts
    assert phase(seen, shards(seen, 1, 1)) is Phase.SETUP_FAILED
    broken = records.read(Ended, bench.laptop, f"{BASE}/{DIR.in_folder(RunFolder.broken('worker22', 1))}")
    assert broken.reason == "the run needs a GPU (T4) and this machine shows none"
    assert not (bench.folder / "worker22" / BASE / "space" / "tree").exists(), "nothing was fetched for it"


def test_set_up_runs_once_for_its_content_and_a_failing_one_breaks_the_run(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        return ScriptedChild(command, 2, {}, 1 if command.shell == "false" else 0)

    bench.queue(shards=2, setup="pip install -r main.py")
    mailboxes.queue_run(
        bench.laptop, BASE, "r-2", bench.tree.name, command=["x"], setup="pip install -r main.py"
    )
    mailboxes.queue_run(bench.laptop, BASE, "r-3", bench.tree.name, command=["x"], setup="false")
    bench.run(bench.worker(script))
    assert [c.shell for c in bench.commands if c.shell] == ["pip install -r main.py", "false"]
    name = RunFolder("r-3").in_folder(RunFolder.broken("worker22", 1))
    broken = records.read(Ended, bench.laptop, f"{BASE}/{name}")
    assert (broken.exit, broken.reason) == (1, "the set-up ended with exit code 1")


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


def test_a_stopped_run_ends_its_children_and_starts_nothing_more(bench: Bench) -> None:
    bench.queue(shards=3)
    steps = bench.worker(writes(polls=10_000)).serve()
    stopped = False
    for wait in steps:
        bench.clock.advance(max(wait, 0.001))
        if not stopped and bench.view().starts:
            bench.mark(RunFolder.stop("laptop22"))
            stopped = True
    seen = bench.view()
    assert seen.left == seen.starts == {Attempt(0, "worker22", 1)}
    assert bench.ended("left", Attempt(0, "worker22", 1)).reason == "stopped by the laptop"
    assert phase(seen, shards(seen, 3, 1)) is Phase.STOPPED


def test_a_child_that_does_not_listen_is_ended_after_the_grace_and_its_attempt_is_left(bench: Bench) -> None:
    """The ticks go on meanwhile, and nothing that they bring interrupts the leaving."""
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        child = writes(polls=10_000)(command)
        child.terminate = lambda: None  # type: ignore[method-assign]
        children.append(child)
        return child

    bench.queue()
    stopped_at = 0.0
    for wait in bench.worker(script).serve():
        bench.clock.advance(max(wait, 0.001))
        if not stopped_at and bench.view().starts:
            stopped_at = bench.clock.monotonic()
            bench.mark(RunFolder.stop("laptop22"))
        if children and not children[0].signal:
            assert not stopped_at or bench.clock.monotonic() < stopped_at + 5 + 15 + 1
    assert children[0].ended == -9
    assert bench.view().left == {Attempt(0, "worker22", 1)}
    assert len(bench.view().ticks["worker22"]) == 4, "at 0, and each 5 seconds of the grace"


def test_a_stop_seen_just_before_a_shard_begins_is_obeyed(bench: Bench) -> None:
    """The listing before a start shows the stop earlier than the next tick would."""
    bench.queue(shards=2)

    def script(command: Command) -> ScriptedChild:
        bench.mark(RunFolder.stop("laptop22"))
        return writes(polls=1)(command)

    bench.run(bench.worker(script))
    assert bench.view().starts == {Attempt(0, "worker22", 1)}
    assert bench.view().done == {Attempt(0, "worker22", 1)}, "what had ended by itself keeps its verdict"


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


def test_a_run_that_is_removed_ends_its_children_and_the_worker_goes_on_serving(bench: Bench) -> None:
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        children.append(writes(polls=10_000)(command))
        return children[-1]

    bench.queue()
    removed = False
    for wait in bench.worker(script).serve():
        bench.clock.advance(max(wait, 0.001))
        if not removed and children:
            bench.laptop.delete_folder(f"{BASE}/{DIR.path}")
            removed = True
    assert children[0].signal
    assert any("the run was removed" in line for line in bench.said)


def test_a_run_that_is_removed_while_it_is_being_taken_is_passed_over(bench: Bench) -> None:
    bench.queue()
    plan = FaultPlan().fail("write", NotFound("there is no such folder"), path=".claim-")
    bench.run(bench.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert bench.view().done, "it was there after all"


def test_a_worker_told_to_end_does_not_wait_until_its_claim_has_settled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Capabilities(settle_s=300.0))
    bench.queue()
    for wait in bench.worker(writes()).serve():
        bench.clock.advance(min(wait, 1.0))
        bench.told = "told to end"
    assert bench.clock.monotonic() < 10
    assert bench.view().claims and lease.holder(bench.view()) is None and not bench.view().starts


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


def test_a_worker_that_dies_of_an_error_takes_its_children_along(bench: Bench) -> None:
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        children.append(writes(polls=10_000)(command))
        return children[-1]

    plan = FaultPlan().fail("write", Unauthorised("the key was withdrawn"), path=".tick-", nth=3)
    bench.queue(parallel=2, shards=2)
    with pytest.raises(Unauthorised):
        bench.run(bench.worker(script, plan=plan))
    assert [child.signal for child in children] == [9, 9]


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
    assert seen.claims["worker22"] == 6
    assert seen.done == {Attempt(0, "worker22", 2)}


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


def test_a_shard_that_kills_its_workers_is_not_offered_for_ever(bench: Bench) -> None:
    def deadly(command: Command) -> ScriptedChild:
        if command.env["HYBRID_SHARD"] == "0":
            raise KeyboardInterrupt  # stands for the death of the process
        return writes()(command)

    bench.queue(shards=2)
    deaths = 0
    for n in range(9):
        try:
            bench.run(bench.worker(deadly, f"worker{n:02}"))
            break
        except KeyboardInterrupt:
            deaths += 1
            bench.clock.advance(60)
    assert deaths == 5
    assert {attempt.shard for attempt in bench.view().done} == {1}


def test_a_time_limit_leaves_and_this_worker_does_not_take_the_run_again(bench: Bench) -> None:
    bench.queue(max_hours=0.01)
    bench.run(bench.worker(writes(polls=10_000)))
    seen = bench.view()
    assert seen.left == {Attempt(0, "worker22", 1)}
    assert "HYBRID_DEADLINE" in bench.commands[0].env
    assert len(bench.commands) == 1


def test_a_machine_without_the_codec_says_what_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tree = mailboxes.publish_tree(bench.laptop, BASE, {"plates.csv": b"well," * 9999}, seq=2)
    bench.queue()
    monkeypatch.setattr(codec, "zstd", lambda: None)
    bench.run(bench.worker(writes()))
    name = DIR.in_folder(RunFolder.broken("worker22", 1))
    reason = records.read(Ended, bench.laptop, f"{BASE}/{name}").reason
    assert "no zstd codec" in reason and "backports.zstd" in reason
    assert lease.holder(bench.view()) is None


def test_a_full_disk_breaks_the_run_here_and_leaves_it_to_others(bench: Bench) -> None:
    def script(command: Command) -> ScriptedChild:
        raise OSError(errno.ENOSPC, "No space left on device")

    bench.queue(setup="make")
    bench.run(bench.worker(script))
    assert bench.view().broken == {"worker22": 1}
    assert lease.holder(bench.view()) is None
    bench.run(bench.worker(writes(), "worker33"))
    assert bench.view().done == {Attempt(0, "worker33", 1)}


def test_a_snapshot_that_becomes_visible_late_is_waited_for(bench: Bench) -> None:
    plan = FaultPlan().fail("read", NotFound("not yet"), path="/snapshots/")
    bench.queue()
    bench.run(bench.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert bench.view().done and not bench.view().broken


def test_a_snapshot_that_is_not_there_breaks_the_run(bench: Bench) -> None:
    bench.queue()
    bench.laptop.delete(f"{BASE}/{bench.tree.name}")
    bench.run(bench.worker(writes()))
    assert bench.view().broken == {"worker22": 1} and not bench.view().starts


def test_a_run_for_another_target_is_left_alone(bench: Bench) -> None:
    bench.queue(target="colab")
    bench.run(bench.worker(writes()))
    assert not bench.view().claims


def test_the_oldest_run_comes_first(bench: Bench) -> None:
    mailboxes.queue_run(bench.laptop, BASE, "r-0", bench.tree.name, command=["x"])
    bench.queue()
    bench.run(bench.worker(writes()))
    assert [command.env["HYBRID_RUN"] for command in bench.commands] == ["r-0", "r-1"]


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
