"""What tests do with a few seeds, with as many as there is time for: ``make soak``.

A quarter of the time goes to lives of a laptop with an agent, as in ``agent``, which may be called by itself. Most of it
goes to random histories of workers, a laptop and a bad storage, as in ``tests/properties/test_mailbox_machine.py``, to
kills of real processes, as in ``tests/crash/test_kills.py``, to projects that are pushed again and again, as in
``tests/properties/test_push_converges.py``, and to agents on clocks of their own, as in
``tests/properties/test_agent_converges.py``: one of those for a few histories. A test run takes the seeds from 0 on; here
they begin at random, so that every soak sees new ones. What a seed does is the same each time, but how far a real process
is at a moment is its own. The rest goes to ``tests/fuzz``, where atheris is installed.
"""

import argparse
import importlib.util
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.crash.kills import KILLED, Kills
from tests.fuzz.targets import TARGETS
from tests.properties import test_agent_converges
from tests.properties.history import MUST_HAPPEN, History
from tests.properties.test_push_converges import converge
from tests.soak import agent

_EVERY_S = 30.0
_HISTORIES_A_KILL = 5
_HISTORIES_A_PROJECT = 12
_PROJECTS = 5
_HISTORIES_AN_AGENT = 6
_FUZZED = 0.2
_AGENTS = 0.25


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Random lives, kills and inputs."
    )
    parser.add_argument("--minutes", type=float, default=15.0, help="how long [15]")
    parser.add_argument("--first", type=int, help="the first seed [drawn]")
    parser.add_argument(
        "--count", type=int, help="at most so many histories, and nothing else [as there is time for]"
    )
    given = parser.parse_args()
    first: int = random.SystemRandom().randrange(10**9) if given.first is None else given.first
    fuzz = given.count is None and importlib.util.find_spec("atheris") is not None
    seconds = given.minutes * 60
    last = sys.maxsize if given.count is None else first + given.count
    if given.count is None:
        lives(first, seconds * _AGENTS)
        seconds *= 1 - _AGENTS
    live(first, last, seconds * (1 - _FUZZED) if fuzz else seconds)
    return fuzzed(first, int(seconds * _FUZZED / len(TARGETS)) + 1) if fuzz else 0


def live(first: int, last: int, seconds: float) -> None:
    """Histories and kills of the seeds from ``first`` up to, but without, ``last``. Raises what went wrong."""
    print(f"seeds {first}, {first + 1}, ... for {seconds / 60:g} minutes", flush=True)
    met: Counter[str] = Counter()
    begun = said = time.monotonic()
    seed = first
    with tempfile.TemporaryDirectory(prefix="hybrid-soak-") as name:
        while time.monotonic() - begun < seconds and seed < last:
            folder = Path(name, str(seed))
            try:
                History(seed, folder, met).live()
                if seed % _HISTORIES_A_KILL == 0 or last == first + 1:
                    kills = Kills(random.Random(f"kills {seed}"), folder)
                    kills.one(KILLED[seed // _HISTORIES_A_KILL % len(KILLED)], most=6)
                    met += kills.met
                if seed % _HISTORIES_A_PROJECT == 0 or last == first + 1:
                    converge(seed, histories=_PROJECTS)
                    met["projects pushed again and again"] += _PROJECTS
                if seed % _HISTORIES_AN_AGENT == 0 or last == first + 1:
                    lived: Counter[str] = Counter()
                    test_agent_converges.converge(seed, folder / "agent", lived)
                    met["lives of an agent"] += 1
                    met["snapshots by an agent"] += lived["published"]
            except BaseException:
                print(f"seed {seed}; again: python -m tests.soak --first {seed} --count 1", file=sys.stderr)
                raise
            shutil.rmtree(folder, ignore_errors=True)
            seed += 1
            if time.monotonic() - said > _EVERY_S:
                said = time.monotonic()
                print(f"{seed - first} histories, up to seed {seed - 1}", flush=True)
    print(f"{seed - first} histories held, seeds {first} to {seed - 1}; what happened in them:")
    for what, times in sorted(met.items()):
        print(f"  {times:6} {what}")
    for what in MUST_HAPPEN:
        if not met[what]:
            print(f"  never: {what}")


def lives(first: int, seconds: float) -> None:
    """Lives with an agent, of the seeds from ``first`` on. Raises what went wrong."""
    met: Counter[str] = Counter()
    print(f"lives with an agent, seeds {first}, {first + 1}, ... for {seconds / 60:g} minutes", flush=True)
    held = agent.live(first, sys.maxsize, seconds, met)
    print(f"{held} lives held, seeds {first} to {first + held - 1}; what happened in them:")
    for what, times in sorted(met.items()):
        print(f"  {times:6} {what}")


def fuzzed(seed: int, seconds: int) -> int:
    """Fuzzes each target for so many seconds. The exit code: 1 where an input was found, which is kept."""
    found = Path(tempfile.mkdtemp(prefix="hybrid-found-"))
    for target in TARGETS:
        words = [
            "--runs",
            "1000000000",
            "--seconds",
            f"{seconds}",
            "--seed",
            f"{seed}",
            "--found",
            f"{found}",
        ]
        command = [sys.executable, "-m", "tests.fuzz", target, *words]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            print(f"{done.stdout}{done.stderr}\n{' '.join(command)}", file=sys.stderr)
            return 1
        print(f"{target}: {seconds} s of inputs held", flush=True)
    found.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
