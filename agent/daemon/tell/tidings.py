"""Events of what came out: the same whether the agent did it, or a person with a command. Pure.

``data`` holds what ``hybrid today`` counts. ``hand`` in it keeps a person from being notified of what they did themselves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_grader.notation import amount
from sync.mailbox.state import OVER, Phase

from ...grades_text import graded_by
from ...sizes import count, size
from .events import DONE, FAILED, GRADED, PUBLISHED, PULLED, QUEUED, STOPPED, Event

if TYPE_CHECKING:
    from sync.mailbox.records import Ended, Spec
    from sync.pull.pulled import Pulled
    from sync.push.publish import Pushed

    from ...mailbox import Run


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


def ended(run: "Run", *, is_here: bool) -> Event:
    """A run is over that nobody has asked to be pulled."""
    spec = run.spec
    shards, data = count(spec.shards, "shard"), {**_named(spec), "phase": run.phase.value}
    if run.phase is Phase.DONE:
        how = "" if is_here else f"hybrid pull {spec.run}"
        return Event(kind=DONE, text=f"Run {spec.run} is done: {shards}.", how=how, run=spec.run, data=data)
    complete = sum(state.complete for state in run.states)
    text = f"Run {spec.run} has ended, {run.phase.value}, with {complete} of {shards} complete."
    return Event(kind=FAILED, text=text, how=f"hybrid logs {spec.run}", run=spec.run, data=data)


def setup_failed(run: "Run", ended: "Ended | None") -> Event:
    spec = run.spec
    why = f": {' '.join(ended.reason.split())[:200].rstrip('.')}" if ended and ended.reason else ""
    return Event(
        kind=FAILED,
        text=f"Run {spec.run} could not be set up on {spec.target}{why}.",
        how=f"hybrid logs {spec.run}; set it right, then run it again",
        run=spec.run,
        data={**_named(spec), "phase": run.phase.value},
    )


def graded(document: Mapping[str, Any], *, by_hand: bool = False, lack: str = "") -> Event:
    """Of ``document``, a report of the grader as ``local_grader.report.to_json`` writes it. ``lack`` is a sentence on why not
    all was judged."""
    run, summary, scorer = document["run"], document["summary"], document["scorer"]["name"]
    heard = [one["identity"] for one in (document["judging"] or {}).get("judges", ())]
    judges = [identity["model"] for identity in heard if identity]
    data = {
        "scorer": scorer,
        "judges": judges,
        **{key: summary[key] for key in ("right", "scored", "samples", "missing")},
        "ledger": Path(document["ledger"]).name if document["ledger"] else "",
    }
    text = f"{run} was graded by {graded_by(scorer, judges)}: {amount(summary['right'])} of {summary['scored']:,} right."
    return Event(
        kind=GRADED,
        text=f"{text} Not all was judged: {lack}" if lack else text,
        how=f"hybrid grade {run}" if lack else "",
        run=run,
        data=_marked(data, by_hand),
    )


def ungraded(spec: "Spec", why: str, how: str) -> Event:
    return Event(
        kind=GRADED,
        text=f"Run {spec.run} could not be graded: {why}",
        how=how or f"hybrid grade {spec.run}",
        run=spec.run,
        data={"name": spec.name[:80], "failed": True},
    )


def _named(spec: "Spec") -> dict[str, Any]:
    return {"name": spec.name[:80], "shards": spec.shards}


def _marked(data: dict[str, Any], by_hand: bool) -> dict[str, Any]:
    return {**data, "hand": True} if by_hand else data
