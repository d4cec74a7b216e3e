"""An agent at work on a laptop's project: a real process, started by the real command, and what it tells of itself."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agent.daemon.tell.journal import Entry, Journal
from agent.daemon.tell.record import document
from agent.project import Project
from agent.state import opened
from tests.support.laptop import Laptop

LOOK_S = 0.1
_SHOWN = 4_000


class AtWork:
    """``project_id`` is that of the laptop's project."""

    def __init__(self, laptop: Laptop, project_id: str) -> None:
        self._laptop = laptop
        self.place: Path = laptop.home / "data" / "agents" / project_id
        self.pid = 0

    def start(self) -> None:
        told = self._laptop.hybrid("agent", "start", "--json").json
        assert told["started"], told
        self.pid = told["pid"]

    def kill(self) -> None:
        """SIGKILL; returns once it is gone, and its lock with it."""
        os.kill(self.pid, signal.SIGKILL)
        until(
            lambda: not self._laptop.hybrid("agent", "status", "--json", expect=None).json["running"], "death"
        )

    def status(self) -> dict[str, Any]:
        """What it told last, as ``agent.daemon.tell.status.Status``."""
        return document(self.place) or {}

    def until(
        self, reached: Callable[[dict[str, Any]], object], what: str, limit: float = 60
    ) -> dict[str, Any]:
        """Its status, once that is so."""
        found: dict[str, Any] = {}

        def look() -> bool:
            found.clear()
            found.update(self.status())
            return bool(found) and bool(reached(found))

        try:
            until(look, what, limit)
        except AssertionError as error:
            error.add_note(f"{found}\n{self.log()[-_SHOWN:]}")
            raise
        return found

    def log(self) -> str:
        path = self.place / "agent.log"
        return path.read_text() if path.exists() else "no log"

    def journal(self) -> list[Entry]:
        with opened(Project.find(self._laptop.project), warn=_no_warning) as state:
            return Journal(state).since(0.0)


@contextlib.contextmanager
def at_work(laptop: Laptop, project_id: str) -> Iterator[AtWork]:
    """Not started yet; ended at the end, with its runners. A trace in its log fails the test."""
    agent = AtWork(laptop, project_id)
    try:
        yield agent
    except BaseException as error:
        error.add_note(agent.log()[-_SHOWN:])
        raise
    finally:
        laptop.hybrid("agent", "stop", expect=None)
    log = agent.log()
    assert "Traceback" not in log, log[log.index("Traceback") - 400 :][:_SHOWN]


def until(reached: Callable[[], object], what: str, limit: float = 60) -> None:
    end = time.monotonic() + limit
    while not reached():
        assert time.monotonic() < end, f"{what} does not come within {limit:g} s"
        time.sleep(LOOK_S)


def _no_warning(text: str) -> None:
    raise AssertionError(text)
