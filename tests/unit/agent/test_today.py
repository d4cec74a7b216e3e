"""What ``hybrid today`` makes of a journal, of grades and of the agent's status."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.daemon.tell import events
from agent.daemon.tell.events import Event
from agent.daemon.tell.journal import Entry
from agent.daemon.tell.status import Need, RunLine, Status, Waiting
from agent.today import DayGrade, DayRun, Today, graded_files, tell
from agent.today_page import bar, gauge, grades, head, next_step, runs, sparkline, tail
from agent.today_since import midnight, moment
from sync.errors import UsageError

SINCE, UNTIL = 1_795_132_800.0, 1_795_230_000.0
RUN = "20261120-083105-train-9f3a"


pytestmark = pytest.mark.platform


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone is the system's own here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def entry(kind: str, at: float = SINCE, run: str = "", **data: Any) -> Entry:
    return Entry(at=at, event=Event(kind=kind, text="It was.", run=run, data=data))


def status(**parts: Any) -> Status:
    return Status(pid=1, born="", root="/p", state="watching", started=0, written=0, **parts)


def day(
    *entries: Entry,
    found: Status | None = None,
    queued: dict[str, float] | None = None,
    closed: dict[str, str] | None = None,
    read: tuple[DayGrade, ...] = (),
) -> Today:
    return tell(entries, read, found, queued=queued or {}, closed=closed or {}, since=SINCE, until=UNTIL)


def grade(**parts: Any) -> DayGrade:
    whole = {"run": RUN, "scorer": "includes", "right": 312.0, "scored": 390, "samples": 400, "missing": 3}
    return DayGrade(**{**whole, "at": SINCE, "ledger": "a.parquet", **parts})


def test_pushes_are_counted_also_where_an_event_tells_less() -> None:
    found = day(entry(events.PUBLISHED, changed=3, sent_bytes=500), entry(events.PUBLISHED), entry("later"))
    assert (found.pushes.count, found.pushes.files, found.pushes.sent_bytes) == (2, 3, 500)
    assert "2 pushes (3 files, 500 B sent)" in head(found)


def test_a_run_is_told_from_queue_to_end() -> None:
    found = day(
        entry(events.QUEUED, SINCE, RUN, name="train", shards=4),
        entry(events.STARTED, SINCE + 5, RUN),
        entry(events.PULLED, SINCE + 60, RUN, here=2),
        entry(events.DONE, SINCE + 600, RUN, here=4, shards=4),
    )
    [run] = found.runs
    assert run == DayRun(
        run=RUN, name="train", phase="done", queued=SINCE, ended=SINCE + 600, took_s=600, shards=4, here=4
    )
    assert runs(found) == (
        ("run", "name", "phase", "took", "shards"),
        [(RUN, "train", "done", "10 min", "4/4")],
    )


def test_the_end_of_a_run_is_told_also_where_only_a_command_saw_it() -> None:
    queued = entry(events.QUEUED, SINCE, RUN)
    assert day(queued).runs[0].phase == "queued"
    assert day(queued, closed={RUN: "done"}).runs[0].phase == "done"
    assert day(queued, entry(events.STOPPED, SINCE, RUN)).runs[0].phase == "stopped"


def test_a_run_that_was_queued_before_has_its_whole_length() -> None:
    [run] = day(entry(events.DONE, SINCE + 60, RUN), queued={RUN: SINCE - 3600}).runs
    assert (run.took_s, run.name) == (3660, "train")
    [run] = day(entry(events.DONE, SINCE, RUN), queued={RUN: SINCE + 1}).runs
    assert run.took_s is None  # the clock was set back
    [run] = day(entry(events.DONE, UNTIL, RUN)).runs
    assert run.queued == moment("2026-11-20T09:31:05", UNTIL)  # its id says so, in UTC
    assert day(entry(events.DONE, SINCE, "20269999-999999-x-0000")).runs[0].queued is None


def test_a_run_that_goes_on_has_not_ended() -> None:
    line = RunLine(
        run=RUN,
        name="train",
        phase="running",
        target="local",
        shards=9,
        complete=3,
        failed=0,
        here=2,
        note="slow",
    )
    failed, started = entry(events.FAILED, SINCE, RUN), entry(events.STARTED, SINCE + 60, RUN)
    [run] = day(failed, started, found=status(runs=[line])).runs
    assert (run.phase, run.ended, run.here, run.shards) == ("running", None, 2, 9)
    assert runs(day(found=status(runs=[line])))[1][0][2] == "running: slow"
    [run] = day(started, failed).runs
    assert run.phase == "failed" and run.ended == SINCE


def test_grades_of_an_event_are_not_read_again() -> None:
    told = entry(
        events.GRADED,
        run=RUN,
        scorer="numeric",
        right=1.5,
        scored=2,
        samples=3,
        missing=1,
        ledger="a.parquet",
        judges=["qwen3:4b"],
    )
    vague = entry(events.GRADED, run=RUN)
    assert graded_files([told, vague]) == {"a.parquet"}
    found = day(told, vague, read=(grade(ledger="b.parquet", at=SINCE + 1),))
    assert [each.ledger for each in found.grades] == ["a.parquet", "b.parquet"]
    assert found.to_json()["grades"][0]["rate"] == 0.75
    assert [each.judges for each in found.grades] == [["qwen3:4b"], ()]
    assert head(found).endswith(": 2 gradings.")


def test_grades_are_told_with_their_samples() -> None:
    other = grade(ledger="b", scored=0, right=0.0, missing=0, scorer="cascade", judges=["a:1b", "b"])
    found = day(read=(grade(), other))
    assert grades(found)[1] == [
        (RUN, "includes", "80.0 %", "312/390", "10 could not be, 3 never answered"),
        (RUN, "cascade and a:1b and b", "none", "0/0", "400 could not be"),
    ]
    columns, rows = grades(found, lambda run: run[:15], pictures=True)
    assert rows[0][0] == "20261120-083105" and rows[0][3] == "████████░░" and len(columns) == len(rows[0])


def test_a_model_that_decided_alone_is_named_alone() -> None:
    found = day(read=(grade(scorer="judge", judges=["a:1b"]),))
    assert grades(found)[1][0][1] == "a:1b"


def test_what_needs_a_person_and_money_are_told_where_there_is_any() -> None:
    need = Need(key="login", what="The login was refused.", how="hybrid login drive")
    waiting = Waiting(files=1, bytes=1, since=0, why="the mailbox cannot be reached")
    found = day(found=status(needs=[need], spent={"EUR": 3.2, "USD": 0.0}, waiting=waiting))
    assert tail(found) == [
        "Needs you: The login was refused. hybrid login drive",
        "Spent by the agent's machines: 3.20 EUR.",
    ]
    assert "the mailbox cannot be reached" in head(found)
    assert (tail(day()), head(day())) == ([], "Since Fri 20 Nov 01:00: nothing.")


def test_the_next_step_is_that_of_the_newest_run() -> None:
    done = entry(events.DONE, run=RUN)
    assert next_step(day(done)) == f"hybrid grade {RUN}"
    assert next_step(day(done, read=(grade(),))) == ""
    assert next_step(day(done, entry(events.FAILED, run="r2"))) == "hybrid logs r2"
    assert next_step(day(entry(events.QUEUED, run="r3"))) == "hybrid status"


MOMENTS = st.none() | st.floats(SINCE - 1e6, UNTIL + 1e6)


@given(queued=MOMENTS, ended=MOMENTS, until=st.floats(SINCE, UNTIL))
def test_a_bar_has_its_width_whatever_the_clock_did(
    queued: float | None, ended: float | None, until: float
) -> None:
    drawn = bar(DayRun(run="r", name="r", phase="done", queued=queued, ended=ended), SINCE, until)
    assert len(drawn) == 24 and "━" in drawn and set(drawn) <= {"━", "·"}
    assert "━" not in drawn.strip("·").replace("━", "")


@given(times=st.lists(st.floats(SINCE - 10, UNTIL + 10), max_size=300))
def test_a_sparkline_has_its_width(times: list[float]) -> None:
    drawn = sparkline(times, SINCE, UNTIL)
    assert len(drawn) == 24 and (not times or "█" in drawn) and (times or set(drawn) == {"▁"})


@given(right=st.integers(0, 1000), scored=st.integers(0, 1000))
def test_a_gauge_is_full_only_where_all_is_right(right: int, scored: int) -> None:
    right = min(right, scored)
    drawn = gauge(grade(right=float(right), scored=scored))
    assert (drawn == "") == (scored == 0)
    if scored:
        assert len(drawn) == 10
        assert ("░" not in drawn) == (right == scored) and ("█" not in drawn) == (right == 0)


def test_times_are_understood_as_people_say_them() -> None:
    now = moment("2026-11-21T06:00", 2e9)
    assert moment("24h", now) == moment("1d", now) == moment("1440m", now) == now - 86_400
    assert moment(None, now) == moment("yesterday", now) == moment("2026-11-20", now) == now - 30 * 3600
    assert moment("today", now) == moment("2026-11-21", now) == now - 6 * 3600
    assert moment("9999999d", now) == 0
    for word in ("tomorrow", "", "5", "2026-13-01", "0001-01-01T00:00:99", "2027-01-01"):
        with pytest.raises(UsageError):
            moment(word, now)


@given(now=st.floats(1e8, 4e9))
def test_a_day_begins_at_midnight_also_when_the_clocks_are_changed(now: float) -> None:
    today, before = midnight(now), midnight(now, days=-1)
    assert time.localtime(today)[3:6] == (0, 0, 0) == time.localtime(before)[3:6]
    assert 0 <= now - today < 25 * 3600 and 23 * 3600 <= today - before <= 25 * 3600
