"""What ``hybrid push`` and ``hybrid run`` share: look at the tree, and publish it if it changed."""

from dataclasses import replace

from sync.changes import Look, Published, look
from sync.clock import Clock
from sync.errors import CorruptMailbox, NotFound, Problem, Unreachable
from sync.local.index import Index
from sync.mailbox import layout
from sync.mailbox.records import Format
from sync.progress import Progress
from sync.push import Push, Pushed
from sync.recover import known_mailbox

from .mailbox import Mailbox
from .project import Project
from .state import FILE_NAME


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
    url = mailbox.project.remote_url
    if new_mailbox or known_mailbox(index, url) is None:
        return mailbox.make()
    for wait_s in (mailbox.remote.capabilities.settle_s, 0.0):
        try:
            return mailbox.format
        except NotFound:
            mailbox.clock.sleep(wait_s)  # it may only be too new to be seen
    raise Unreachable(
        f"The mailbox that this project was pushed to is not at {url} any more.",
        "See whether a disk is missing there. To begin a new mailbox: hybrid push --new-mailbox",
    )


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


def current(
    mailbox: Mailbox, index: Index, seen: Look, clock: Clock, progress: Progress, *, accept_deletions: bool
) -> tuple[Published, list[Problem]]:
    """A snapshot of the project as it is now that is in the mailbox for certain, and the paths that are not in it."""
    before = seen.before
    if seen.nothing_to_do and before is not None and meet(mailbox, index).mailbox == before.mailbox:
        try:
            mailbox.remote.read(f"{mailbox.base}/{before.snapshot}", 0, 1)
            return before, seen.scan.problems
        except NotFound:
            seen = send_again(index, seen, [before.snapshot])
    done = publish(mailbox, index, seen, clock, progress, accept_deletions=accept_deletions)
    return done.published, done.problems


def missing(mailbox: Mailbox, index: Index, published: Published) -> list[str]:
    """What the mailbox lacks of the last published state: names of objects; empty where it is all there.

    A pack that is cut short is removed: the same content makes the same name, which must be free for it.
    """
    from sync.store.reader import Reader

    if meet(mailbox, index).mailbox != published.mailbox:
        return [published.snapshot]
    try:
        root = Reader(mailbox.remote, mailbox.base).root(published.snapshot)
    except (NotFound, CorruptMailbox):
        return [published.snapshot]
    sizes = {
        f"{folder}/{file.name}": file.size
        for folder in (layout.PACKS, layout.SNAPSHOTS)
        for file in mailbox.remote.list_files(f"{mailbox.base}/{folder}")
    }
    least = index.reaches()
    lost = [name for name in root.objects if sizes.get(name, 0) < least.get(name, 1)]
    for name in lost:
        if name in sizes and name.startswith(f"{layout.PACKS}/"):
            mailbox.remote.delete(f"{mailbox.base}/{name}")
    return lost


def send_again(index: Index, seen: Look, gone: list[str]) -> Look:
    """Forgets objects that the mailbox has lost: publishing what this returns sends their content again.

    Killed before it is published, the next push does so: nothing counts as published any more.
    """
    with index.at_once():
        index.drop_objects(gone)
        index.meta_set("published", "")
    return replace(seen, before=None)


def open_index(project: Project) -> tuple[Index, str]:
    """The project's index, and a sentence where what was there had to be set aside."""
    return Index.open(project.state_dir / FILE_NAME)
