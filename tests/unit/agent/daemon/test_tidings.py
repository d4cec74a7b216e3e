"""What is written down of a push, a run and a pull."""

from pathlib import Path

import pytest

from agent.daemon.tell import tidings
from agent.daemon.tell.events import DONE, FAILED, PUBLISHED, PULLED
from sync.mailbox.state import Phase
from sync.pull.pulled import Pulled
from sync.push.changes import Published
from sync.push.publish import Pushed
from tests.support.projects import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def pulled(phase: Phase, fetched: int, present: int = 0) -> Pulled:
    return Pulled(
        run="r1",
        phase=phase,
        states=[],
        folder=Path("x"),
        fetched=list(range(fetched)),
        present=list(range(fetched, fetched + present)),
        files=fetched,
    )


@pytest.mark.parametrize(
    "phase, fetched, present, kind",
    [
        (Phase.DONE, 1, 2, DONE),
        (Phase.DONE, 0, 3, DONE),
        (Phase.DONE, 1, 0, PULLED),  # some of it cannot be used yet
        (Phase.RUNNING, 2, 0, PULLED),
        (Phase.RUNNING, 0, 2, None),
        (Phase.QUEUED, 0, 0, None),
        (Phase.FAILED, 0, 2, FAILED),
        (Phase.SETUP_FAILED, 0, 0, None),  # it may go on
        (Phase.STOPPED, 1, 0, FAILED),
    ],
)
def test_a_pull_is_worth_a_word_where_something_came_or_ended(
    project: Project, phase: Phase, fetched: int, present: int, kind: str | None
) -> None:
    spec = project.queue(name="train", shards=3)
    found = tidings.pulled(spec, pulled(phase, fetched, present))
    assert (found.kind if found else None) == kind
    if found:
        assert found.run == "r1" and found.data["here"] == fetched + present and found.text.endswith(".")
        assert bool(found.how) == (kind == FAILED)


def test_pulling_again_what_was_home_is_no_news(project: Project) -> None:
    spec = project.queue(shards=3)
    assert tidings.pulled(spec, pulled(Phase.DONE, 0, 3), by_hand=True) is None
    found = tidings.pulled(spec, pulled(Phase.DONE, 1, 2), by_hand=True)
    assert found is not None and found.data["hand"]


def test_a_push_is_told_with_what_it_took() -> None:
    state = Published(
        snapshot="s",
        seq=7,
        tree="t",
        files=100,
        bytes=5,
        url="u",
        mailbox="m",
        created=0.0,
        leans_on=[],
    )
    done = Pushed(
        published=state,
        changed=1,
        removed=2,
        new_bytes=9,
        sent_bytes=2_500,
        objects=2,
        unpublished=False,
        written={},
    )
    found = tidings.published(done)
    assert (found.kind, found.text) == (PUBLISHED, "Snapshot 7 was published: 1 file read, 2.5 kB sent.")
    assert found.data == {"seq": 7, "files": 100, "changed": 1, "removed": 2, "sent_bytes": 2_500}
