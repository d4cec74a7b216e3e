"""What the agent tells of itself: data that it writes down, and that other processes read at any time."""

from dataclasses import asdict, dataclass, field
from typing import Any

WATCHING = "watching"
"""All is published, or about to be."""
HELD = "held"
"""Something has to be settled before anything is published: by a person, by git, or by who is writing a file."""
OFFLINE = "offline"
"""The mailbox cannot be used now; what waits goes out when it can."""
AWAY = "away"
"""The project folder is not there, or cannot be read."""
STARTING = "starting"
STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What is not published yet. ``files`` and ``bytes`` are None while nobody has looked; ``since`` is wall clock;
    ``why`` it waits is a clause."""

    files: int | None
    bytes: int | None
    since: float
    why: str


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run of this laptop that is not closed. ``here`` are the shards that were pulled; ``left_s`` seconds that the rest
    will take, None where nothing tells; ``note`` a clause on what holds it, or nothing."""

    run: str
    name: str
    phase: str
    target: str
    shards: int
    complete: int
    failed: int
    here: int
    left_s: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What only a person can do: a sentence, and a command or another sentence saying how. ``key`` tells one need from
    another, so that each is told once."""

    key: str
    what: str
    how: str


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """The last thing that failed, at wall clock ``at``; it may be over."""

    at: float
    what: str
    how: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """Times are this laptop's wall clock.

    state      one of the words above
    watch      how changes are noticed: ``events``, or ``polling`` and why, as a clause
    published  of the last published snapshot: ``seq``, ``snapshot``, ``created``, ``files``, ``bytes``; None before that
    next_look  when the mailbox is looked at again; None: when there is a reason
    port       where the agent hears that there is something new, on this machine; 0 for nowhere
    held_back  what stays here for a rule or its name, some of it
    spent      money that the agent's machines have cost, by currency; empty where none costs any
    """

    pid: int
    born: str
    root: str
    state: str
    started: float
    written: float
    watch: str = "events"
    published: dict[str, Any] | None = None
    waiting: Waiting | None = None
    runs: list[RunLine] = field(default_factory=list)
    next_look: float | None = None
    trouble: Trouble | None = None
    problems: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=dict)
    port: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Status | None":
        """What ``to_json`` gave; None where another version wrote it."""
        try:
            waiting, trouble = document["waiting"], document["trouble"]
            return cls(
                **{
                    **document,
                    "waiting": Waiting(**waiting) if waiting else None,
                    "trouble": Trouble(**trouble) if trouble else None,
                    "runs": [RunLine(**each) for each in document["runs"]],
                    "needs": [Need(**each) for each in document["needs"]],
                }
            )
        except (KeyError, TypeError):
            return None
