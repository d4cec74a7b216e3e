"""How a worker comes to leave a run: stopped, told to end, superseded, out of time, or dead; and who goes on then."""

from pathlib import Path

import pytest

from cloud_runner.child import Command
from cloud_runner.outage import LONGEST_LEAVING_S
from cloud_runner.worker import Lease
from sync.errors import NotFound, Unauthorised, Unreachable
from sync.mailbox import lease
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.state import Phase, phase, shards
from sync.remotes.base import Capabilities
from sync.remotes.faults import FaultPlan
from tests.support import scripted
from tests.support.lab import BASE, DIR, RUN, Lab, writes
from tests.support.scripted import ScriptedChild


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_stopped_run_ends_its_children_and_starts_nothing_more(lab: Lab) -> None:
    lab.queue(shards=3)
    steps = lab.worker(writes(polls=10_000)).serve()
    stopped = False
    for wait in steps:
        lab.clock.advance(max(wait, 0.001))
        if not stopped and lab.view().starts:
            lab.mark(RunFolder.stop("laptop22"))
            stopped = True
    seen = lab.view()
    assert seen.left == seen.starts == {Attempt(0, "worker22", 1)}
    assert lab.ended("left", Attempt(0, "worker22", 1)).reason == "stopped by the laptop"
    assert phase(seen, shards(seen, 3, 1)) is Phase.STOPPED


def test_a_child_that_does_not_listen_is_ended_after_the_grace_and_its_attempt_is_left(lab: Lab) -> None:
    """The ticks go on meanwhile, and nothing that they bring interrupts the leaving."""
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        child = writes(polls=10_000)(command)
        child.terminate = lambda: None  # type: ignore[method-assign]
        children.append(child)
        return child

    lab.queue()
    stopped_at = 0.0
    for wait in lab.worker(script).serve():
        lab.clock.advance(max(wait, 0.001))
        if not stopped_at and lab.view().starts:
            stopped_at = lab.clock.monotonic()
            lab.mark(RunFolder.stop("laptop22"))
        if children and not children[0].signal:
            assert not stopped_at or lab.clock.monotonic() < stopped_at + 5 + 15 + 1
    assert children[0].ended == -9
    assert lab.view().left == {Attempt(0, "worker22", 1)}
    assert len(lab.view().ticks["worker22"]) == 4, "at 0, and each 5 seconds of the grace"


def test_a_stop_seen_just_before_a_shard_begins_is_obeyed(lab: Lab) -> None:
    """The listing before a start shows the stop earlier than the next tick would."""
    lab.queue(shards=2)

    def script(command: Command) -> ScriptedChild:
        lab.mark(RunFolder.stop("laptop22"))
        return writes(polls=1)(command)

    lab.run(lab.worker(script))
    assert lab.view().starts == {Attempt(0, "worker22", 1)}
    assert lab.view().done == {Attempt(0, "worker22", 1)}, "what had ended by itself keeps its verdict"


def test_a_stop_that_a_listing_shows_once_and_then_not_again_is_obeyed(lab: Lab) -> None:
    lab.queue()
    place = scripted.place(lab.laptop, lab.clock, lab.folder / "work", writes(), base=BASE)
    hold = Lease(place, scripted.hello("worker22"), RUN, lease.Silence())
    stop = RunFolder.stop("laptop22")
    lab.mark(stop)
    assert hold.see().stopped
    lab.laptop.delete(f"{BASE}/{DIR.in_folder(stop)}")  # what a lagging listing looks like from here
    assert hold.see().stopped


def test_a_run_that_is_removed_ends_its_children_and_the_worker_goes_on_serving(lab: Lab) -> None:
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        children.append(writes(polls=10_000)(command))
        return children[-1]

    lab.queue()
    removed = False
    for wait in lab.worker(script).serve():
        lab.clock.advance(max(wait, 0.001))
        if not removed and children:
            lab.laptop.delete_folder(f"{BASE}/{DIR.path}")
            removed = True
    assert children[0].signal
    assert any("the run was removed" in line for line in lab.said)


