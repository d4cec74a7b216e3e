"""What stays behind where ``[remote] url`` names another mailbox than before: runs that are not home."""

from dataclasses import replace

from sync.clock import Clock
from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound
from sync.local.index import Index
from sync.mailbox.opening import open_mailbox
from sync.mailbox.state import OVER
from sync.push.recover import known_mailbox

from . import runs
from .mailbox import Mailbox, opened
from .memory import Memory
from .project import Project
from .sizes import count
from .state import FILE_NAME, State

_MOST_NAMED = 3


class UsedMailbox:
    """The URL that the last command saw: the table ``used_mailbox`` of ``.hybrid/state.db``. What was pushed last does not
    tell, as the agent may push before a person does anything."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare("CREATE TABLE IF NOT EXISTS used_mailbox (one INTEGER PRIMARY KEY, url TEXT NOT NULL)")

    def url(self) -> str | None:
        with self._state.reading() as connection:
            row = connection.execute("SELECT url FROM used_mailbox WHERE one = 1").fetchone()
        return None if row is None else str(row[0])

    def note(self, url: str) -> None:
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO used_mailbox VALUES (1, ?)", (url,))


def left_behind(project: Project, state: State, before: str, clock: Clock) -> str:
    """A sentence on the runs of this laptop that are not home, and lie in the mailbox at ``before``; empty where there are
    none. Asks both mailboxes."""
    change = f"[remote] url was {before}, and is {project.remote_url} now"
    former = replace(
        project, config=replace(project.config, remote=replace(project.config.remote, url=before))
    )
    try:
        with opened(former, clock) as mailbox:
            there = open_mailbox(mailbox.remote, mailbox.base).mailbox
            left = _not_home(mailbox, Memory(state)) if there != _mailbox_of(project, clock) else []
    except HybridError as error:
        known = _known(project, before)
        if isinstance(error, NotFound) and known in (None, _mailbox_of(project, clock)):
            return ""  # nothing was ever there, or it was moved with all that is in it
        return f"{change}; whether runs are left there that are not home, nobody knows: {str(error).rstrip('.')}."
    if not left:
        return ""
    names = ", ".join(left[-_MOST_NAMED:]) + (" and others" if len(left) > _MOST_NAMED else "")
    are = "is" if len(left) == 1 else "are"
    return (
        f"{change}; {count(len(left), 'run')} of this laptop {are} left there and not home: {names}."
        " To bring them home, set it back until hybrid pull has them all."
    )


def _not_home(mailbox: Mailbox, memory: Memory) -> list[str]:
    """The runs of this laptop that are not over, or of which something is not here; oldest first."""
    closed = memory.closed()
    found = []
    for run_id in mailbox.run_ids():
        if run_id in closed:
            continue
        try:
            run = mailbox.run(run_id)
        except (NotFound, CorruptMailbox, NewerMailbox):
            continue
        if run.spec.laptop == mailbox.laptop and (
            run.phase not in OVER or runs.not_here(run, mailbox.laptop)
        ):
            found.append(run_id)
    return found


def _mailbox_of(project: Project, clock: Clock) -> str | None:
    """The id of the mailbox that the settings name; None where there is none yet, or it cannot be reached now."""
    try:
        with opened(project, clock) as mailbox:
            return mailbox.format.mailbox
    except HybridError:
        return None


def _known(project: Project, url: str) -> str | None:
    index, _ = Index.open(project.state_dir / FILE_NAME)
    with index:
        return known_mailbox(index, url)
