"""What befalls a project, its agent and its mailbox, drawn from a seed."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agent.daemon.schedule import LONGEST_S
from agent.daemon.tell.status import WATCHING
from sync.errors import HybridError, QuotaExceeded, Transient, Unauthorised, Unreachable
from sync.remotes.faults import Crash, FaultPlan
from tests.properties.agent_person import Person
from tests.support.agent_sides import SETTINGS, Life
from tests.support.pushes import laid_out
from tests.support.trees import Fingerprint

AUTO = """
[keep]
snapshots = 2
days = 0
[auto]
run = "eval"
on = ["a/**"]
start = false
[run.eval]
command = "python3 a/a"
on = "local"
"""
BROKEN = "[push]\ninclude = 7\n"
FAILURES: list[Callable[[], HybridError]] = [
    lambda: Transient("The line broke."),
    lambda: Transient("No more for now.", retry_after=900.0),
    lambda: Unreachable("Nobody answers."),
    lambda: Unauthorised("The login was refused.", "hybrid login"),
    lambda: QuotaExceeded("The mailbox is full.", "Make room there."),
]


class AgentLife(Person):
    """``met`` counts what happened. Nothing but ``end`` says that the mailbox holds what the disk does; until then each
    snapshot has to be what the tree was at that moment, where the agent was told of all that changed."""

    def __init__(self, seed: int, home: Path, met: Counter[str]) -> None:
        super().__init__(seed, Life(home, seed=seed))
        self.met = met
        self.life.configure(AUTO)
        self.known: set[str] = set()
        self.plan = self.life.plan = FaultPlan()

    def live(self, steps: int) -> None:
        happenings: list[tuple[int, Callable[[], None]]] = [
            (30, self.save),
            (8, self.remove),
            (8, self.rename),
            (5, self.link),
            (4, self.folder),
            (4, self.save_in_secret),
            (40, self.pass_moments),
            (6, self.pass_minutes),
            (5, self.fail_a_call),
            (3, self.die_at_a_call),
            (3, self.kill),
            (1, self.go_offline),
            (6, self.come_back),
            (2, self.sleep),
            (2, self.set_the_clock_back),
            (3, self.collect),
            (2, self.push),
            (1, self.lose_the_state),
            (1, self.lose_an_object_and_sleep),
            (1, self.take_the_root_away),
            (1, self.break_the_settings),
        ]
        weights, acts = zip(*happenings, strict=True)
        for _ in range(steps):
            act = self.dice.choices(acts, weights)[0]
            self.met[act.__name__.replace("_", " ")] += 1
            act()

    def end(self) -> None:
        """Nothing bad happens any more, but for the faults that were planned and have not come yet."""
        life = self.life
        self.mend()
        for _ in range(60):
            self.save()
            self.turns(2 * LONGEST_S)
            self.answer()
            if not self.unfired():
                break
        self.plan.verify_all_fired()
        life.hints.doubt("the end")
        self.turns(2 * LONGEST_S)
        self.answer()
        self.turns(2 * LONGEST_S)
        assert life.status.state == WATCHING and not life.status.waiting, life.status
        assert all(key.startswith("start:") for key in life.needs), life.status  # nobody starts a runner here
        assert life.there() == life.here()
        before = life.snapshots()
        assert life.push().unpublished, "a second push is a no-op"
        self.kill()
        self.turns(30)
        assert life.snapshots() == before, "a new agent finds nothing to do"
        life.close()

    def break_the_settings(self) -> None:
        self.life.configure(BROKEN)
        self.turns(30)
        self.life.configure(AUTO)

    def answer(self) -> None:
        """Whatever waits for a person is allowed."""
        if "deletions" in self.life.needs:
            self.met["deletions were accepted"] += 1
            self.life.push(accept_deletions=True)
            self.note_snapshots()
            self.life.publishing.nudged()

    # What passes

    def pass_moments(self) -> None:
        self.turns(self.dice.choice([0.1, 0.5, 2.0, 10.0]))

    def pass_minutes(self) -> None:
        self.turns(self.dice.choice([60.0, 900.0]))
        if self.dice.random() < 0.5:
            self.answer()

    def turns(self, seconds: float) -> None:
        """The agent lives for so long; a death is made good by a new one."""
        life = self.life
        end = life.clock.monotonic() + seconds
        for _ in range(3000):
            try:
                waits = [life.publishing.turn()]
                self.check_snapshots()
                waits.append(life.homing.turn())
            except Crash:
                self.met["died at a call"] += 1
                self.check_snapshots()
                self.kill()
                continue
            left_s = end - life.clock.monotonic()
            if left_s <= 0:
                return
            wait_s = min([wait for wait in waits if wait is not None], default=left_s)
            life.clock.advance(min(max(wait_s, 0.01 if waits[0] else 0.0), left_s))
        raise AssertionError(f"the agent goes round in circles: {life.status}")

    def check_snapshots(self) -> None:
        """Each is the tree as it was just now; what was not told may be in it or not."""
        for name in self.note_snapshots():
            self.met["published"] += 1
            if not self.secret:
                assert self.laid_out(name) == self.life.here(), f"{name} never was"
            elif self.life.there() == self.life.here():
                self.secret = False

    def note_snapshots(self) -> list[str]:
        found = [name for name in self.life.snapshots() if name not in self.known]
        self.known.update(found)
        return found

    def laid_out(self, name: str) -> Fingerprint:
        target = self.life.home / "out"
        shutil.rmtree(target, ignore_errors=True)
        return laid_out(self.life.stranger(), name, target)

    # What goes wrong

    def fail_a_call(self) -> None:
        if not self.unfired():
            self.fail_with(self.dice.choice(FAILURES)())

    def die_at_a_call(self) -> None:
        if not self.unfired():
            self.fail_with(Crash())

    def fail_with(self, error: BaseException) -> None:
        after = self.dice.random() < 0.5
        self.plan.fail("*", error, nth=self.dice.randrange(1, 15), when="after" if after else "before")

    def unfired(self) -> bool:
        try:
            self.plan.verify_all_fired()
        except AssertionError:
            return True
        return False

    def kill(self) -> None:
        self.life.close()
        (self.life.root / "hybrid.toml").write_text(SETTINGS + AUTO)  # with broken ones none begins
        self.life.begin()

    def go_offline(self) -> None:
        self.life.down = self.life.denied = self.dice.choice(FAILURES)()
        if self.dice.random() < 0.5:
            self.life.down = None

    def come_back(self) -> None:
        self.life.down = self.life.denied = None

    def sleep(self) -> None:
        self.life.sleep(self.dice.choice([30.0, 3600.0, 86_400.0]))

    def set_the_clock_back(self) -> None:
        self.life.sleep(-60.0)

    def lose_the_state(self) -> None:
        for file in (self.life.root / ".hybrid").glob("state.db*"):
            if self.dice.random() < 0.5:
                file.unlink()
            else:
                file.write_bytes(self.dice.randbytes(file.stat().st_size or 1))

    def lose_an_object_and_sleep(self) -> None:
        kept = sorted(file.path for file in self.life.store.files if file.path.endswith((".pack", ".snap")))
        if kept:
            lost = self.dice.choice(kept)
            self.life.store.files[:] = [file for file in self.life.store.files if file.path != lost]
            self.sleep()

    def take_the_root_away(self) -> None:
        away = self.life.home / "away"
        self.life.root.rename(away)
        self.turns(20)
        if self.dice.random() < 0.5:
            shutil.copytree(away, self.life.root, symlinks=True, ignore=shutil.ignore_patterns(".hybrid"))
            shutil.rmtree(away)
        else:
            away.rename(self.life.root)

    def collect(self) -> None:
        if self.life.snapshots():
            newest = self.life.snapshots()[-1]
            try:
                before = self.laid_out(newest)
            except HybridError:
                return  # it has lost something, and who looks after it was not there yet
            self.life.collect()
            assert self.laid_out(newest) == before

    def push(self) -> None:
        if self.life.snapshots():
            self.life.push(accept_deletions=True)
            self.note_snapshots()

    def mend(self) -> None:
        self.come_back()
        (self.life.root / "hybrid.toml").write_text(SETTINGS + AUTO)
