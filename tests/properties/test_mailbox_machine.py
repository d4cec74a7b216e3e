"""Workers, a laptop and a storage at its worst, interleaved at random: whatever happens, the end is right."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.remotes.faults import Crash, FaultPlan, When
from tests.properties.history import MUST_HAPPEN, History
from tests.properties.world import Worker, World

HISTORIES = 150


def test_whatever_happens_the_end_is_right(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(HISTORIES):
        try:
            History(seed, tmp_path / str(seed), met).live()
        except BaseException as error:
            error.add_note(f"in the history of seed {seed}")
            raise
        shutil.rmtree(tmp_path / str(seed), ignore_errors=True)
    assert not [what for what in MUST_HAPPEN if not met[what]], f"some things never happened: {met}"


def small_world(folder: Path) -> World:
    return World(7, folder, shards=2, lag=0.0, alike=True)


def run_alone(world: World, worker: Worker) -> None:
    while worker.alive:
        world.pass_time(max(0.0, worker.due - world.clock.monotonic()) + 0.01)


def trees(world: World) -> dict[int, str]:
    world.accept_all()
    world.check_write_once()
    world.check_end()
    return {shard: root.tree for shard, root in world.accepted.items()}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_call_changes_nothing_about_the_end(tmp_path: Path, when: When) -> None:
    reference = small_world(tmp_path / "reference")
    undisturbed = reference.start()
    run_alone(reference, undisturbed)
    wanted = trees(reference)
    kinds = [path.rpartition("/")[2] for method, path in undisturbed.remote.calls if method == "write"]
    for kind in (".hello", ".claim-", ".tick-", ".start-", ".done-", ".ckpt-", ".out-", ".pack", ".yield-"):
        assert any(kind in name for name in kinds), f"the history has no {kind}"
    last = max(n for n, (method, _) in enumerate(undisturbed.remote.calls, 1) if method == "write")
    for nth in range(1, last + 1):
        world = small_world(tmp_path / f"{nth}")
        plan = FaultPlan().fail("*", Crash(), nth=nth, when=when)
        run_alone(world, world.start(plan))
        plan.verify_all_fired()
        run_alone(world, world.start())
        assert trees(world) == wanted, f"after a death {when} call {nth}"


def at_work(world: World) -> Callable[[], bool]:
    return lambda: bool(world.view().starts)


def test_a_silent_workers_run_is_taken_over_only_after_the_agreed_silence(tmp_path: Path) -> None:
    world = World(1, tmp_path, lag=0.0)
    first = world.start()
    while not at_work(world)():
        world.step(first)
        world.clock.advance(0.1)
    world.kill(first)
    second = world.start()
    world.pass_time(29.0)
    assert second.name not in world.view().claims
    world.pass_time(10.0)
    assert second.name in world.view().claims
