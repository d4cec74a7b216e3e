"""What ``hybrid push`` and ``hybrid run`` share: look at the tree, and publish it if it changed."""

from sync.changes import Look, Published, look, refuse_mass_deletion
from sync.clock import Clock
from sync.errors import NotFound
from sync.local.index import Index
from sync.mailbox import layout
from sync.progress import Progress
from sync.push import Push, Pushed

from .mailbox import Mailbox
from .project import Project

STATE = "state.db"


def see(project: Project, index: Index, clock: Clock, progress: Progress) -> Look:
    """The project's tree against what was pushed last. Never contacts the mailbox."""
    return look(
        project.root,
        index,
        clock,
        url=project.remote_url,
        include=project.config.push.include,
        progress=progress,
    )


def publish(
    mailbox: Mailbox, index: Index, seen: Look, clock: Clock, progress: Progress, *, accept_deletions: bool
) -> Pushed:
    """Publishes what ``seen`` found; the caller holds the push lock. Raises ConfirmationNeeded."""
    if not accept_deletions:
        refuse_mass_deletion(seen)
    found = mailbox.make()
    push = Push(
        mailbox.project.root,
        index,
        mailbox.remote,
        clock,
        base=mailbox.base,
        laptop=mailbox.laptop,
        url=mailbox.project.remote_url,
        mailbox=found.mailbox,
        progress=progress,
    )
    return push.publish(seen)


def check(mailbox: Mailbox, published: Published) -> list[str]:
    """What the mailbox lacks of the last published state: names of objects; empty where it is all there.

    Raises CorruptMailbox where the snapshot is damaged.
    """
    from sync.store.reader import Reader

    mailbox.require()
    try:
        root = Reader(mailbox.remote, mailbox.base).root(published.snapshot)
    except NotFound:
        return [published.snapshot]
    there = {
        f"{folder}/{file.name}"
        for folder in (layout.PACKS, layout.SNAPSHOTS)
        for file in mailbox.remote.list_files(f"{mailbox.base}/{folder}")
    }
    return [name for name in root.objects if name not in there]


def open_index(project: Project) -> tuple[Index, str]:
    """The project's index, and a sentence where what was there had to be set aside."""
    return Index.open(project.state_dir / STATE)
