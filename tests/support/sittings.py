"""Grading over a longer time, lived through in moments: whoever waits has the next thing happen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.arrivals import Homecoming
from agent.grading import Said, request_for
from agent.hours import Hours
from agent.project import Project as AgentProject
from agent.sittings import Sitting, Sittings
from agent.when import When
from sync.clock import ManualClock
from sync.progress import Silent
from tests.support.agents import at


class Acting(ManualClock):
    """Each sleep has the next of ``acts`` happen; a sleep with nothing left to happen fails the test."""

    def __init__(self, *acts: Callable[[], object], wall: float = 1_700_000_000.0) -> None:
        super().__init__(wall)
        self.acts = list(acts)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        assert self.acts, "nothing more is to happen, and yet it is waited for"
        self.acts.pop(0)()


def nothing() -> None:
    pass


@contextmanager
def following(
    root: Path,
    clock: ManualClock,
    said: list[str],
    run: str = "r1",
    *,
    when: When | None = None,
    judges: tuple[str, ...] = (),
) -> Iterator[Iterator[Sitting]]:
    """The sittings of ``hybrid grade RUN --follow``; ``said`` gets what it says."""
    with at(root, clock) as (mailbox, state):
        hours = Hours(when or When(), clock)
        request = request_for(AgentProject.find(root), run, Said(judges=judges), hours)
        arrivals = Homecoming(mailbox, state, run, said.append)
        yield iter(Sittings(request, arrivals, hours, progress=Silent(), clock=clock, say=said.append))
