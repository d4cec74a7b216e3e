"""What a person is notified of, and of what no second time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import config
from agent.daemon.tell.events import DONE, FAILED, GRADED, PUBLISHED, Event
from agent.daemon.tell.journal import Entry
from agent.daemon.tell.notices import APART_S, NEWS_S, Decision, Told, ToldTable, decide
from agent.daemon.tell.status import Need, Status, Waiting
from agent.project import Project
from agent.state import State, opened

NOW = 1_800_000_000.0
CONFIG = config.Config(project=config.ProjectSettings(id="p"))
BEGUN = Told(keys={})
LOGIN = Need(key="login", what="The login was refused.", how="hybrid login drive")


def done(run: str, at: float = NOW, **data: Any) -> Entry:
    event = Event(kind=DONE, text=f"Run {run} is done.", run=run, data={"name": run, **data})
    return Entry(at=at, event=event)


def failed(run: str, text: str = "It ended at 212 of 400.", at: float = NOW) -> Entry:
    event = Event(kind=FAILED, text=text, how="Continue: https://x.test/a", run=run, data={"name": run})
    return Entry(at=at, event=event)


def status(**parts: Any) -> Status:
    return Status(pid=1, born="", root="/p", state="watching", started=0, written=0, **parts)


def look(
    entries: Sequence[Entry] = (),
    needs: Sequence[Need] = (),
    told: Told = BEGUN,
    now: float = NOW,
    found: Status | None = None,
    budgets: dict[str, float] | None = None,
) -> Decision:
    return decide(entries, needs, found, told, now, project="p", unpublished_hours=4, budgets=budgets)


def text(decision: Decision) -> str:
    return decision.notice.text if decision.notice else ""


def test_a_run_is_told_once() -> None:
    first = look([done("r1")])
    assert first.notice is not None and first.notice.title == "hybrid: p" and text(first) == "Run r1 is done."
    assert look([done("r1")], told=first.told, now=NOW + 3600).notice is None


def test_what_a_person_did_and_what_needs_nobody_is_not_told() -> None:
    quiet = [Entry(at=NOW, event=Event(kind=kind, text="x.", run="r1")) for kind in (PUBLISHED, GRADED)]
    assert look([done("r1", hand=True), *quiet]).notice is None


def test_a_run_that_could_not_be_graded_is_told() -> None:
    event = Event(kind=GRADED, text="Run r1 could not be graded: why.", run="r1", data={"failed": True})
    assert "could not be graded" in text(look([done("r1"), Entry(at=NOW, event=event)]))


def test_old_news_is_not_told() -> None:
    assert look([done("r1", at=NOW - NEWS_S - 1)]).notice is None
    first = look([done("r1")], told=Told(keys={}, first=True))
    assert first.notice is None
    assert "r2" in text(look([done("r1"), done("r2")], told=first.told))


def test_what_a_person_must_do_is_told_at_the_first_look_with_how() -> None:
    assert text(look(needs=[LOGIN], told=Told(keys={}, first=True))).splitlines() == [LOGIN.what, LOGIN.how]
    assert "https://x.test/a" in text(look([failed("r1")]))


def test_several_are_one_notice_and_who_must_act_comes_first() -> None:
    entries = [*(done(f"r{number}") for number in range(5)), failed("r9")]
    lines = text(look(entries, needs=[LOGIN])).splitlines()
    assert lines == [
        "The login was refused. hybrid login drive",
        "It ended at 212 of 400. Continue: https://x.test/a",
        "5 runs are done: r0, r1, r2 and 2 more.",
        "hybrid today",
    ]


def test_a_run_that_waits_again_is_told_again() -> None:
    first = look([failed("r1")])
    again = look([failed("r1"), failed("r1", "It ended at 300 of 400.")], told=first.told, now=NOW + 120)
    assert text(again).splitlines()[0] == "It ended at 300 of 400."


def test_a_need_is_told_again_only_after_it_was_over_for_long() -> None:
    told = look(needs=[LOGIN]).told
    told = look(told=told, now=NOW + 100).told
    told = look(needs=[LOGIN], told=told, now=NOW + 200).told
    assert look(needs=[LOGIN], told=told, now=NOW + 1000).notice is None
    told = look(told=told, now=NOW + 5000).told
    told = look(told=told, now=NOW + 5700).told
    assert look(needs=[LOGIN], told=told, now=NOW + 5800).notice is not None


def test_a_need_that_stays_for_months_is_told_once() -> None:
    told, shown = BEGUN, 0
    for day in range(200):
        found = look(needs=[LOGIN], told=told, now=NOW + day * 86_400)
        told, shown = found.told, shown + (found.notice is not None)
    assert shown == 1


def test_changes_that_stay_are_told_with_why() -> None:
    waiting = Waiting(files=3, bytes=5, since=NOW - 4 * 3600, why="the mailbox cannot be reached")
    found = look(found=status(waiting=waiting, published={"seq": 7}))
    assert "Nothing was published for 4 hours" in text(found) and "cannot be reached" in text(found)
    later = status(waiting=waiting, published={"seq": 7})
    assert look(found=later, told=found.told, now=NOW + 86_400).notice is None
    assert look(found=status(waiting=waiting, published={"seq": 7}), now=NOW - 1).notice is None


def test_a_budget_is_told_when_it_is_near_and_when_it_is_spent() -> None:
    assert look(found=status(spent={"EUR": 8.0})).notice is None
    assert look(found=status(spent={"EUR": 7.9}), budgets={"EUR": 10}).notice is None
    near = look(found=status(spent={"EUR": 8.0}), budgets={"EUR": 10})
    assert text(near).splitlines()[0] == "8.00 of 10.00 EUR are spent."
    assert look(found=status(spent={"EUR": 9.0}), budgets={"EUR": 10}, told=near.told).notice is None
    over = look(found=status(spent={"EUR": 10.5}), budgets={"EUR": 10}, told=near.told, now=NOW + 61)
    assert "10.50" in text(over)


def test_names_from_the_mailbox_cannot_steer_a_screen() -> None:
    assert "\x1b" not in text(look([failed("r1", "bad\x1b[2J\nname " + "x" * 5000)]))
    assert len(text(look([failed("r1", "x" * 5000)]))) < 500


@given(gaps=st.lists(st.floats(0, 900), min_size=1, max_size=60), urgent=st.booleans())
def test_never_more_than_a_few_an_hour_and_nothing_is_lost(gaps: list[float], urgent: bool) -> None:
    told, now, shown, entries = BEGUN, NOW, list[float](), list[Entry]()
    for number, gap in enumerate(gaps):
        now += gap
        entries.append(done(f"run{number}", at=now))
        needs = [Need(key=f"n{number}", what="x.", how="")] if urgent else []
        found = look(entries, needs, told, now)
        told = found.told
        assert (found.notice is None) == (found.again_s is not None)
        if found.notice:
            shown.append(now)
    last = look(entries, [], told, now + 3601)
    keys = {*last.told.keys}
    assert {
        f"done:run{number}" for number in range(len(gaps)) if entries[number].at > now + 3601 - NEWS_S
    } <= keys
    for at in shown:
        assert len([each for each in shown if at <= each < at + 3600]) <= (6 if urgent else 4)
    assert all(later - earlier >= APART_S - 0.001 for earlier, later in pairwise(shown))


@given(seconds=st.floats(-1e7, 1e7))
def test_a_clock_that_jumps_silences_nothing(seconds: float) -> None:
    told = look([done("r1")]).told
    now = NOW + seconds
    found = look([done("r2", at=now)], told=told, now=now)
    assert found.notice is not None or (found.again_s is not None and found.again_s <= 3600)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with opened(Project(root=tmp_path, config=CONFIG), pytest.fail) as found:
        yield found


def test_what_was_told_outlives_the_process(state: State) -> None:
    table = ToldTable(state)
    assert table.load().first
    told = look([done("r1")], [LOGIN], table.load()).told
    told = look(told=told, now=NOW + 1).told
    table.save(told)
    found = ToldTable(state).load()
    assert (found.keys, list(found.shown), found.gone) == (told.keys, list(told.shown), told.gone)
    assert not found.first and found.gone == {"need:login": NOW + 1}
