"""What ``hybrid agent status`` shows, as text and as JSON: read from what the agent wrote down, asking nobody."""

from dataclasses import dataclass
from typing import Any, Final

from ...project import Project
from ...sizes import count, duration, size
from ..process import Living, living, place_of
from .last_push import last_push
from .log import FILE_NAME, last_output
from .record import read
from .status import AWAY, HELD, OFFLINE, STARTING, STOPPED, WATCHING, RunLine, Status, Waiting

_WIDEST: Final = 300
_MOST: Final = 10
_STATES: Final = {
    WATCHING: "watching",
    HELD: "holds back what changed",
    OFFLINE: "offline",
    AWAY: "cannot see the project folder",
    STARTING: "starting",
    STOPPED: "ending",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """``status`` is what the agent told last, or the last one that lived; ``published`` the last snapshot, as in
    ``Status``; ``ended`` a clause on how the last agent ended, empty where one lives or none ever did."""

    root: str
    living: Living | None
    status: Status | None
    published: dict[str, Any] | None
    ended: str
    log: str


def look(project: Project) -> Page:
    found = living(project)
    place = place_of(project)
    status = found.status if found is not None else read(place)
    published = status.published if found is not None and status is not None else last_push(project)
    return Page(
        root=str(project.root),
        living=found,
        status=status,
        published=published,
        ended=_end(status, last_output(place)) if found is None and status is not None else "",
        log=str(place / FILE_NAME),
    )


def document(page: Page) -> dict[str, object]:
    status = page.status
    told = status.to_json() if status is not None else dict.fromkeys(Status.__dataclass_fields__)
    told["seen"] = told.pop("written")
    for name in ("born", "pid"):
        told.pop(name)
    return {
        "running": page.living is not None,
        "pid": page.living.pid or None if page.living is not None else None,
        "ended": page.ended or None,
        **told,
        "published": page.published,
        "log": page.log,
        "next": next_step(page),
    }


def next_step(page: Page) -> str:
    """A command or a sentence; empty where nothing is to be done."""
    status = page.status
    if page.living is None:
        return "hybrid agent start"
    if status is None and page.living.pid:
        return "hybrid agent restart"
    if status is None:
        return "hybrid agent status, again in a moment"
    if status.needs:
        return _line(status.needs[0].how)
    return _line(status.trouble.how) if status.trouble is not None and status.state == OFFLINE else ""


def text(page: Page, now: float) -> str:
    """``now`` is wall clock."""
    status, lives = page.status, page.living is not None
    lines = [_head(page, now)]
    if status is not None and status.root != page.root:
        lines.append(f"Folder: {_line(status.root)}, which is not this one but the same project")
    lines.append(_published(page.published, now))
    if status is None:
        return "\n".join(lines)
    waits = "Waiting" if lives else "Waiting then"
    if status.waiting is not None:
        lines.append(f"{waits}: {_waiting(status.waiting, now)}")
    elif lives and status.state == WATCHING:
        lines.append(f"{waits}: nothing")
    lines += [_run(each, lives=lives) for each in status.runs[:_MOST]]
    if len(status.runs) > _MOST:
        lines.append(f"{count(len(status.runs) - _MOST, 'more run')}: hybrid status shows them")
    if lives:
        lines.append(_mailbox(status.next_look, now))
        if status.watch != "events":
            lines.append(f"Changes: {_line(status.watch)}")
    if status.trouble is not None:
        ago = duration(now - status.trouble.at)
        lines.append(f"Last error, {ago} ago: {_line(f'{status.trouble.what} {status.trouble.how}')}")
    if any(status.spent.values()):
        amounts = (f"{amount:.2f} {_line(currency)}" for currency, amount in sorted(status.spent.items()))
        lines.append(f"Spent: {', '.join(amounts)}")
    lines += [f"Skipped: {_line(each)}" for each in status.problems[:_MOST]]
    if len(status.problems) > _MOST:
        lines.append(f"Skipped: {count(len(status.problems) - _MOST, 'more path')}")
    if status.held_back:
        stays = ", ".join(map(_line, status.held_back))
        lines.append(f"Stays here: {stays} (hybrid push --dry-run says why, and what brings it in)")
    lines += [f"Needs you: {_line(f'{each.what} {each.how}')}" for each in status.needs]
    return "\n".join(lines)


def _head(page: Page, now: float) -> str:
    status = page.status
    if page.living is None:
        if status is None:
            return "No agent runs, and none of this project has told of itself on this machine yet"
        return f"No agent runs; the last one was heard of {duration(now - status.written)} ago: {page.ended}"
    if status is None and page.living.pid:
        return f"Agent: there is one of another version of hybrid (process {page.living.pid})"
    if status is None:
        return "Agent: there is one, which has not told of itself yet"
    state = _STATES.get(status.state, status.state)
    return f"Agent: {state} (process {status.pid}, for {duration(now - status.started)})"


def _end(status: Status, printed: str) -> str:
    if status.state == STOPPED:
        failed = status.trouble is not None and status.trouble.at == status.written
        return "it ended with an error" if failed else "it was told to end"
    clause = "it ended without a word, killed or with this machine"
    return f"{clause}; it printed: {_line(printed)}" if printed else clause


def _published(published: dict[str, Any] | None, now: float) -> str:
    if published is None:
        return "Published: nothing from here yet"
    amount = f"{count(published['files'], 'file')}, {size(published['bytes'])}"
    return f"Published: snapshot {published['seq']}, {duration(now - published['created'])} ago: {amount}"


def _waiting(waiting: Waiting, now: float) -> str:
    parts = [] if waiting.files is None else [count(waiting.files, "file")]
    parts += [] if waiting.bytes is None else [size(waiting.bytes)]
    amount = ", ".join(parts) or "changes that nobody has counted yet"
    return f"{amount}, for {duration(now - waiting.since)}: {_line(waiting.why)}"


def _run(run: RunLine, *, lives: bool) -> str:
    parts = [f"{run.phase} on {_line(run.target)}", f"{run.complete} of {run.shards} complete"]
    parts += [f"{run.failed} failed"] if run.failed else []
    parts += [f"{run.here} here"]
    parts += [f"about {duration(run.left_s)} left"] if run.left_s is not None and lives else []
    note = f"; {_line(run.note)}" if run.note else ""
    return f"Run {_line(run.run)}: {', '.join(parts)}{note}"


def _mailbox(next_look: float | None, now: float) -> str:
    if next_look is None:
        return "Mailbox: looked at when there is a reason"
    return f"Mailbox: looked at again in {duration(next_look - now)}"


def _line(words: str) -> str:
    """One line of bounded length: some of it comes from the mailbox."""
    line = " ".join(words.split())
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}..."
