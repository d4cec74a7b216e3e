"""One run's life with everything that can go wrong in it, drawn from a seed."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sync.errors import Transient
from sync.mailbox.layout import RunFolder
from sync.remotes.faults import Crash, FaultPlan
from tests.properties.world import Worker, World
from tests.support import mailboxes

MOST_HARM = 4
"""Deaths and losses in one history: fewer than a shard is offered anew."""
MUST_HAPPEN = (
    "killed",
    "lost",
    "void",
    "fault in any",
    "fault in write",
    "fault in list_files",
    "left: released by the laptop",
    "left: another worker has taken over",
    "left: stopped by the laptop",
    "went on from a checkpoint",
    "not whole for the laptop",
)


class History:
    """One run's life, drawn from a seed. ``met`` counts what really came to pass.

    Harm is bounded, so that a shard which nobody killed on purpose is always finished.
    """

    def __init__(self, seed: int, folder: Path, met: Counter[str]) -> None:
        self.dice = random.Random(f"history {seed}")
        self.met = met
        self.harm = 0
        self.stopped = False
        failing = frozenset({1}) if self.dice.random() < 0.3 else frozenset[int]()
        self.may_stop = self.dice.random() < 0.25
        self.world = World(seed, folder, failing=failing, met=met)

    def live(self) -> None:
        happenings: list[tuple[int, Callable[[], None]]] = [
            (4, self.another_worker_comes),
            (2, self.a_worker_is_killed),
            (2, self.a_worker_dies_in_a_call),
            (3, self.a_call_fails_for_once),
            (3, self.a_worker_sleeps),
            (4, self.the_laptop_accepts_one),
            (2, self.the_storage_loses_something),
            (1, self.the_laptop_releases_a_worker),
            (1, self.the_laptop_stops_the_run),
        ]
        weights = [weight for weight, _ in happenings]
        self.world.start()
        for _ in range(self.dice.randint(5, 25)):
            self.world.pass_time(self.dice.choice([0.5, 2.0, 5.0, 12.0, 40.0]))
            self.dice.choices([happen for _, happen in happenings], weights)[0]()
            self.world.check_write_once()
        self.end()

    def anyone(self) -> Worker | None:
        return self.dice.choice(self.world.alive) if self.world.alive else None

    def another_worker_comes(self) -> None:
        if len(self.world.alive) >= 3:
            return
        plan = FaultPlan()
        if self.dice.random() < 0.5:
            plan.fail("read", Transient("the line is bad"))
            worker = self.world.start(plan)
            self.world.step(worker)
            if not worker.remote.asked_nothing:
                plan.verify_all_fired()
        else:
            self.world.start(plan)

    def a_worker_is_killed(self) -> None:
        worker = self.anyone()
        if worker is not None and self.harm < MOST_HARM:
            self.harm += 1
            self.met["killed"] += 1
            self.world.kill(worker)

    def a_worker_dies_in_a_call(self) -> None:
        worker = self.anyone()
        if worker is not None and self.harm < MOST_HARM:
            nth = self.dice.randint(1, 25)
            worker.plan.fail("*", Crash(), nth=nth, when=self.dice.choice(["before", "after"]))
            self.until_made(worker, "", nth)
            self.harm += 1

    def a_call_fails_for_once(self) -> None:
        worker = self.anyone()
        if worker is not None:
            method = self.dice.choice(["write", "list_files"])
            worker.plan.fail(method, Transient("the line is bad"), when=self.dice.choice(["before", "after"]))
            self.until_made(worker, method, 1)

    def until_made(self, worker: Worker, method: str, more: int) -> None:
        """Lets time pass until the worker has made that many calls more, and so met the fault planned for them.

        A worker with nothing left to do may end before; then the fault has not been.
        """

        def made() -> int:
            return sum(method in ("", name) for name, _ in worker.remote.calls)

        wanted = made() + more
        while worker.alive and made() < wanted:
            self.world.pass_time(max(0.0, worker.due - self.world.clock.monotonic()) + 0.01)
        if made() >= wanted:
            worker.plan.verify_all_fired()
            self.met[f"fault in {method or 'any'}"] += 1

    def a_worker_sleeps(self) -> None:
        worker = self.anyone()
        if worker is not None:
            worker.due = self.world.clock.monotonic() + self.dice.choice([3.0, 35.0, 90.0])

    def the_laptop_accepts_one(self) -> None:
        done = self.world.done()
        if done:
            self.world.accept(*self.dice.choice(done))

    def the_storage_loses_something(self) -> None:
        done = self.world.done()
        if done and self.harm < MOST_HARM:
            self.harm += 1
            self.met["lost"] += 1
            self.world.lose(self.dice.choice(done)[1])

    def the_laptop_releases_a_worker(self) -> None:
        worker = self.anyone()
        if worker is not None:
            self.world.mark(RunFolder.released(worker.name))

    def the_laptop_stops_the_run(self) -> None:
        if self.may_stop and not self.stopped:
            self.stopped = True
            self.world.mark(RunFolder.stop(mailboxes.LAPTOP))

    def end(self) -> None:
        """Nothing bad happens any more; then a fresh worker comes, and all is well."""
        world = self.world
        world.to_the_end()
        world.accept_all()
        last = world.start()
        world.to_the_end()
        world.accept_all()
        world.check_write_once()
        world.note_the_left()
        if self.stopped:
            assert last.remote.saw_stop
        else:
            world.check_end()
