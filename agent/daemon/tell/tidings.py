"""Events of what came out: the same whether the agent did it, or a person with a command. Pure.

``data`` holds what ``hybrid today`` counts. ``hand`` in it keeps a person from being notified of what they did themselves.
"""

from typing import TYPE_CHECKING, Any

from local_grader.notation import amount
from sync.mailbox.state import OVER, Phase

from ...grades_text import graded_by
from ...sizes import count, size
from .events import DONE, FAILED, GRADED, PUBLISHED, PULLED, QUEUED, STOPPED, Event

if TYPE_CHECKING:
    from local_grader.report import Report
    from sync.mailbox.records import Spec
    from sync.pull.pulled import Pulled
    from sync.push.publish import Pushed


def published(done: "Pushed", *, by_hand: bool = False) -> Event:
    data = {
        "seq": done.published.seq,
        "files": done.published.files,
        "changed": done.changed,
        "removed": done.removed,
        "sent_bytes": done.sent_bytes,
    }
    return Event(
        kind=PUBLISHED,
        text=f"Snapshot {done.published.seq} was published: {count(done.changed, 'file')} read, {size(done.sent_bytes)} sent.",
        data=_marked(data, by_hand),
    )


def queued(spec: "Spec", *, by_hand: bool = False) -> Event:
    return Event(
        kind=QUEUED,
        text=f"Run {spec.run} was queued: {count(spec.shards, 'shard')} on {spec.target}.",
        run=spec.run,
        data=_marked({**_named(spec), "target": spec.target[:80]}, by_hand),
    )


def stopped(run: str, name: str) -> Event:
    """A person has stopped it."""
    data = _marked({"name": name[:80]}, True)
    return Event(kind=STOPPED, text=f"Run {run} was stopped.", run=run, data=data)


def pulled(spec: "Spec", found: "Pulled", *, by_hand: bool = False) -> Event | None:
    """What a pull brought home: the end of the run, outputs, or nothing worth a word."""
    here = len(found.fetched) + len(found.present)
    data = _marked(
        {
            **_named(spec),
            "phase": found.phase.value,
            "here": here,
            "fetched_files": found.files,
            "fetched_bytes": found.bytes,
        },
        by_hand,
    )
    shards = f"{here} of {count(spec.shards, 'shard')}"
    if by_hand and not found.fetched and found.phase is Phase.DONE:
        return None  # it was home before
    if found.phase is Phase.DONE and here == spec.shards:
        text = f"Run {spec.run} is done, and all of it is here: {count(spec.shards, 'shard')}."
        return Event(kind=DONE, text=text, run=spec.run, data=data)
    if found.phase in OVER and found.phase is not Phase.DONE:
        text = f"Run {spec.run} has ended, {found.phase.value}, with {shards} here."
        return Event(kind=FAILED, text=text, how=f"hybrid logs {spec.run}", run=spec.run, data=data)
    if not found.fetched:
        return None
    text = f"Outputs of run {spec.run} have arrived: {shards} here."
    return Event(kind=PULLED, text=text, run=spec.run, data=data)


def graded(report: "Report", *, by_hand: bool = False) -> Event:
    summary, entry = report.summary, report.entry
    judges = [one.model for one in entry.judging.judges] if entry.judging else []
    data = {
        "scorer": entry.scorer,
        "judges": judges,
        "right": summary.right,
        "scored": summary.scored,
        "samples": summary.samples,
        "missing": summary.missing,
        "ledger": report.ledger.name if report.ledger else "",
    }
    return Event(
        kind=GRADED,
        text=f"{entry.run} was graded by {graded_by(entry.scorer, judges)}: {amount(summary.right)} of {summary.scored:,} right.",
        run=entry.run,
        data=_marked(data, by_hand),
    )


def _named(spec: "Spec") -> dict[str, Any]:
    return {"name": spec.name[:80], "shards": spec.shards}


def _marked(data: dict[str, Any], by_hand: bool) -> dict[str, Any]:
    return {**data, "hand": True} if by_hand else data
