"""``hybrid push``: publishes the project to the mailbox."""

import contextlib
from pathlib import Path

import click

from sync.errors import Problem, UsageError
from sync.local.held_back import measure_held_back
from sync.local.include import include_line
from sync.push.changes import Look, Published, refuse_mass_deletion
from sync.push.publish import Pushed

from .. import pushing
from ..console import path_text
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..sizes import count, size
from ..unmatched import line, news, unmatched
from .moved import tell_of_move
from .options import Call, common_options

_SHOWN = 10


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would go, and what stays; contact nothing.")
@click.option("--check", is_flag=True, help="Ask the mailbox what it holds, and send again what it has lost.")
@click.option(
    "--accept-deletions", is_flag=True, help="Publish although most of the project's files are gone."
)
@click.option("--new-mailbox", is_flag=True, help="Begin a new mailbox where the old one is gone.")
@common_options
def push(call: Call, dry_run: bool, check: bool, accept_deletions: bool, new_mailbox: bool) -> int | None:
    """Publish the project to the mailbox.

    Sends only what the mailbox does not hold yet. What git ignores and what looks like a secret stays, unless
    [push] include in hybrid.toml names it. Where nothing has changed, nothing is contacted.

    \b
    Examples:
      hybrid push
      hybrid push --dry-run
      hybrid push --check --json
    """
    if dry_run and check:
        raise UsageError("--dry-run contacts nothing, and --check asks the mailbox.", "Give one of them.")
    project = call.project()
    if not dry_run:
        tell_of_move(call, project)
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(project.lock("push"))
        index, message = pushing.open_index(project)
        stack.enter_context(index)
        if message:
            call.console.warn(message)
        contact = stack.enter_context(pushing.Contact(project, index, call.clock, new_mailbox=new_mailbox))
        if contact.is_first and not dry_run:
            contact.begin()
        view = pushing.view(project, call.clock)
        seen = view.look(
            index,
            thorough=dry_run,
            on_change=(lambda: None) if dry_run else contact.begin,
            progress=call.console.progress(),
        )
        if dry_run:
            partly = _show_plan(call, seen, project.root)
            for pattern in unmatched(view.rules, index, seen):
                call.console.warn(f"{line(pattern)}.")
            if not accept_deletions:
                refuse_mass_deletion(seen)
            return partly
        if seen.nothing_to_do and not check and not new_mailbox:
            return _show_nothing(call, seen, checked=False)
        met = contact.met()
        if check and seen.before is not None and not new_mailbox:
            missing = pushing.missing(met, index, seen.before)
            if missing:
                seen = pushing.send_again(index, seen, missing)
            elif seen.nothing_to_do:
                return _show_nothing(call, seen, checked=True)
        done = pushing.publish(
            met, index, seen, call.clock, call.console.progress(), accept_deletions=accept_deletions
        )
        idle = news(index, unmatched(view.rules, index, seen))
    for pattern in idle:
        call.console.warn(f"{line(pattern)}.")
    if missing:
        call.console.warn(
            f"The mailbox had lost {count(len(missing), 'object')}, {missing[0]} among them; their content was sent again."
        )
    if not done.unpublished:
        note_done(project, call.clock, tidings.published(done, by_hand=True), call.console.warn)
    return _show_result(call, done, missing, project.root, seen)


def _show_nothing(call: Call, seen: Look, *, checked: bool) -> int | None:
    assert seen.before is not None
    problems = _problems(call, seen.problems)
    document = {
        **_published(seen.before),
        "pushed": False,
        "changed": 0,
        "removed": 0,
        "new_bytes": 0,
        "sent_bytes": 0,
        "objects": 0,
        "missing": [],
        "held_back": None,
        "problems": problems,
    }
    text = f"Nothing has changed since snapshot {seen.before.seq}"
    if checked:
        text += ", and the mailbox has every file of it, none cut short; what is in them was not read"
    call.console.result(document, f"{text}.")
    return Exit.PARTIAL if problems else None


