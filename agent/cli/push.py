"""``hybrid push``: publishes the project to the mailbox."""

from pathlib import Path

import click

from sync.changes import Look, Published
from sync.errors import Problem
from sync.local.held_back import measure_held_back
from sync.local.include import include_line
from sync.push import Pushed

from .. import pushing
from ..exits import Exit
from ..mailbox import opened
from ..sizes import count, size
from .options import Call, common_options

_SHOWN = 10


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would go, and what stays; contact nothing.")
@click.option("--check", is_flag=True, help="Ask the mailbox whether it still holds the last pushed state.")
@click.option(
    "--accept-deletions", is_flag=True, help="Publish although most of the project's files are gone."
)
@common_options
def push(call: Call, dry_run: bool, check: bool, accept_deletions: bool) -> int | None:
    """Publish the project to the mailbox.

    Sends only what the mailbox does not hold yet. What git ignores and what looks like a secret stays, unless
    [push] include in hybrid.toml names it. Where nothing has changed, nothing is contacted.

    \b
    Examples:
      hybrid push
      hybrid push --dry-run
      hybrid push --check --json
    """
    project = call.project()
    index, message = pushing.open_index(project)
    with index:
        if message:
            call.console.warn(message)
        with project.lock("push"):
            seen = pushing.see(project, index, call.clock, call.console.progress())
            if dry_run:
                return _show_plan(call, seen, project.root)
            if seen.nothing_to_do and seen.before is not None:
                return _nothing(call, seen, seen.before, check)
            with opened(project, call.clock) as mailbox:
                done = pushing.publish(
                    mailbox,
                    index,
                    seen,
                    call.clock,
                    call.console.progress(),
                    accept_deletions=accept_deletions,
                )
    return _show_result(call, seen, done, project.root)


def _nothing(call: Call, seen: Look, before: Published, check: bool) -> int | None:
    missing: list[str] = []
    if check:
        with opened(call.project(), call.clock) as mailbox:
            missing = pushing.check(mailbox, before)
    document = {**_published(before), "pushed": False, "changed": 0, "removed": 0, "missing": missing}
    document |= {"problems": _problems(call, seen.scan.problems)}
    if missing:
        call.console.result(
            document,
            f"The mailbox lacks {count(len(missing), 'object')} of the last pushed state, {missing[0]} among them.",
        )
        call.console.next_step("touch a file and push again: what is missing is sent anew")
        return Exit.MAILBOX
    checked = " and the mailbox holds all of it" if check else ""
    call.console.result(document, f"Nothing has changed since snapshot {before.seq}{checked}.")
    return Exit.PARTIAL if seen.scan.problems else None


def _show_plan(call: Call, seen: Look, root: Path) -> int | None:
    new = [entry for entry in seen.changed if entry.path not in seen.recorded]
    document = {
        "changed": [_text(entry.path) for entry in seen.changed],
        "removed": [_text(path) for path in seen.removed],
        "bytes": sum(entry.signature.size for entry in seen.changed),
        "held_back": _held_back(call, seen, root),
        "problems": _problems(call, seen.scan.problems),
    }
    lines = [f"+ {_text(entry.path)}" for entry in new]
    lines += [f"~ {_text(entry.path)}" for entry in seen.changed if entry.path in seen.recorded]
    lines += [f"- {_text(path)}" for path in seen.removed]
    if len(lines) > 2 * _SHOWN and not call.verbose:
        lines = [*lines[:_SHOWN], f"... and {len(lines) - _SHOWN} more (-v shows all)"]
    total = size(sum(entry.signature.size for entry in seen.changed))
    lines.append(
        f"Would read {count(len(seen.changed), 'file')} ({total}) and remove {len(seen.removed)}."
        if not seen.nothing_to_do
        else "Nothing has changed."
    )
    call.console.result(document, "\n".join(lines))
    return Exit.PARTIAL if seen.scan.problems else None


def _show_result(call: Call, seen: Look, done: Pushed, root: Path) -> int | None:
    document = {
        **_published(done.published),
        "pushed": not done.unpublished,
        "changed": done.changed,
        "removed": done.removed,
        "new_bytes": done.new_bytes,
        "sent_bytes": done.sent_bytes,
        "objects": done.objects,
        "held_back": _held_back(call, seen, root),
        "problems": _problems(call, done.problems),
    }
    if done.unpublished:
        text = f"Nothing but times has changed since snapshot {done.published.seq}."
    else:
        text = (
            f"Pushed snapshot {done.published.seq}: {count(done.published.files, 'file')},"
            f" {size(done.published.bytes)}; {count(done.changed, 'file')} read, {size(done.sent_bytes)} sent"
            f" in {count(done.objects, 'object')}."
        )
    call.console.result(document, text)
    call.console.next_step("hybrid run -- COMMAND")
    return Exit.PARTIAL if done.problems else None


def _held_back(call: Call, seen: Look, root: Path) -> list[dict[str, object]]:
    """Says what stays and how to bring it in; returns the same as data."""
    measures = {each.path: each for each in measure_held_back(root, seen.scan)}
    found: list[dict[str, object]] = []
    for held in seen.scan.held_back:
        measure = measures.get(held.path)
        if held.junk or measure is None:
            continue
        amount = f"{'' if measure.complete else 'at least '}{size(measure.size)}"
        found.append(
            {
                "path": _text(held.path),
                "why": held.why,
                "secret": held.secret,
                "bytes": measure.size,
                "files": measure.files,
                "include": held.include,
            }
        )
        if len(found) <= _SHOWN or call.verbose:
            files = f", {count(measure.files, 'file')}" if held.folder else ""
            call.console.say(f"Held back: {_text(held.path)} ({amount}{files}): {held.why}")
    if len(found) > _SHOWN and not call.verbose:
        call.console.say(f"... and {len(found) - _SHOWN} more (-v shows all)")
    wanted = [str(each["include"]) for each in found if each["include"] and not each["secret"]]
    if wanted:
        call.console.say(
            f"To bring it in, write under [push] in hybrid.toml: {include_line(wanted[:_SHOWN])}"
        )
    return found


def _problems(call: Call, problems: list[Problem]) -> list[dict[str, str]]:
    for problem in problems:
        call.console.warn(f"Skipped: {_text(problem.path)} {problem.what}.")
    return [{"path": _text(problem.path), "what": problem.what} for problem in problems]


def _published(published: Published) -> dict[str, object]:
    return {
        "snapshot": published.snapshot,
        "seq": published.seq,
        "tree": published.tree,
        "files": published.files,
        "bytes": published.bytes,
    }


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
