"""``hybrid pull``: brings verified outputs home."""

import logging
from collections import Counter
from pathlib import Path

import click

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import layout
from sync.mailbox.records import LARGEST_RECORD, Spec
from sync.mailbox.state import OVER, Phase, phase, shards
from sync.pull.early import Early, looking_ahead
from sync.pull.pulled import Pulled
from sync.pull.puller import Puller

from .. import run_facts, runs
from ..console import path_text
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..mailbox import Mailbox, Run, opened
from ..memory import Memory
from ..pulling import asked_early, puller, warn
from ..sizes import count, size
from ..state import opened as opened_state
from .complete import run_ids
from .moved import tell_of_move
from .options import Call, common_options

_LOG = logging.getLogger(__name__)
_NOTHING = "Nothing to pull: all that this laptop's runs have finished was pulled before."
_NOTHING_YET = "Nothing to pull yet."
_NOTHING_MORE = f"{_NOTHING} For a copy, name the run: hybrid pull RUN --into DIR"
_FEW = 3
_AT_A_TIME = 16
_LISTED = 4
"""Runs of which the spec, and the files, are asked of the mailbox before their turn comes. What is listed grows old."""


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

    A run that was pulled is not looked at again. Where its folder, or that of a shard, was deleted here, naming the run
    fetches that again. A single file that was deleted stays away: pull the run --into another folder to have it.

    \b
    Examples:
      hybrid pull
      hybrid pull train
      hybrid pull 20261120-2231 --into /data/results
    """
    project = call.project()
    tell_of_move(call, project)
    outputs = into.absolute() if into else project.root / project.config.project.outputs
    with opened(project, call.clock) as mailbox, asked_early(mailbox, names) as early:
        mailbox.require()
        with opened_state(project, call.console.warn) as state:
            memory = Memory(state)
            specs, unreadable = _wanted(call, mailbox, early, memory, names)
            with puller(mailbox, state, call.console.progress(), into=outputs) as pulling:
                done = [
                    (spec, _pull(call, pulling, spec, partial=not no_partial, dry_run=dry_run))
                    for spec in looking_ahead(
                        specs,
                        _LISTED,
                        lambda spec: early.list_files_soon(f"{mailbox.base}/{layout.run(spec.run)}"),
                    )
                ]
            for spec, pulled in done:
                all_shown = pulled.phase is Phase.DONE or not no_partial
                if not dry_run and pulled.phase in OVER and all_shown and not pulled.incomplete:
                    _close(mailbox, memory, spec, pulled)
                    run_facts.remember(mailbox, state, spec, pulled.seen)
            gone = [] if names or into else _gone(mailbox, memory, outputs)
    for spec, pulled in [] if dry_run or into else done:
        if (event := tidings.pulled(spec, pulled, by_hand=True)) is not None:
            note_done(project, call.clock, event, call.console.warn)
    document = {
        "dry_run": dry_run,
        "runs": [_document(*each, dry_run) for each in done],
        "gone": gone,
        "unreadable": unreadable,
    }
    idle = [] if names else [pulled for _, pulled in done if _is_idle(pulled)]
    shown = [each for each in done if each[1] not in idle]
    lines = [_line(*each, dry_run) for each in shown]
    nothing = _NOTHING_YET if idle else _NOTHING_MORE if into else _NOTHING
    call.console.result(document, "\n".join(lines or [nothing, *_about_gone(gone, outputs)]))
    _say_next(call, shown, idle, gradable=project.config.grade.is_wanted and into is None)
    whole = not unreadable and not any(pulled.problems or pulled.incomplete for _, pulled in done)
    return Exit.DONE if whole else Exit.PARTIAL


def _wanted(
    call: Call, mailbox: Mailbox, early: Early, memory: Memory, names: tuple[str, ...]
) -> tuple[list[Spec], list[dict[str, str]]]:
    """The specs of the runs that are meant, and those of which that cannot be told."""
    if names:
        return [runs.spec_of(mailbox, each) for each in dict.fromkeys(map(mailbox.find, names))], []
    found: list[Spec] = []
    unreadable: list[dict[str, str]] = []
    others = 0
    closed = memory.closed()
    open_ones = [run_id for run_id in mailbox.run_ids() if run_id not in closed]

    def ask(run_id: str) -> None:
        early.read_soon(f"{mailbox.base}/{layout.spec(run_id)}", 0, LARGEST_RECORD)

    for run_id in looking_ahead(open_ones, _AT_A_TIME, ask):
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
    for shard in () if dry_run else pulled.fetched:
        _LOG.info("shard %d of %s is in %s, verified", shard, spec.run, pulled.folder)
    warn(call, pulled)
    return pulled


def _close(mailbox: Mailbox, memory: Memory, spec: Spec, pulled: Pulled) -> None:
    """Remembers a run that is over and home, so that it need not be looked at again."""
    states = shards(pulled.seen, spec.shards, spec.retries)
    run = Run(spec=spec, seen=pulled.seen, states=states, phase=phase(pulled.seen, states))
    if runs.is_closed(run, mailbox.laptop):
        memory.close(spec.run, runs.summary(run, mailbox.laptop).to_json())


def _gone(mailbox: Mailbox, memory: Memory, outputs: Path) -> list[str]:
    """The runs that this laptop has pulled, and whose folder is not in ``outputs``."""
    told = {run: runs.Summary.from_json(document) for run, document in memory.closed().items()}
    pulled = {run for run, one in told.items() if one is not None and one.mine and one.accepted}
    return [run for run in mailbox.run_ids() if run in pulled and not (outputs / run).exists()]


def _about_gone(gone: list[str], outputs: Path) -> list[str]:
    if not gone:
        return []
    few = ", ".join(gone[:_FEW]) + (", ..." if len(gone) > _FEW else "")
    one = len(gone) == 1
    return [
        f"{count(len(gone), 'run')} {'was' if one else 'were'} pulled before and {'is' if one else 'are'} not in"
        f" {outputs} now: {few}; hybrid pull RUN fetches {'it' if one else 'one'} again."
    ]


def _is_idle(pulled: Pulled) -> bool:
    """Whether the run is not over, and there is nothing to fetch of it now."""
    told = pulled.fetched or pulled.incomplete or pulled.partial or pulled.problems
    return pulled.phase not in OVER and not told


def _say_next(call: Call, shown: list[tuple[Spec, Pulled]], idle: list[Pulled], *, gradable: bool) -> None:
    if idle:
        phases = Counter(each.phase.value for each in idle)
        parts = ", ".join(f"{number} {phase}" for phase, number in phases.items())
        call.console.say(f"Nothing to fetch now from {count(len(idle), 'run')}: {parts}.")
    steps = [_next(spec, pulled, gradable) for spec, pulled in shown] + ["hybrid status"] * bool(idle)
    step = next(filter(None, steps), "")
    if step:
        call.console.next_step(step)


def _line(spec: Spec, pulled: Pulled, dry_run: bool) -> str:
    here = len(pulled.present) + (0 if dry_run else len(pulled.fetched))
    text = f"{spec.run}: {pulled.phase.value}{', a sample' if spec.sample else ''}"
    text += f", {here} of {count(spec.shards, 'shard')} here"
    if pulled.fetched or pulled.files:
        verb = "would fetch" if dry_run else "fetched and verified"
        text += f"; {verb} {count(pulled.files, 'file')} ({size(pulled.bytes)})"
        text += f", {size(pulled.reused)} of it from what is here" if pulled.reused else ""
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


def _next(spec: Spec, pulled: Pulled, gradable: bool) -> str:
    if pulled.blocked:
        return f"move away what is in the way, then: hybrid pull {spec.run}"
    if pulled.unwritten:
        return f"hybrid pull {spec.run}, once this disk takes what could not be written"
    if pulled.incomplete:
        return f"hybrid pull {spec.run}, again in a while; if it stays so, its outputs are lost: hybrid run, again"
    if pulled.phase is Phase.QUEUED:
        return f"hybrid up --on {spec.target}"
    if pulled.phase in (Phase.FAILED, Phase.SETUP_FAILED):
        return f"hybrid logs {spec.run}"
    if pulled.phase is Phase.DONE:
        return f"hybrid grade {spec.run}" if pulled.fetched and gradable else ""
    return f"hybrid status {spec.run}" if pulled.phase is Phase.RUNNING else ""


def _document(spec: Spec, pulled: Pulled, dry_run: bool) -> dict[str, object]:
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
        "verified": 0 if dry_run else pulled.files,
        "reused_bytes": pulled.reused,
        "left_out": pulled.left_out,
        "left_out_bytes": pulled.left_out_bytes,
        "problems": [{"path": path_text(each.path), "what": each.what} for each in pulled.problems],
    }
