"""What ``hybrid push`` and ``hybrid run`` share: look at the tree, and publish it if it changed."""

from dataclasses import replace

from sync.changes import Look, Published, look
from sync.clock import Clock
from sync.errors import CorruptMailbox, NotFound, Unreachable
from sync.local.index import Index
from sync.mailbox import layout
from sync.mailbox.records import Format
from sync.progress import Progress
from sync.push import Push, Pushed
from sync.recover import known_mailbox

from .mailbox import Mailbox
from .project import Project

STATE = "state.db"


def see(project: Project, index: Index, clock: Clock, progress: Progress, *, thorough: bool = False) -> Look:
    """The project's tree against what was pushed last. Never contacts the mailbox. ``thorough`` as for ``look``."""
    return look(
        project.root,
        index,
        clock,
        url=project.remote_url,
        include=project.config.push.include,
        outputs=project.config.project.outputs,
        thorough=thorough,
        progress=progress,
    )


def meet(mailbox: Mailbox, index: Index, *, new_mailbox: bool = False) -> Format:
    """The mailbox, made where this project was never pushed to its URL, or where ``new_mailbox`` says so.

    Raises Unreachable where it was there before: an empty folder in its place is mostly a disk that is not mounted.
    """
    if new_mailbox or known_mailbox(index, mailbox.project.remote_url) is None:
        return mailbox.make()
    try:
        return mailbox.format
    except NotFound as error:
        raise Unreachable(
            f"The mailbox that this project was pushed to is not at {mailbox.project.remote_url} any more.",
            "See whether a disk is missing there. To begin a new mailbox: hybrid push --new-mailbox",
        ) from error


def publish(
    mailbox: Mailbox,
    index: Index,
    seen: Look,
    clock: Clock,
    progress: Progress,
    *,
    accept_deletions: bool = False,
    new_mailbox: bool = False,
) -> Pushed:
    """Publishes what ``seen`` found; the caller holds the push lock. Raises ConfirmationNeeded."""
    try:
        push = Push(
            mailbox.project.root,
            index,
            mailbox.remote,
            clock,
            base=mailbox.base,
            laptop=mailbox.laptop,
            url=mailbox.project.remote_url,
            mailbox=meet(mailbox, index, new_mailbox=new_mailbox).mailbox,
            progress=progress,
        )
        return push.publish(seen, accept_deletions=accept_deletions)
    except NotFound as error:
        # Where a push writes there are folders, unless the mailbox has gone away or something stands in its place.
        raise Unreachable(str(error), error.hint) from error


def missing(mailbox: Mailbox, index: Index, published: Published) -> list[str]:
    """What the mailbox lacks of the last published state: names of objects; empty where it is all there."""
    from sync.store.reader import Reader

    if meet(mailbox, index).mailbox != published.mailbox:
        return [published.snapshot]
    try:
        root = Reader(mailbox.remote, mailbox.base).root(published.snapshot)
    except (NotFound, CorruptMailbox):
        return [published.snapshot]
    there = {
        f"{folder}/{file.name}"
        for folder in (layout.PACKS, layout.SNAPSHOTS)
        for file in mailbox.remote.list_files(f"{mailbox.base}/{folder}")
    }
    return [name for name in root.objects if name not in there]


def send_again(index: Index, seen: Look, gone: list[str]) -> Look:
    """Forgets objects that the mailbox has lost: publishing what this returns sends their content again."""
    index.drop_objects(gone)
    return replace(seen, before=None)


def open_index(project: Project) -> tuple[Index, str]:
    """The project's index, and a sentence where what was there had to be set aside."""
    return Index.open(project.state_dir / STATE)