def test_a_run_that_is_removed_while_it_is_being_taken_is_passed_over(lab: Lab) -> None:
    lab.queue()
    plan = FaultPlan().fail("write", NotFound("there is no such folder"), path=".claim-")
    lab.run(lab.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert lab.view().done, "it was there after all"


def test_a_worker_told_to_end_does_not_wait_until_its_claim_has_settled(tmp_path: Path) -> None:
    lab = Lab(tmp_path, Capabilities(settle_s=300.0))
    lab.queue()
    for wait in lab.worker(writes()).serve():
        lab.clock.advance(min(wait, 1.0))
        lab.told = "told to end"
    assert lab.clock.monotonic() < 10
    assert lab.view().claims and lease.holder(lab.view()) is None and not lab.view().starts


def test_a_worker_that_dies_of_an_error_takes_its_children_along(lab: Lab) -> None:
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        children.append(writes(polls=10_000)(command))
        return children[-1]

    plan = FaultPlan().fail("write", Unauthorised("the key was withdrawn"), path=".tick-", nth=3)
    lab.queue(parallel=2, shards=2)
    with pytest.raises(Unauthorised):
        lab.run(lab.worker(script, plan=plan))
    assert [child.signal for child in children] == [9, 9]


def test_a_worker_told_to_end_during_an_outage_ends_all_children_first_and_tells_once_it_is_over(
    lab: Lab,
) -> None:
    plan = FaultPlan()
    for path in (".done-", ".left-", ".yield-"):
        plan.fail("write", Unreachable("the network is away"), path=path)
    children: list[ScriptedChild] = []

    def script(command: Command) -> ScriptedChild:
        children.append(writes(polls=10_000)(command))
        return children[-1]

    lab.queue(shards=2, parallel=2)
    for wait in lab.worker(script, plan=plan).serve():
        lab.clock.advance(max(wait, 0.001))
        if len(lab.view().starts) == 2 and not lab.told:
            lab.told = "told to end"
            children[0].polls = 0
        if lab.view().done:
            assert children[1].ended == -15, "it had its time to end while the first one's verdict was stuck"
    plan.verify_all_fired()
    seen = lab.view()
    assert seen.done == {Attempt(0, "worker22", 1)} and seen.left == {Attempt(1, "worker22", 1)}
    assert lease.holder(seen) is None


def test_a_worker_told_to_end_does_not_wait_for_ever_for_the_mailbox(lab: Lab) -> None:
    plan = FaultPlan()
    lab.queue(shards=2, parallel=2)
    for wait in lab.worker(writes(polls=10_000), plan=plan).serve():
        lab.clock.advance(max(wait, 0.001))
        if len(lab.view().starts) == 2 and not lab.told:
            lab.told = "told to end"
            told_at = lab.clock.monotonic()
            for nth in range(1, 500):
                plan.fail("*", Unreachable("the network is away"), nth=nth)
    assert 2 * LONGEST_LEAVING_S < lab.clock.monotonic() - told_at < 3 * LONGEST_LEAVING_S


def test_a_shard_that_kills_its_workers_is_not_offered_for_ever(lab: Lab) -> None:
    def deadly(command: Command) -> ScriptedChild:
        if command.env["HYBRID_SHARD"] == "0":
            raise KeyboardInterrupt  # stands for the death of the process
        return writes()(command)

    lab.queue(shards=2)
    deaths = 0
    for n in range(9):
        try:
            lab.run(lab.worker(deadly, f"worker{n:02}"))
            break
        except KeyboardInterrupt:
            deaths += 1
            lab.clock.advance(60)
    assert deaths == 5
    assert {attempt.shard for attempt in lab.view().done} == {1}


def test_a_time_limit_leaves_and_this_worker_does_not_take_the_run_again(lab: Lab) -> None:
    lab.queue(max_hours=0.01)
    lab.run(lab.worker(writes(polls=10_000)))
    seen = lab.view()
    assert seen.left == {Attempt(0, "worker22", 1)}
    assert "HYBRID_DEADLINE" in lab.commands[0].env
    assert len(lab.commands) == 1
