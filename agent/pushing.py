"""What ``hybrid push`` and ``hybrid run`` share: look at the tree, and publish it if it changed."""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType

from sync.clock import Clock
from sync.errors import CorruptMailbox, HybridError, NotFound, Problem, Unreachable
from sync.local.git import Commit
from sync.local.index import Index
from sync.mailbox import layout
from sync.mailbox.records import Format
from sync.progress import Progress
from sync.push.changes import Look, Published
from sync.push.inventory import Inventory, take
from sync.push.looking import View
from sync.push.publish import Push, Pushed
from sync.push.recover import known_mailbox
from sync.push.shelf import Shelf
from sync.store.lanes import Answer, Lanes

from .console import path_text
from .mailbox import Mailbox, Opener, gone, opened
from .project import Project
from .state import FILE_NAME

_LOG = logging.getLogger(__name__)
_MOST_TOLD = 50
"""Paths that are logged one by one: more would push everything else out of the agent's log."""


@dataclass(frozen=True, kw_only=True)
class Met:
    """A mailbox that was met: what it says it is, and what is in it. ``finish`` waits until one that was made is there for
    others, which is before anything is published; it raises HybridError where another laptop made it."""

    mailbox: Mailbox
    format: Format
    there: Inventory
    finish: Callable[[], None]


class Contact:
    """The project's mailbox, contacted in the background once ``begin`` says so, or at the latest when it is needed.

    A context manager: connections are let go of at its end. ``new_mailbox``: make one where there is none any more.
    """

    def __init__(
        self,
        project: Project,
        index: Index,
        clock: Clock,
        *,
        new_mailbox: bool = False,
        open_mailbox: Opener = opened,
    ) -> None:
        self._project = project
        self._clock = clock
        self.is_first = known_mailbox(index, project.remote_url) is None
        """Nothing was ever pushed there, so that there is no need to look at the tree before the mailbox is met."""
        self._open_mailbox = open_mailbox
        self._make = new_mailbox or self.is_first
        self._lanes = Lanes(2)
        self._lock = threading.Lock()
        self._opened = contextlib.ExitStack()
        self._is_closed = False
        self._asked: Answer[Met] | None = None
        self._finish: Callable[[], None] = lambda: None

    def __enter__(self) -> "Contact":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Without an error nothing is under way that would have to be cut off; with one nobody wants to wait for it.
        self._lanes.__exit__(kind, error, trace)
        with self._lock:
            self._is_closed = True
        self._opened.close()

    def cut(self) -> None:
        """Lets go of everything without waiting for what is under way. Idempotent."""
        self.__exit__(InterruptedError, InterruptedError(), None)

    def begin(self) -> None:
        if self._asked is None:
            self._asked = self._lanes.start(self._ask)

    def met(self) -> Met:
        """Raises what opening, meeting and listing the mailbox raise."""
        self.begin()
        assert self._asked is not None
        return self._asked()

    def _ask(self) -> Met:
        with contextlib.ExitStack() as stack:
            mailbox = stack.enter_context(self._open_mailbox(self._project, self._clock))
            with self._lock:
                if self._is_closed:
                    raise RuntimeError("the contact was closed")
                self._opened = stack.pop_all()
        try:
            found, there = take(mailbox.remote, mailbox.base, mailbox.laptop, lambda: self._meet(mailbox))
        except NotFound as error:
            raise _gone(error) from error
        return Met(mailbox=mailbox, format=found, there=there, finish=self._finish)

    def _meet(self, mailbox: Mailbox) -> Format:
        """Raises Unreachable where it is not there: an empty folder in its place is mostly a disk that is not mounted."""
        settle_s = mailbox.remote.capabilities.settle_s
        for wait_s in (0.0,) if self._make else (settle_s, 0.0):
            try:
                return mailbox.format
            except NotFound:
                mailbox.clock.sleep(wait_s)  # it may only be too new to be seen
        if not self._make:
            raise gone(mailbox.project)
        found, finish = mailbox.begin()
        answer = self._lanes.start(finish)

        def finished() -> None:
            if not answer():
                raise HybridError("Another laptop has just made this mailbox, too.", "Do it again.")

        self._finish = finished
        return found


