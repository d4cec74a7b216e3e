"""What a run is made of, decided from the settings and the command line."""

import time

import pytest

from agent import planning


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
