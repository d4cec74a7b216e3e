"""Real processes of the real command and the real runner, killed at steps that are drawn by lot."""

import random
import sys
from pathlib import Path

import pytest

from tests.crash.kills import KILLED, Kills

pytestmark = [
    pytest.mark.platform,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a SIGKILL"),
]


@pytest.mark.parametrize("what", KILLED)
def test_what_is_killed_anywhere_is_completed_when_it_is_started_again(what: str, tmp_path: Path) -> None:
    kills = Kills(random.Random(f"kills of {what}"), tmp_path)
    for _ in range(3):
        kills.one(what)
    assert kills.met[f"{what} killed"] >= 3
