"""What a run is made of, decided from the settings and the command line."""

import time
from pathlib import Path

import pytest

from agent import planning
from agent.config import parse
from agent.planning import Wish
from sync.errors import UsageError

SETTINGS = parse('[project]\nid = "p"\n', Path("hybrid.toml"))


@pytest.mark.platform
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="cannot change the time zone of a process")
def test_ids_sort_by_time_also_when_local_clocks_are_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before_the_change = (
        1_792_888_200.0  # 2026-10-25 00:30 UTC, 02:30 in Berlin, half an hour before 03:00 is 02:00
    )
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        ids = [planning.run_id("a", before_the_change + n * 1200, "9f3a") for n in range(6)]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert ids[0] == "20261025-003000-a-9f3a"
    assert ids == sorted(ids)


@pytest.mark.parametrize("name", ["none", "any", "ANY", "T4", "a100", "RTX 4090", "A100-SXM4"])
def test_gpu_is_none_any_or_a_word_of_its_name(name: str) -> None:
    _, run = planning.settle(SETTINGS, None, Wish(command=("true",), gpu=name))
    assert run.gpu == (name.lower() if name.lower() in ("none", "any") else name)


@pytest.mark.parametrize("name", ["", "T4,L4", "T4|L4", ">=T4", "-"])
def test_what_cannot_name_a_gpu_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--gpu"):
        planning.settle(SETTINGS, None, Wish(command=("true",), gpu=name))
