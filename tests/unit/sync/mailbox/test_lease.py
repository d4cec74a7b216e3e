"""Who may work on a run, as a table: claims, what was given up, and how long a holder may be silent."""

import pytest

from sync.mailbox.layout import RunFolder
from sync.mailbox.lease import LEAST_SILENCE_S, Silence, holder, next_epoch, patience_s
from sync.mailbox.view import RunView, view

HOLDERS: list[tuple[str, list[str], str | None]] = [
    ("nobody came", [], None),
    ("only a hello", ["aaaa.hello"], None),
    ("one came", ["aaaa.claim-1"], "aaaa"),
    ("two at once: the lower id", ["bbbb.claim-1", "aaaa.claim-1"], "aaaa"),
    ("the higher epoch", ["aaaa.claim-1", "bbbb.claim-2"], "bbbb"),
    ("its own later claim counts", ["aaaa.claim-1", "aaaa.claim-3", "bbbb.claim-2"], "aaaa"),
    ("the loser of a race yielded", ["aaaa.claim-1", "bbbb.claim-1", "bbbb.yield-1"], "aaaa"),
    ("the winner yielded before the loser did", ["aaaa.claim-1", "bbbb.claim-1", "aaaa.yield-1"], "bbbb"),
    ("all yielded", ["aaaa.claim-1", "aaaa.yield-1"], None),
    ("who yielded may claim again", ["aaaa.claim-1", "aaaa.yield-1", "aaaa.claim-2"], "aaaa"),
    ("an older yield says nothing about a newer claim", ["aaaa.claim-5", "aaaa.yield-4"], "aaaa"),
    ("released by the laptop", ["aaaa.claim-1", "released-aaaa"], None),
    ("who is released never comes back", ["aaaa.claim-1", "released-aaaa", "aaaa.claim-2"], None),
    ("released, and another came", ["aaaa.claim-1", "released-aaaa", "bbbb.claim-2"], "bbbb"),
    ("overtaken for good", ["aaaa.claim-1", "bbbb.claim-2", "bbbb.yield-2"], None),
    ("overtaken for good, also by one released", ["aaaa.claim-1", "bbbb.claim-2", "released-bbbb"], None),
    ("overtaken, and came back", ["aaaa.claim-1", "bbbb.claim-2", "bbbb.yield-2", "aaaa.claim-3"], "aaaa"),
    ("a yield without its claim, listed late", ["bbbb.yield-2", "aaaa.claim-1"], "aaaa"),
    ("a broken setup gives nothing up by itself", ["aaaa.claim-1", "aaaa.broken-1"], "aaaa"),
]


def seen_with(names: list[str]) -> RunView:
    return view(f"{name}.json" for name in names)


@pytest.mark.parametrize(("names", "expected"), [row[1:] for row in HOLDERS], ids=[row[0] for row in HOLDERS])
def test_the_holder(names: list[str], expected: str | None) -> None:
    assert holder(seen_with(names)) == expected


def test_a_new_claim_is_above_all_that_were_ever_seen() -> None:
    assert next_epoch(seen_with([])) == 1
    assert next_epoch(seen_with(["aaaa.claim-1", "bbbb.claim-7", "bbbb.yield-7", "released-bbbb"])) == 8


@pytest.mark.parametrize(
    ("tick_s", "settle_s", "expected"), [(5, 0.2, 30.0), (10, 30, 60), (60, 30, 210), (60, 300, 480)]
)
def test_patience_is_three_ticks_and_the_lag_but_never_short(
    tick_s: float, settle_s: float, expected: float
) -> None:
    assert patience_s(tick_s, settle_s) == expected >= LEAST_SILENCE_S


def ticking(*ticks: int, worker: str = "aaaa") -> RunView:
    return view([RunFolder.claim(worker, 1), *(RunFolder.tick(worker, n) for n in ticks)])


def test_silence_is_counted_from_the_last_new_tick() -> None:
    silence = Silence()
    silence.observe(ticking(), 100.0)
    assert silence.of("aaaa", 130.0) == 30.0
    silence.observe(ticking(1), 130.0)
    assert silence.of("aaaa", 130.0) == 0.0
    silence.observe(ticking(1), 170.0)
    assert silence.of("aaaa", 170.0) == 40.0
    silence.observe(ticking(1, 2), 170.0)
    assert silence.of("aaaa", 175.0) == 5.0


def test_ticks_that_were_deleted_or_come_late_are_no_new_beat() -> None:
    silence = Silence()
    silence.observe(ticking(7, 8), 0.0)
    silence.observe(ticking(), 10.0)
    silence.observe(ticking(6, 7), 20.0)
    assert silence.of("aaaa", 20.0) == 20.0


def test_a_worker_that_was_never_seen_is_not_silent() -> None:
    """An observer that has just come must watch for as long as any other."""
    assert Silence().of("aaaa", 1e9) == 0.0


def test_each_worker_is_silent_for_itself() -> None:
    silence = Silence()
    silence.observe(view(["aaaa.claim-1.json", "bbbb.claim-2.json"]), 0.0)
    silence.observe(view(["aaaa.claim-1.json", "bbbb.claim-2.json", "bbbb.tick-000001.json"]), 50.0)
    assert (silence.of("aaaa", 50.0), silence.of("bbbb", 50.0)) == (50.0, 0.0)
