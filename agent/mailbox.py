"""A project's mailbox as this laptop uses it: the opened remote, and the runs in it."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

from sync.clock import Clock
from sync.errors import NotFound, Unreachable, UsageError
from sync.mailbox import layout, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.opening import begin_mailbox, open_mailbox
from sync.mailbox.records import Format, Spec
from sync.mailbox.state import Phase, ShardState, phase, shards
from sync.mailbox.view import RunView, look, run_ids
from sync.remotes import open_remote
from sync.remotes.base import Remote

from .project import Project
from .run_names import meant


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as it is now."""

    spec: Spec
    seen: RunView
    states: list[ShardState]
    phase: Phase


class Mailbox:
    """``base`` is the project's folder in ``remote``. Nothing is contacted before the first use."""

    def __init__(self, project: Project, remote: Remote, clock: Clock) -> None:
        self.project = project
        self.remote = remote
        self.clock = clock
        self.base = project.config.project.id
        self._specs: dict[str, Spec] = {}

    @cached_property
    def laptop(self) -> str:
        return self.project.laptop_id

    @cached_property
    def format(self) -> Format:
        """Raises NotFound where there is no mailbox yet."""
        return open_mailbox(self.remote, self.base)

    def begin(self) -> tuple[Format, Callable[[], bool]]:
        """A new mailbox, as ``begin_mailbox`` makes it."""
        self.format, finish = begin_mailbox(self.remote, self.base, lambda: secrets.token_hex(8))
        return self.format, finish

    def is_made(self) -> bool:
        """False where nothing was ever pushed to this mailbox. Raises Unreachable where this laptop has pushed there and
        it is gone."""
        try:
            _ = self.format
        except NotFound:
            if not self._is_known():
                return False
            self.clock.sleep(self.remote.capabilities.settle_s)  # it may only be too new to be seen
            try:
                _ = self.format
            except NotFound as error:
                raise gone(self.project) from error
        return True

    def require(self) -> None:
        """Raises UsageError where nothing was ever pushed to this mailbox, and what ``is_made`` raises."""
        if not self.is_made():
            raise UsageError(
                f"There is no mailbox for this project at {self.project.remote_url} yet.", "hybrid push"
            )

    def run_ids(self) -> list[str]:
        return run_ids(self.remote, self.base)

    def spec(self, run_id: str) -> Spec:
        """Raises NotFound, CorruptMailbox, NewerMailbox."""
        if run_id not in self._specs:
            self._specs[run_id] = records.read(Spec, self.remote, f"{self.base}/{layout.spec(run_id)}")
        return self._specs[run_id]

    def run(self, run_id: str) -> Run:
        spec = self.spec(run_id)
        seen = look(self.remote, self.base, RunFolder(run_id))
        states = shards(seen, spec.shards, spec.retries)
        return Run(spec=spec, seen=seen, states=states, phase=phase(seen, states))

    def find(self, word: str) -> str:
        """The id of the run that ``word`` means: an id, the beginning of one, or a name (its newest run).

        Raises UsageError, and what ``require`` raises.
        """
        self.require()
        ids = self.run_ids()
        if not ids:
            raise UsageError("There is no run in the mailbox yet.", "hybrid run -- COMMAND")
        found = meant(word, ids)
        if found is None:
            raise UsageError(f"There is no run {word!r} in the mailbox.", "hybrid status shows the runs.")
        return found

    def write(self, folder: RunFolder, name: str, record: object) -> None:
        self.remote.write(f"{self.base}/{folder.in_folder(name)}", records.encode(record))

    def _is_known(self) -> bool:
        """Whether this folder has pushed to this mailbox."""
        from sync.local.index import Index
        from sync.push.recover import known_mailbox

        from .state import FILE_NAME

        index, _ = Index.open(self.project.state_dir / FILE_NAME)
        with index:
            return known_mailbox(index, self.project.remote_url) is not None


def gone(project: Project) -> Unreachable:
    """The mailbox was there before: an empty folder in its place is mostly a disk that is not mounted."""
    return Unreachable(
        f"The mailbox that this project was pushed to is not at {project.remote_url} any more.",
        "See whether a disk is missing there. To begin a new mailbox: hybrid push --new-mailbox",
    )


@contextlib.contextmanager
def opened(project: Project, clock: Clock) -> Iterator[Mailbox]:
    """The project's mailbox; its connections are let go of at the end."""
    settings = project.config.remote
    remote = open_remote(
        project.remote_url,
        clock=clock,
        base_dir=project.root,
        identity=str(settings.identity) if settings.identity else None,
        known_hosts=str(settings.known_hosts) if settings.known_hosts else None,
    )
    try:
        yield Mailbox(project, remote, clock)
    finally:
        remote.close()


Opener = Callable[[Project, Clock], AbstractContextManager[Mailbox]]
"""As ``opened``: whoever holds on to a mailbox for long is given the way to open it."""
