"""Random lives of a laptop with an agent: everything that may happen to them does, and all comes out right.

    python -m tests.soak.agent --first SEED --count 1

A seed gives the same actions each time, on the same tree; how far the agent, the runner and the link are meanwhile is
their own. What has to hold is in ``Life.end`` and in ``past``.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.soak.checks import Published, is_over, runs_are_right
from tests.soak.links import PROJECT, Link, cut, moved
from tests.soak.past import Past
from tests.soak.tree import Tree
from tests.support.at_work import AtWork, until
from tests.support.jumpy_agent import jump
from tests.support.laptop import REPOSITORY, Laptop
from tests.support.sshd import system_tool
from tests.support.trees import Fingerprint, fingerprint

ACTIONS = 24
PATIENCE_S = 100.0
SETTINGS = f"""
[auto]
run = "eval"
on = ["src/**"]
[run]
[run.eval]
command = ["{sys.executable}", "src/eval.py"]
shards = 2
retries = 5
parallel = 2
"""
EVAL = """
import os, pathlib, time
time.sleep(0.3)
text = os.environ["HYBRID_SHARD"] + " " + pathlib.Path("src/word").read_text()
pathlib.Path(os.environ["HYBRID_OUTPUT"], "answer.txt").write_text(text)
"""
# Exit codes that a command may have while an agent is at work and the mailbox comes and goes.
FINE = {"push": {0, 10, 11, 15}, "pull": {0, 1, 3, 10, 11, 13}, "gc": {0, 10, 11}}


class Life:
    def __init__(self, seed: int, folder: Path, met: Counter[str]) -> None:
        self._seed = seed
        self._dice = random.Random(f"agent {seed}")
        self._laptop = Laptop(folder)
        self._met = met
        self._past = Past()
        self._tree = Tree(self._laptop.project, self._note)
        self._agent = AtWork(self._laptop, PROJECT)
        self._process: subprocess.Popen[bytes] | None = None
        self._clock = folder / "clock"
        self._ahead = (0.0, 0.0)
        self._words = 0
        self._up_in = 0
        self.story: list[str] = []

    def live(self) -> None:
        """Raises what went wrong, with the story of this life."""
        way = cut if self._seed % 2 else moved
        with way(self._laptop, SETTINGS) as link:
            self._link: Link = link
            self._published = Published(link.mailbox, self._past)
            try:
                self._begin()
                for _ in range(ACTIONS):
                    self._act()
                self._end()
            except BaseException as error:
                error.add_note("\n".join((*self.story, self._agent.log()[-6_000:])))
                raise
            finally:
                self._leave()

    def _begin(self) -> None:
        jump(self._clock, 0.0, 0.0)
        self._laptop.write("src/eval.py", EVAL)
        self._new_word()
        self._tree.begin()
        self._start()
        self._agent.until(lambda told: told["published"], "the first publication")

    def _act(self) -> None:
        name = self._dice.choice([name for name, times in WEIGHTS.items() for _ in range(times)])
        dice = random.Random(self._dice.getrandbits(64))
        pause_s = self._dice.choice((0.0, 0.1, 0.5, 1.0, 2.0))
        self.story.append(f"{name}, then {pause_s} s")
        self._met[name] += 1
        DO[name](self, dice)
        time.sleep(pause_s)
        if self._up_in:
            self._up_in -= 1
            if not self._up_in:
                self._link.up()
                self.story.append("the mailbox is back")
        self._published.look()

    # What happens

    def _start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.support.jumpy_agent",
            str(self._laptop.project),
            str(self._clock),
        ]
        with open(self._laptop.home / "agent.out", "ab") as out:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self._laptop.env, stdout=out, stderr=out, start_new_session=True
            )
        ours = self._process.pid
        self._agent.until(lambda told: told["pid"] == ours and told["state"] != "stopped", "the agent", 30)

    def _kill_agent(self, dice: random.Random) -> None:
        assert self._process is not None and self._process.poll() is None, "the agent has ended by itself"
        self._process.kill()
        self._process.wait()
        self._tree.edit(dice)
        self._start()

    def _kill_runners(self, dice: random.Random) -> None:
        for pid in self._runners():
            subprocess.run(["kill", "-9", str(pid)], check=False, capture_output=True)
            self._met["runners killed"] += 1

    def _new_word(self, dice: random.Random | None = None) -> None:
        self._words += 1
        self._laptop.write("src/word", f"word {self._words}")
        self._note()

    def _down(self, dice: random.Random) -> None:
        for_a_moment = dice.random() < 0.3
        self._link.down(for_a_moment=for_a_moment)
        self._up_in = 1 if for_a_moment else dice.randint(1, 3)
        self._tree.edit(dice)  # which is to be published, and cannot

    def _jump(self, dice: random.Random) -> None:
        """The machine slept, by clocks of both kinds, or its clock was set."""
        wall, monotonic = dice.choice(((600.0, 0.0), (600.0, 600.0), (-3600.0, 0.0), (86_400.0, 0.0)))
        self._ahead = (self._ahead[0] + wall, self._ahead[1] + monotonic)
        jump(self._clock, *self._ahead)

    def _command(self, name: str) -> None:
        code = self._laptop.hybrid(name, expect=None).code
        assert code in FINE[name], f"hybrid {name} ended with {code}"
        self._met[f"hybrid {name} ended with {code}"] += 1

    def _checkout(self, dice: random.Random) -> None:
        before = self._now()
        self._tree.checkout(dice)
        after = self._now()
        # In between, each file that differs may have been gone.
        same = {path: what for path, what in before.items() if after.get(path) == what}
        self._past.note(time.monotonic(), same)
        self._note()

    # What has to hold

    def _end(self) -> None:
        self._link.up()
        self._new_word()
        until(self._is_in_step, "the tree in the mailbox", PATIENCE_S)
        self._agent.until(
            lambda told: told["state"] == "watching" and not told["waiting"], "rest", PATIENCE_S
        )
        self._until_runs_are_right()
        assert self._published.tree() == self._now(), "the newest snapshot is the tree"
        last = self._published.name
        assert not self._laptop.hybrid("push", "--json").json["pushed"]
        assert self._is_in_step() and self._published.name == last, "a second push is a no-op"
        self._met["snapshots"] += self._published.count
        self._met["snapshots that mix moments"] += self._past.mixed
        log = self._agent.log()
        assert "Traceback" not in log, log[log.index("Traceback") - 300 :][:4_000]
        assert self._process is not None and self._process.poll() is None, "the agent has ended by itself"
        self._process.terminate()
        assert self._process.wait(30) == 0

    def _until_runs_are_right(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                accepted = runs_are_right(self._link.mailbox(), self._laptop, self._words)
                break
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(1.0)
        self._met["shards accepted"] += accepted
        self._agent.until(
            lambda told: all(is_over(run) for run in told["runs"]), "word that runs are over", 30
        )

    def _is_in_step(self) -> bool:
        if any(need["key"] == "deletions" for need in self._agent.status()["needs"]):
            self._met["deletions accepted"] += 1
            self._laptop.hybrid("push", "--accept-deletions", expect=None)
        self._published.look()
        return self._published.tree() == self._now()

    def _now(self) -> Fingerprint:
        found = fingerprint(self._laptop.project)
        ours = (b".git/", b".hybrid/", b"outputs/")
        return {path: what for path, what in found.items() if not (path + b"/").startswith(ours)}

    def _note(self) -> None:
        self._past.note(time.monotonic(), self._now())

    def _runners(self) -> list[int]:
        """Process ids of this life's runners."""
        listing = subprocess.run(
            [system_tool("ps"), "-A", "-ww", "-o", "pid=,args="], check=True, capture_output=True, text=True
        )
        lines = (line.split(None, 1) for line in listing.stdout.splitlines())
        return [int(pid) for pid, args in lines if ".pyz" in args and str(self._laptop.home) in args]

    def _leave(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._link.up()
        self._laptop.hybrid("down", expect=None)
        self._kill_runners(self._dice)


def _hybrid(name: str) -> Callable[[Life, random.Random], None]:
    return lambda life, dice: life._command(name)


DO: dict[str, Callable[[Life, random.Random], None]] = {
    "edit": lambda life, dice: life._tree.edit(dice),
    "edit code": lambda life, dice: life._tree.edit_code(dice),
    "remove": lambda life, dice: life._tree.remove(dice),
    "move": lambda life, dice: life._tree.move(dice),
    "swap": lambda life, dice: life._tree.swap(dice),
    "checkout": Life._checkout,
    "new word": Life._new_word,
    "kill the agent": Life._kill_agent,
    "kill runners": Life._kill_runners,
    "link down": Life._down,
    "clock jump": Life._jump,
    "hybrid push": _hybrid("push"),
    "hybrid pull": _hybrid("pull"),
    "hybrid gc": _hybrid("gc"),
}
WEIGHTS = {"edit": 6, "edit code": 2, "remove": 2, "move": 3, "swap": 3, "checkout": 3, "new word": 2}
WEIGHTS |= {"kill the agent": 2, "kill runners": 1, "link down": 3, "clock jump": 1}
WEIGHTS |= {"hybrid push": 1, "hybrid pull": 1, "hybrid gc": 1}


def live(first: int, last: int, seconds: float, met: Counter[str]) -> int:
    """Lives of the seeds from ``first`` up to, but without, ``last``, as there is time. How many; raises what went wrong."""
    begun = time.monotonic()
    seed = first
    with tempfile.TemporaryDirectory(prefix="hybrid-soak-agent-") as name:
        while seed < last and (seed == first or time.monotonic() - begun < seconds):
            folder = Path(name, str(seed))
            try:
                Life(seed, folder, met).live()
            except BaseException as error:
                error.add_note(f"again: python -m tests.soak.agent --first {seed} --count 1")
                raise
            shutil.rmtree(folder)
            seed += 1
    return seed - first


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak.agent", description="Random lives of the agent."
    )
    parser.add_argument("--minutes", type=float, default=2.0, help="how long [2]")
    parser.add_argument("--first", type=int, help="the first seed [drawn]")
    parser.add_argument("--count", type=int, help="at most so many seeds")
    given = parser.parse_args()
    first = random.SystemRandom().randrange(10**9) if given.first is None else given.first
    print(f"seeds from {first} on, for {given.minutes:g} minutes", flush=True)
    met: Counter[str] = Counter()
    lives = live(first, sys.maxsize if given.count is None else first + given.count, given.minutes * 60, met)
    print(f"{lives} lives held; what happened in them:")
    for what, times in sorted(met.items()):
        print(f"  {times:6} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
