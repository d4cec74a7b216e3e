"""Before the first shard: is there a GPU, the snapshot on the local disk, the set-up."""

from collections.abc import Generator
from dataclasses import replace
from functools import partial

from sync.errors import CorruptMailbox, NotFound
from sync.mailbox.layout import Attempt
from sync.mailbox.records import Ended, Spec
from sync.store.nouns import Entry
from sync.store.reader import Reader

from . import attempt as attempts
from . import setup
from .laying import beyond, lay_out
from .outage import Outage, through
from .pace import POLL_S
from .worker import Lease
from .workspace import Workspace


class SetupFailed(Exception):
    """The run cannot begin on this machine."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


def prepare(
    lease: Lease, spec: Spec, reader: Reader, space: Workspace
) -> Generator[float, None, list[Entry]]:
    """Returns the snapshot's entries, which then lie in ``space.tree``, beside what the set-up made there.

    Raises SetupFailed, Unfit, and what ``Reader`` raises.
    """
    place = lease.place
    if spec.gpu not in ("", "none") and not any(device.is_a(spec.gpu) for device in place.devices):
        shown = ", ".join(device.name for device in place.devices) or "none"
        raise SetupFailed(Ended(reason=f"the run needs a GPU ({spec.gpu}) and this machine shows {shown}"))
    lease.doing = "laying out the snapshot"
    outage = Outage(place.clock, place.say)
    done = setup.Done(place.work, place.project, space.path)
    begin = partial(_lay_out, lease, spec, reader, space, done)
    entries, is_set_up = yield from through(begin, outage, place.tick_s)
    if not is_set_up:
        lease.doing = "setting up"
        yield from _set_up(lease, spec, space)
        done.add(setup.key(spec.setup, entries), beyond(space.tree, entries))
    return entries


def _lay_out(
    lease: Lease, spec: Spec, reader: Reader, space: Workspace, done: setup.Done
) -> Generator[float, None, tuple[list[Entry], bool]]:
    """The entries, and whether what the set-up would do is done already.

    What the laptop wrote before the spec may still become visible after it.
    """
    place = lease.place
    given_up = place.clock.monotonic() + place.remote.capabilities.settle_s
    while True:
        try:
            root = reader.root(spec.snapshot)
            entries = reader.entries(root)
            key = setup.key(spec.setup, entries) if spec.setup else ""
            made = done.made(key) if key else None
            if not made:
                done.forget_made()
            left = yield from lay_out(reader, entries, space.tree, made or ())
            reader.forget(root.name)
            for problem in left:
                place.say(f"{problem.path!r} {problem.what}")
            return entries, not key or done.made(key) is not None
        except (NotFound, CorruptMailbox):
            if place.clock.monotonic() >= given_up:
                raise
        yield min(place.tick_s, place.remote.capabilities.settle_s)


def _set_up(lease: Lease, spec: Spec, space: Workspace) -> Generator[float, None, None]:
    place = lease.place
    attempt = Attempt(0, lease.worker, 0)
    folder = space.begin(attempt)
    command = attempts.command(
        replace(spec, command=[], shell=spec.setup), attempt, space.tree, folder, devices=place.devices
    )
    began = place.clock.monotonic()
    try:
        child = place.start(command)
        try:
            space.record_child(folder, child.pid)
            while (code := child.poll()) is None:
                yield POLL_S
        finally:
            child.kill()
        if code:
            raise SetupFailed(
                Ended(
                    exit=code,
                    reason=f"the set-up ended with exit code {code}",
                    log=attempts.tail(folder / "log"),
                    seconds=place.clock.monotonic() - began,
                )
            )
    finally:
        space.remove(folder)
