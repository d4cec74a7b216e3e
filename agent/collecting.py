"""Collecting what nothing needs any more, as ``hybrid gc`` and the agent do."""

from sync.gc import Collected, Collector
from sync.local.index import Index
from sync.progress import Progress

from .mailbox import Mailbox
from .memory import Memory
from .state import State


def collect(
    mailbox: Mailbox, state: State, index: Index, progress: Progress, *, dry_run: bool = False
) -> Collected:
    """By what ``[keep]`` says; the caller holds the push lock. Raises what ``Collector.collect`` raises."""
    settings, memory = mailbox.project.config.keep, Memory(state)
    collector = Collector(mailbox.remote, mailbox.base, mailbox.laptop, mailbox.clock, progress)
    collected = collector.collect(
        last=settings.snapshots,
        days=settings.days,
        mine=index.objects(),
        others=memory.others_packs(),
        forget=index.drop_objects,
        seen=memory.unfinished(),
        dry_run=dry_run,
    )
    memory.add_others_packs(collected.others)
    if not dry_run:
        memory.note_unfinished(collected.unfinished, mailbox.clock.wall())
    return collected
