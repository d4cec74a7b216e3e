"""Random histories of workers, a laptop and a bad storage, and kills of real processes, for as long as one likes.

``make soak`` runs it. The histories are those of ``tests/properties/test_mailbox_machine.py``, whose seeds a test run
takes from 0 on; here they begin at random, so that every soak sees new ones. What a seed does is the same each time.
The kills are those of ``tests/crash``, one life for a few histories: a seed draws the same steps and moments, but how
far a real process is at a moment is its own.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.crash.kills import KILLED, Kills
from tests.properties.history import MUST_HAPPEN, History

_EVERY_S = 30.0
_HISTORIES_A_KILL = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Random histories of one run.")
    parser.add_argument("--minutes", type=float, default=15.0, help="how long [15]")
    parser.add_argument("--first", type=int, help="the first seed [drawn]")
    parser.add_argument("--count", type=int, help="at most so many seeds [as many as there is time for]")
    given = parser.parse_args()
    first: int = random.SystemRandom().randrange(10**9) if given.first is None else given.first
    print(f"seeds {first}, {first + 1}, ... for {given.minutes:g} minutes", flush=True)
    met: Counter[str] = Counter()
    begun = said = time.monotonic()
    seed = first
    with tempfile.TemporaryDirectory(prefix="hybrid-soak-") as name:
        while time.monotonic() - begun < given.minutes * 60 and (
            given.count is None or seed < first + given.count
        ):
            folder = Path(name, str(seed))
            try:
                History(seed, folder, met).live()
                if seed % _HISTORIES_A_KILL == 0 or given.count == 1:
                    kills = Kills(random.Random(f"kills {seed}"), folder)
                    kills.one(KILLED[seed // _HISTORIES_A_KILL % len(KILLED)], most=6)
                    met += kills.met
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
