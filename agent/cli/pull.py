"""``hybrid pull``: brings verified outputs home."""

from pathlib import Path

import click

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox.records import Spec
from sync.mailbox.state import OVER, Phase
from sync.pull import Puller
from sync.pulled import Pulled

from .. import runs
from ..exits import Exit
from ..mailbox import Mailbox, opened
from ..memory import Memory
from ..pulling import path_text, puller, warn
from ..sizes import count, size
from ..state import opened as opened_state
from .complete import run_ids
from .options import Call, common_options


@click.command()
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=run_ids)
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Pull into DIR/RUN, not into the outputs folder.",
)
@click.option("--no-partial", is_flag=True, help="Do not show what unfinished attempts have published.")
@click.option("--dry-run", is_flag=True, help="Tell what would come, and write nothing.")
@common_options
def pull(call: Call, names: tuple[str, ...], into: Path | None, no_partial: bool, dry_run: bool) -> int:
    """Bring the outputs of runs home, verified.

    Without RUN: of all runs that this laptop queued and that are not home yet. Each finished shard is accepted once,
    and its folder is never written again: change what you like in it. What unfinished attempts have published so far
    is shown in the run's folder under .partial.

    \b
    Examples:
      hybrid pull
      hybrid pull train
      hybrid pull 20261120-2231 --into /data/results
    """
    project = call.project()
    with opened(project, call.clock) as mailbox:
        mailbox.require()
        with opened_state(project, call.console.warn) as state:
            memory = Memory(state)
            specs, unreadable = _wanted(call, mailbox, memory, names)
            with puller(call, project, mailbox, into.absolute() if into else None) as pulling:
                done = [
                    (spec, _pull(call, pulling, spec, partial=not no_partial, dry_run=dry_run))
                    for spec in specs
                ]
            for spec, pulled in done:
                all_shown = pulled.phase is Phase.DONE or not no_partial
                if not dry_run and pulled.phase in OVER and all_shown and not pulled.incomplete:
                    _close(mailbox, memory, spec)
    _show(call, done, unreadable, dry_run)
    whole = not unreadable and not any(pulled.problems or pulled.incomplete for _, pulled in done)
    return Exit.DONE if whole else Exit.PARTIAL


def _wanted(
    call: Call, mailbox: Mailbox, memory: Memory, names: tuple[str, ...]
) -> tuple[list[Spec], list[dict[str, str]]]:
    """The specs of the runs that are meant, and those of which that cannot be told."""
    if names:
        return [runs.spec_of(mailbox, each) for each in dict.fromkeys(map(mailbox.find, names))], []
    found: list[Spec] = []
    unreadable: list[dict[str, str]] = []
    others = 0
    closed = memory.closed()
    for run_id in mailbox.run_ids():
        if run_id in closed:
            continue
        try:
            spec = runs.spec_of(mailbox, run_id)
        except NotFound:
            continue  # not ready yet, or half removed
        except (CorruptMailbox, NewerMailbox) as error:
            call.console.warn(f"{error}")
            unreadable.append({"run": run_id, "why": str(error)})
            continue
        if spec.laptop == mailbox.laptop:
            found.append(spec)
        else:
            others += 1
    if others:
        call.console.say(f"Left alone: {count(others, 'run')} of other laptops; name one to pull it.")
    return found, unreadable


def _pull(call: Call, pulling: Puller, spec: Spec, *, partial: bool, dry_run: bool) -> Pulled:
    pulled = pulling.pull(spec, partial=partial, dry_run=dry_run)
    warn(call, pulled)
    return pulled


def _close(mailbox: Mailbox, memory: Memory, spec: Spec) -> None:
    """Remembers a run that is over and home, so that it need not be looked at again."""
    run = mailbox.run(spec.run)
    if runs.is_closed(run, mailbox.laptop):
        memory.close(spec.run, runs.summary(run, mailbox.laptop).to_json())


def _show(
    call: Call, done: list[tuple[Spec, Pulled]], unreadable: list[dict[str, str]], dry_run: bool
) -> None:
    document = {"dry_run": dry_run, "runs": [_document(*each) for each in done], "unreadable": unreadable}
    text = "\n".join(_line(spec, pulled, dry_run) for spec, pulled in done)
    call.console.result(document, text or "Nothing to pull: every run of this laptop that is over is home.")
    for spec, pulled in done:
        step = _next(spec, pulled)
        if step:
            call.console.next_step(step)
            return


def _line(spec: Spec, pulled: Pulled, dry_run: bool) -> str:
    here = len(pulled.present) + (0 if dry_run else len(pulled.fetched))
    text = f"{spec.run}: {pulled.phase.value}{', a sample' if spec.sample else ''}"
    text += f", {here} of {count(spec.shards, 'shard')} here"
    if pulled.fetched or pulled.files:
        verb = "would fetch" if dry_run else "fetched"
        text += f"; {verb} {count(pulled.files, 'file')} ({size(pulled.bytes)})"
    else:
        text += "; nothing new"
    lines = [f"{text}; in {pulled.folder}" if here or pulled.partial else text]
    if pulled.partial:
        lines.append(
            f"  unfinished outputs of {count(len(pulled.partial), 'shard')} in {pulled.folder / '.partial'}"
        )
    if pulled.left_out:
        lines.append(
            f"  left out by [pull] in hybrid.toml: {count(pulled.left_out, 'file')} ({size(pulled.left_out_bytes)})"
        )
    return "\n".join(lines)


def _next(spec: Spec, pulled: Pulled) -> str:
    if pulled.blocked:
        return f"move away what is in the way, then: hybrid pull {spec.run}"
    if pulled.unwritten:
        return f"hybrid pull {spec.run}, once this disk takes what could not be written"
    if pulled.incomplete:
        return f"hybrid pull {spec.run}, again in a while; if it stays so, hybrid up --on {spec.target} does it again"
    if pulled.phase is Phase.QUEUED:
        return f"hybrid up --on {spec.target}"
    if pulled.phase in (Phase.FAILED, Phase.SETUP_FAILED):
        return f"hybrid logs {spec.run}"
    if pulled.phase is Phase.DONE:
        return f"hybrid grade {spec.run}" if pulled.fetched else ""
    return f"hybrid status {spec.run}" if pulled.phase is Phase.RUNNING else ""


def _document(spec: Spec, pulled: Pulled) -> dict[str, object]:
    return {
        "run": spec.run,
        "name": spec.name[:80],
        "phase": pulled.phase.value,
        "sample": spec.sample,
        "shards": spec.shards,
        "folder": str(pulled.folder),
        "fetched": pulled.fetched,
        "present": pulled.present,
        "incomplete": [{"shard": shard, "why": why} for shard, why in pulled.incomplete.items()],
        "partial": pulled.partial,
        "files": pulled.files,
        "bytes": pulled.bytes,
        "left_out": pulled.left_out,
        "left_out_bytes": pulled.left_out_bytes,
        "problems": [{"path": path_text(each.path), "what": each.what} for each in pulled.problems],
    }