def view(project: Project, clock: Clock) -> View:
    """The project with its rules as they are now. Raises UsageError."""
    return View(
        project.root,
        clock,
        url=project.remote_url,
        include=project.config.push.include,
        outputs=project.config.project.outputs,
    )


def publish(
    met: Met,
    index: Index,
    seen: Look,
    clock: Clock,
    progress: Progress,
    *,
    accept_deletions: bool = False,
    commit: Callable[[], Commit | None] | None = None,
    shelf: Shelf | None = None,
) -> Pushed:
    """Publishes what ``seen`` found; the caller holds the push lock. Raises ConfirmationNeeded. ``commit`` and ``shelf`` as
    for ``Push``."""
    mailbox = met.mailbox
    push = Push(
        mailbox.project.root,
        index,
        mailbox.remote,
        clock,
        base=mailbox.base,
        laptop=mailbox.laptop,
        url=mailbox.project.remote_url,
        mailbox=met.format.mailbox,
        there=met.there,
        look=lambda: view(mailbox.project, clock).look(index),
        commit=commit,
        ready=met.finish,
        shelf=shelf,
        progress=progress,
    )
    if _LOG.isEnabledFor(logging.INFO):
        _tell("to read", [entry.path for entry in seen.changed])
        _tell("gone", seen.removed)
    try:
        return push.publish(seen, accept_deletions=accept_deletions)
    except NotFound as error:
        raise _gone(error) from error


def _tell(what: str, paths: list[bytes]) -> None:
    for path in paths[:_MOST_TOLD]:
        _LOG.info("%s: %s", what, path_text(path))
    if len(paths) > _MOST_TOLD:
        _LOG.info("%s: ... and %s more", what, f"{len(paths) - _MOST_TOLD:,}")


def current(
    met: Met, index: Index, seen: Look, clock: Clock, progress: Progress, *, accept_deletions: bool
) -> tuple[Published, list[Problem]]:
    """A snapshot of the project as it is now that is in the mailbox for certain, and the paths that are not in it."""
    before = seen.before
    if seen.nothing_to_do and before is not None and met.format.mailbox == before.mailbox:
        try:
            met.mailbox.remote.read(f"{met.mailbox.base}/{before.snapshot}", 0, 1)
            return before, seen.problems
        except NotFound:
            seen = send_again(index, seen, [before.snapshot])
    done = publish(met, index, seen, clock, progress, accept_deletions=accept_deletions)
    return done.published, done.problems


def missing(met: Met, index: Index, published: Published) -> list[str]:
    """What the mailbox lacks of the last published state: names of objects; empty where it is all there.

    A pack that is cut short is removed: the same content makes the same name, which must be free for it.
    """
    from sync.store.reader import Reader

    mailbox, sizes = met.mailbox, met.there.sizes
    if met.format.mailbox != published.mailbox:
        return [published.snapshot]
    try:
        root = Reader(mailbox.remote, mailbox.base).root(published.snapshot)
    except (NotFound, CorruptMailbox):
        return [published.snapshot]
    least = index.reaches()
    lost = [name for name in root.objects if sizes.get(name, 0) < least.get(name, 1)]
    index.drop_objects(lost)  # first: killed in between, the index must not name what is gone
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


def _gone(error: NotFound) -> Unreachable:
    """Where a push writes there are folders, unless the mailbox has gone away or something stands in its place."""
    return Unreachable(str(error), error.hint)


def open_index(project: Project) -> tuple[Index, str]:
    """The project's index, and a sentence where what was there had to be set aside."""
    return Index.open(project.state_dir / FILE_NAME)
