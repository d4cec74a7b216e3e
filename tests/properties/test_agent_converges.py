"""Whatever happens to a project, its mailbox and its agent: in the end the mailbox holds what is on the disk."""

import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from tests.properties.agent_life import AgentLife

STEPS = 250
MOST_S = 20.0


def converge(seed: int, home: Path, met: Counter[str], *, steps: int = STEPS) -> None:
    """One life of a project, as drawn from the seed. Raises what went wrong. Not for two threads at once."""
    places = {"HYBRID_CONFIG_DIR": str(home / "config"), "HYBRID_DATA_DIR": str(home / "data")}
    with patch.dict("os.environ", places):
        life = AgentLife(seed, home, met)
        try:
            life.live(steps)
            life.end()
        finally:
            life.life.close()


def test_agent_publishes_what_is_on_the_disk_whatever_happens(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(40):
        converge(seed, tmp_path / str(seed), met)
        if (seed >= 7 or time.monotonic() - began > MOST_S) and _has_met_all(met):
            break
    assert _has_met_all(met), met


def _has_met_all(met: Counter[str]) -> bool:
    """Whether each mishap has happened: a slow machine lives fewer lives in the time."""
    return bool(met["died at a call"] and met["deletions were accepted"] and met["published"] > 20)
