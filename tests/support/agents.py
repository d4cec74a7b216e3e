"""A project in this process, seen by the parts of the agent: its mailbox, its state, its clock."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import pushing
from agent.daemon.publish.autorun import AutoRuns
from agent.daemon.runs.outcome import Outcome
from agent.mailbox import Mailbox, opened
from agent.project import Project
from agent.state import State
from agent.state import opened as opened_state
from sync.clock import Clock, SystemClock
from sync.progress import Silent
from sync.push.changes import Published

EVAL = """
[auto]
run = "eval"
on = ["src/**"]

[run.eval]
command = "python3 src/eval.py"
"""


@contextmanager
def at(root: Path, clock: Clock | None = None) -> Iterator[tuple[Mailbox, State]]:
    """The mailbox and the state of the project in ``root``; a state that had to be set aside fails the test."""
    project = Project.find(root)
    said: list[str] = []
    with opened(project, clock or SystemClock()) as mailbox, opened_state(project, said.append) as state:
        yield mailbox, state
    assert not said


def publish_and_queue(root: Path, auto: AutoRuns | None = None) -> Outcome:
    """Publishes the project as it is, and lets the agent queue what is due; as the agent does it, under one lock."""
    clock = SystemClock()
    project = Project.find(root)
    index, _ = pushing.open_index(project)
    with index, project.lock("push"), pushing.Contact(project, index, clock) as contact:
        met = contact.met()
        before = index.files()
        seen = pushing.view(project, clock).look(index)
        changed = {entry.path for entry in seen.changed} | set(seen.removed) | set(seen.moved)
        published, _ = pushing.current(met, index, seen, clock, Silent(), accept_deletions=True)
        with opened_state(project, print) as state:
            duty = auto or AutoRuns(random.Random())
            return duty.published(met.mailbox, state, index, published, changed if before else None)


def published_of(root: Path) -> Published:
    project = Project.find(root)
    index, _ = pushing.open_index(project)
    with index:
        found = Published.load(index, project.remote_url)
    assert found is not None
    return found
