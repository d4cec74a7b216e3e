"""``hybrid status``: how the runs stand, and what to do next."""

import sys
from dataclasses import replace

import click

from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound
from sync.mailbox.state import Phase

from .. import details, last_runner, run_page, run_table, runs
from ..mailbox import Mailbox, opened
from ..memory import Memory
from ..project import Project
from ..run_table import Line, Table
from ..run_words import Words
from ..runs import Summary
from ..sizes import count, duration, size
from ..state import State
from ..state import opened as opened_state
from .complete import run_ids
from .moved import tell_of_move
from .options import Call, common_options

_SHOWN = 10


@click.command()
@click.argument("name", metavar="[RUN]", required=False, shell_complete=run_ids)
@click.option("--all", "everything", is_flag=True, help="Show all runs, not only the last 10.")
@common_options
def status(call: Call, name: str | None, everything: bool) -> None:
    """Show how the runs stand, newest last, or one of them in detail.

    How long ago a worker gave a sign of life is measured here, on this laptop's clock, from one look to the next.

    \b
    Examples:
      hybrid status
      hybrid status train
      hybrid status --all --json
    """
    project = call.project()
    tell_of_move(call, project)
    with opened(project, call.clock) as mailbox, opened_state(project, call.console.warn) as state:
        memory = Memory(state)
        if name is None:
            _show_all(call, mailbox, state, everything)
            return
        page = run_page.look_closely(mailbox, memory, mailbox.find(name))
        page = replace(
            page,
            runner=last_runner.ended(
                state, page.summary, is_dead=page.holder is not None and page.holder.dead
            ),
        )
    call.console.result(run_page.document(page), run_page.text(page, call.clock))
    step = page.next(called=name)
    if step:
        call.console.next_step(step)


def _show_all(call: Call, mailbox: Mailbox, state: State, everything: bool) -> None:
    memory = Memory(state)
    url = mailbox.project.remote_url
    if not mailbox.is_made():
        nothing: dict[str, object] = {"made": False, "pushed": None, "runs": [], "unreadable": [], "older": 0}
        agent = _agent(mailbox.project)
        call.console.result({"mailbox": url, **nothing, "agent": agent}, f"There is no mailbox at {url} yet.")
        call.console.next_step("hybrid push")
        return
    ids = mailbox.run_ids()
    shown = ids if everything else ids[-_SHOWN:]
    closed = memory.closed()
    words = Words(ids)
    found: list[Line] = []
    given_up: list[str] = []
    unreadable: list[dict[str, str]] = []
    for run_id in shown:
        try:
            looked, left = _look(call, mailbox, memory, run_id, closed.get(run_id), words)
            found.append(looked)
            left = left or last_runner.ended(state, looked.summary)
            given_up += [f"{words.call(run_id)} waits for a runner: {left.rstrip('.')}."] if left else []
        except NotFound:
            continue  # not ready yet, or half removed
        except (CorruptMailbox, NewerMailbox) as error:
            call.console.warn(f"Run {run_id} cannot be read: {error}")
            unreadable.append({"run": run_id, "why": str(error)})
    pushed, line = _pushed(call, mailbox.project)
    document = {
        "mailbox": url,
        "made": True,
        "pushed": pushed,
        "runs": [_document(line) for line in found],
        "unreadable": unreadable,
        "older": len(ids) - len(shown),
        "agent": _agent(mailbox.project),
    }
    call.console.result(document, f"Mailbox: {url}{line}")
    if found:
        columns, rows = _table(call, found, words)
        call.console.table("", columns, rows)
        for each in given_up:
            call.console.say(each)
    if len(ids) > len(shown):
        call.console.say(f"{count(len(ids) - len(shown), 'older run')}: --all shows them.")
    if document["agent"] is not None:
        call.console.say(f"The agent is at work ({document['agent']}): hybrid agent status")
    if found and "next" not in columns:
        _say_next(call, found)
    if not ids:
        call.console.say("There is no run yet.")
        call.console.next_step("hybrid run -- COMMAND")


def _look(
    call: Call, mailbox: Mailbox, memory: Memory, run_id: str, told: dict[str, object] | None, words: Words
) -> tuple[Line, str]:
    """The run in a line, and where its last worker has left it for another one, why."""
    called = words.call(run_id)
    known = Summary.from_json(told) if told else None
    if known is not None:
        return Line(summary=known, silent=None, step=runs.next_step(known, called=called)), ""
    run = runs.load(mailbox, run_id)
    one = runs.summary(run, mailbox.laptop)
    if run.phase is Phase.DONE and runs.is_closed(run, mailbox.laptop):
        # Of a run that failed or was stopped, a pull may still show what is unfinished: that one closes it.
        memory.close(run_id, one.to_json())
    silence = details.silence(memory, run_id, run.seen, call.clock.wall())
    silent = silence if details.is_silent(mailbox, silence) else None
    step = runs.next_step(one, silent=silent is not None, called=called)
    reason = details.given_up(mailbox, run)
    return Line(summary=one, silent=silent, step=step), reason


def _document(line: Line) -> dict[str, object]:
    one = line.summary
    step = runs.next_step(one, silent=line.silent is not None)  # whole ids, as scripts keep what they read
    return {**one.to_json(), "silent": line.silent, "next": step}


def _table(call: Call, found: list[Line], words: Words) -> Table:
    if call.json or not sys.stdout.isatty():
        return run_table.whole(found, call.clock)
    from ..tables import fits

    return run_table.fitting(found, words, call.clock, lambda table: fits(sys.stdout, *table))


def _say_next(call: Call, found: list[Line]) -> None:
    """Where the table has no room for it: the next step of the newest run that has one."""
    for line in reversed(found):
        if line.step:
            call.console.next_step(line.step)
            return


def _agent(project: Project) -> str | None:
    """The state that the project's agent tells; None where none runs."""
    from ..daemon.process import living

    found = living(project)
    return None if found is None else found.status.state if found.status is not None else "starting"


def _pushed(call: Call, project: Project) -> tuple[dict[str, object] | None, str]:
    """What this folder pushed last to this mailbox, as data and as text."""
    from sync.push.changes import Published

    from ..pushing import open_index

    try:
        index, _ = open_index(project)
        with index:
            published = Published.load(index, project.remote_url)
    except HybridError as error:
        call.console.warn(str(error))
        return None, ""
    if published is None:
        return None, "; nothing was pushed from here yet"
    ago = duration(call.clock.wall() - published.created)
    line = f"; snapshot {published.seq} pushed {ago} ago: {count(published.files, 'file')}, {size(published.bytes)}"
    known = {"snapshot": published.snapshot, "seq": published.seq, "created": published.created}
    return {**known, "files": published.files, "bytes": published.bytes}, line