def _show_plan(call: Call, seen: Look, root: Path) -> int | None:
    new = [entry for entry in seen.changed if entry.path not in seen.recorded]
    document = {
        "changed": [path_text(entry.path) for entry in seen.changed],
        "moved": [{"from": path_text(old), "to": path_text(new)} for new, old in seen.moved.items()],
        "removed": [path_text(path) for path in seen.removed],
        "bytes": sum(entry.signature.size for entry in seen.changed),
        "held_back": _held_back(call, seen, root),
        "problems": _problems(call, seen.problems),
    }
    lines = [f"+ {path_text(entry.path)}" for entry in new]
    lines += [f"~ {path_text(entry.path)}" for entry in seen.changed if entry.path in seen.recorded]
    lines += [f"> {path_text(old)} -> {path_text(new)}" for new, old in seen.moved.items()]
    left = set(seen.moved.values())
    gone = [path for path in seen.removed if path not in left]
    lines += [f"- {path_text(path)}" for path in gone]
    if len(lines) > 2 * _SHOWN and not call.verbose:
        lines = [*lines[:_SHOWN], f"... and {len(lines) - _SHOWN} more (-v shows all)"]
    total = size(sum(entry.signature.size for entry in seen.changed))
    also = f", {count(len(seen.moved), 'file')} moved" if seen.moved else ""
    lines.append(
        f"Would send what is new in {count(len(seen.changed), 'file')} ({total} at most), and publish"
        f" {count(len(gone), 'removal')}{also}."
        if not seen.nothing_to_do
        else "Nothing has changed."
    )
    call.console.result(document, "\n".join(lines))
    return Exit.PARTIAL if seen.problems else None


def _show_result(call: Call, done: Pushed, missing: list[str], root: Path, seen: Look) -> int | None:
    problems = _problems(call, done.problems)
    document = {
        **_published(done.published),
        "pushed": not done.unpublished,
        "changed": done.changed,
        "removed": done.removed,
        "new_bytes": done.new_bytes,
        "sent_bytes": done.sent_bytes,
        "objects": done.objects,
        "missing": missing,
        "held_back": _held_back(call, seen, root),
        "problems": problems,
    }
    published = done.published
    if done.unpublished:
        text = f"Nothing has changed since snapshot {published.seq}."
    else:
        text = (
            f"Pushed snapshot {published.seq}: {count(published.files, 'file')}, {size(published.bytes)};"
            f" {count(done.changed, 'file')} read, {size(done.sent_bytes)} sent in {count(done.objects, 'object')}."
        )
    call.console.result(document, text)
    if published.seq == 1:
        call.console.say("From now on, hybrid agent start does this whenever a file is saved.")
    call.console.next_step("hybrid run -- COMMAND")
    return Exit.PARTIAL if problems else None


def _held_back(call: Call, seen: Look, root: Path) -> list[dict[str, object]]:
    """Says what stays and how to bring it in; returns the same as data."""
    measures = {each.path: each for each in measure_held_back(root, seen.held_back, seen.inside)}
    found: list[dict[str, object]] = []
    for held in seen.held_back:
        measure = measures.get(held.path)
        if held.junk or measure is None:
            continue
        amount = f"{'' if measure.complete else 'at least '}{size(measure.size)}"
        found.append(
            {
                "path": path_text(held.path),
                "why": held.why,
                "secret": held.secret,
                "bytes": measure.size,
                "files": measure.files,
                "include": held.include,
            }
        )
        if len(found) <= _SHOWN or call.verbose:
            files = f", {count(measure.files, 'file')}" if held.folder else ""
            call.console.say(f"Held back: {path_text(held.path)} ({amount}{files}): {held.why}")
    if len(found) > _SHOWN and not call.verbose:
        call.console.say(f"... and {len(found) - _SHOWN} more (-v shows all)")
    wanted = [str(each["include"]) for each in found if each["include"] and not each["secret"]]
    if wanted:
        call.console.say(
            f"To bring it in, write under [push] in hybrid.toml: {include_line(wanted[:_SHOWN])}"
        )
    return found


def _problems(call: Call, problems: list[Problem]) -> list[dict[str, str]]:
    shown = problems if call.verbose else problems[:_SHOWN]
    for problem in shown:
        call.console.warn(f"Skipped: {path_text(problem.path)} {problem.what}.")
    if len(shown) < len(problems):
        call.console.warn(f"... and {len(problems) - len(shown)} more were skipped (-v shows all)")
    return [{"path": path_text(problem.path), "what": problem.what} for problem in problems]


def _published(published: Published) -> dict[str, object]:
    return {
        "snapshot": published.snapshot,
        "seq": published.seq,
        "tree": published.tree,
        "files": published.files,
        "bytes": published.bytes,
    }
