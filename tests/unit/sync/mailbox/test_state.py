"""What a listing says about a run and its shards, as tables."""

import pytest

from sync.mailbox.layout import Attempt, parse_attempt
from sync.mailbox.state import MOST_LOST, Phase, ShardState, phase, shards
from sync.mailbox.view import RunView, view


def seen_with(*names: str) -> RunView:
    return view(f"{name}.json" for name in ("spec", *names))


def one(seen: RunView, retries: int = 1, void: frozenset[Attempt] = frozenset()) -> ShardState:
    return shards(seen, 1, retries, void)[0]


def names(attempts: tuple[Attempt, ...]) -> list[str]:
    return [str(attempt) for attempt in attempts]


HELD = "aaaa.claim-1"
START, DONE, FAILED, LEFT = "aaaa.start-0.1", "aaaa.done-0.1", "aaaa.failed-0.1", "aaaa.left-0.1"
FIRST = "0.aaaa.1"

KINDS: list[tuple[str, tuple[str, ...], dict[str, list[str]]]] = [
    ("nothing happened", (), {}),
    ("claimed, not started", (HELD,), {}),
    ("started by the holder", (HELD, START), {"running": [FIRST]}),
    ("done", (HELD, START, DONE), {"done": [FIRST]}),
    ("done, its start not listed yet", (HELD, DONE), {"done": [FIRST]}),
    ("done, its worker is gone", (DONE,), {"done": [FIRST]}),
    ("failed", (HELD, START, FAILED), {"failed": [FIRST]}),
    ("left without a verdict", (HELD, START, LEFT), {}),
    ("lost: the worker was overtaken", (HELD, START, "bbbb.claim-2"), {"lost": [FIRST]}),
    ("lost: the worker gave up the run", (HELD, START, "aaaa.yield-1"), {"lost": [FIRST]}),
    ("lost: the worker was released", (HELD, START, "released-aaaa"), {"lost": [FIRST]}),
    ("lost stays lost", (HELD, START, "bbbb.claim-2", "bbbb.yield-2"), {"lost": [FIRST]}),
    (
        "another tries after a loss",
        (HELD, START, "bbbb.claim-2", "bbbb.start-0.1"),
        {"lost": [FIRST], "running": ["0.bbbb.1"]},
    ),
    (
        "several tries of one worker",
        (HELD, START, FAILED, "aaaa.start-0.2"),
        {"failed": [FIRST], "running": ["0.aaaa.2"]},
    ),
]


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_attempts_are_told_apart(files: tuple[str, ...], expected: dict[str, list[str]]) -> None:
    state = one(seen_with(*files))
    found = {kind: names(getattr(state, kind)) for kind in ("done", "failed", "lost", "running")}
    assert {kind: attempts for kind, attempts in found.items() if attempts} == expected


@pytest.mark.parametrize(
    ("retries", "failures", "exhausted"),
    [(0, 0, False), (0, 1, True), (1, 1, False), (1, 2, True), (3, 3, False)],
)
def test_a_shard_is_given_up_after_its_retries(retries: int, failures: int, exhausted: bool) -> None:
    files = [f"aaaa.failed-0.{n}" for n in range(1, failures + 1)]
    assert one(seen_with(HELD, *files), retries).exhausted is exhausted


def test_leaving_never_exhausts_a_shard() -> None:
    files = [f"aaaa.{kind}-0.{n}" for n in range(1, 20) for kind in ("start", "left")]
    assert not one(seen_with(HELD, *files), retries=0).exhausted


def test_a_shard_that_kills_its_runners_is_given_up() -> None:
    files = [name for n in range(1, MOST_LOST + 1) for name in (f"w{n:03d}.claim-{n}", f"w{n:03d}.start-0.1")]
    seen = seen_with(*files)
    assert (len(one(seen).lost), one(seen).exhausted) == (MOST_LOST - 1, False)
    after = ("w999.claim-99", "w999.yield-99")
    for known in (1, 2):
        seen = seen_with(*files, *after[:known])
        assert (len(one(seen).lost), one(seen).exhausted) == (MOST_LOST, True)
    assert phase(seen, shards(seen, 1, 1)) is Phase.FAILED


def test_a_void_attempt_is_lost_and_the_shard_is_offered_again() -> None:
    attempt = parse_attempt(FIRST)
    assert attempt is not None
    seen = seen_with(HELD, START, DONE)
    state = one(seen, void=frozenset([attempt]))
    assert (names(state.done), names(state.lost), names(state.running)) == ([], [FIRST], [])
    assert not state.over


def test_an_attempt_is_void_also_where_its_start_is_not_listed() -> None:
    attempt = parse_attempt(FIRST)
    assert attempt is not None
    assert names(one(seen_with(HELD, DONE), void=frozenset([attempt])).lost) == [FIRST]


def test_accepted_is_complete_whatever_else_is_seen() -> None:
    for files in ((), (HELD, START), (FAILED, "aaaa.failed-0.2", "aaaa.failed-0.3")):
        state = one(seen_with("accepted-0-k3f9", *files), retries=0)
        assert state.accepted and state.complete and state.over


def test_shards_are_counted_each_for_itself() -> None:
    seen = seen_with(HELD, START, "aaaa.done-2.1", "accepted-3-k3f9", "aaaa.start-99.1")
    states = shards(seen, 4, 1)
    assert [state.number for state in states] == [0, 1, 2, 3]
    assert [state.complete for state in states] == [False, False, True, True]
    assert [bool(state.running) for state in states] == [True, False, False, False]


PHASES: list[tuple[str, tuple[str, ...], Phase]] = [
    ("nobody came", (), Phase.QUEUED),
    ("held", (HELD,), Phase.RUNNING),
    ("given up", (HELD, "aaaa.yield-1"), Phase.QUEUED),
    ("half done, nobody here", (DONE,), Phase.QUEUED),
    ("half done and held", (HELD, DONE), Phase.RUNNING),
    ("all done", (HELD, DONE, "aaaa.done-1.1"), Phase.DONE),
    ("all accepted", ("accepted-0-k3f9", "accepted-1-k3f9"), Phase.DONE),
    ("stopped", (HELD, "stop-k3f9"), Phase.STOPPED),
    ("stopped after all was done", (DONE, "aaaa.done-1.1", "stop-k3f9"), Phase.DONE),
    ("one failed for good, one waits", ("aaaa.failed-0.1", "aaaa.failed-0.2"), Phase.QUEUED),
    ("one failed for good, one done", ("aaaa.failed-0.1", "aaaa.failed-0.2", "aaaa.done-1.1"), Phase.FAILED),
    ("setup failed", (HELD, "aaaa.broken-1", "aaaa.yield-1"), Phase.SETUP_FAILED),
    (
        "setup failed after a take-over",
        (HELD, "bbbb.claim-2", "bbbb.broken-2", "bbbb.yield-2"),
        Phase.SETUP_FAILED,
    ),
    ("setup failed, tried again", (HELD, "aaaa.broken-1", "aaaa.yield-1", "bbbb.claim-2"), Phase.RUNNING),
    (
        "setup failed once, and was fine the next time",
        (HELD, "aaaa.broken-1", "aaaa.yield-1", "bbbb.claim-2", "bbbb.yield-2"),
        Phase.QUEUED,
    ),
]


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES])
def test_the_phase_of_a_run(files: tuple[str, ...], expected: Phase) -> None:
    seen = seen_with(*files)
    assert phase(seen, shards(seen, 2, 1)) is expected
