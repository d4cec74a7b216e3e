"""What the agent did or found out, as plain data: the journal keeps it, and desktop notices are made of it."""

from dataclasses import dataclass, field
from typing import Any

PUBLISHED = "published"
"""A snapshot of the tree is in the mailbox."""
QUEUED = "queued"
"""A run was made because files changed."""
SUPERSEDED = "superseded"
"""A run that nobody had begun was stopped for a newer one."""
STARTED = "started"
"""A runner was started."""
DONE = "done"
"""A run is over, and all of it is here."""
FAILED = "failed"
"""A run is over without being done, or waits for a person."""
STOPPED = "stopped"
"""A run was stopped for good."""
PULLED = "pulled"
"""Outputs arrived here."""
GRADED = "graded"
"""A run was graded, or cannot be."""
NEED = "need"
"""Something that only a person can do."""
OFFLINE = "offline"
ONLINE = "online"

KINDS = (PUBLISHED, QUEUED, SUPERSEDED, STARTED, DONE, FAILED, STOPPED, PULLED, GRADED, NEED, OFFLINE, ONLINE)


@dataclass(frozen=True, kw_only=True)
class Event:
    """``kind`` is one of ``KINDS``; ``text`` a sentence that says what happened; ``how`` a command or a sentence for the
    next step, or nothing; ``run`` the run's id where it is about one; ``data`` what JSON can hold."""

    kind: str
    text: str
    how: str = ""
    run: str = ""
    data: dict[str, Any] = field(default_factory=dict)
