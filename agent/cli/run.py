"""``hybrid run``: pushes, queues a run, starts a runner for it, and with ``--wait`` brings the results home."""

from typing import Any

import click
from click.shell_completion import CompletionItem

from sync.errors import UsageError
from sync.local.index import Index

from .. import launchers, machines, planning, pushing, running
from ..config import NamedRun
from ..console import path_text
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..mailbox import opened
from ..own_runs import OwnRuns
from ..planning import Wish
from ..project import Project
from ..sizes import count
from ..state import opened as opened_state
from .complete import named_runs, targets
from .moved import tell_of_move
from .options import Call, common_options


class _Command(click.Command):
    """Remembers whether ``--`` was there: what follows it is a command, never the name of a run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["hybrid.after_dashes"] = "--" in args
        return super().parse_args(ctx, args)


def _fitting(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A ``[run.NAME]`` in the first place, unless ``--`` was there; files elsewhere, and where none begins like that."""
    is_name = not context.params.get("words") and not context.meta["hybrid.after_dashes"]
    found = named_runs(context, parameter, incomplete) if is_name else []
    return found or [CompletionItem(incomplete, type="file")]


@click.command(cls=_Command)
@click.option(
    "--on",
    metavar="TARGET[,...]",
    shell_complete=targets,
    help="Where: local or ssh:HOST; the first that answers.",
)
@click.option("--over", metavar="FILE", help="Inputs: a JSON-lines file, or a quoted pattern of files.")
@click.option("--chunk", type=click.IntRange(1), metavar="K", help="Inputs a shard.")
@click.option("--shards", type=click.IntRange(1), metavar="N", help="Split into N shards without inputs.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Take the first N inputs only: a sample.")
@click.option("--retries", type=click.IntRange(0), metavar="N", help="Failures of a shard that are forgiven.")
@click.option("--gpu", metavar="none|any|NAME", help="The GPU that it needs, such as T4. [default: none]")
@click.option(
    "--max-hours",
    type=click.FloatRange(0, min_open=True),
    metavar="H",
    help="Most hours that one runner works on it.",
)
@click.option("--parallel", type=click.IntRange(1), metavar="N", help="Attempts side by side on one machine.")
@click.option("--setup", metavar="LINE", help="Run once per machine before the first shard.")
@click.option(
    "--env", multiple=True, metavar="NAME=VALUE", help="A variable for the command; may be repeated."
)
@click.option("--name", help="What to call the run.")
@click.option("--wait", is_flag=True, help="Follow it, pull its results, and return its success or failure.")
@click.option("--no-start", is_flag=True, help="Only queue it; start no runner.")
@click.option("--dry-run", is_flag=True, help="Show what would be run; contact nothing.")
@click.option("--accept-deletions", is_flag=True, help="As for push.")
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="NAME | -- COMMAND", shell_complete=_fitting
)
@common_options
def run(
    call: Call,
    /,
    words: tuple[str, ...],
    on: str | None,
    env: tuple[str, ...],
    wait: bool,
    no_start: bool,
    dry_run: bool,
    accept_deletions: bool,
    **given: Any,
) -> int | None:
    """Run a command on the machine with the GPU.

    Pushes the project if it changed, queues the run, starts a runner where that can be done from here, and prints
    the run's id. The laptop is not needed from then on. The command runs in the project's folder there; what it
    writes to the folder in $HYBRID_OUTPUT comes back with `hybrid pull`, and $HYBRID_SHARD_INPUT is the file with its
    inputs.

    \b
    Examples:
      hybrid run -- python3 train.py --epochs 3
      hybrid run --over data/tasks.jsonl --chunk 20 -- python3 solve.py
      hybrid run --over 'plates/*.jpg' --chunk 100 --limit 300 --wait -- python3 read.py
      hybrid run --on ssh:box --shards 8 -- ./simulate.sh
    """
    project = call.project()
    named = _named(project, words)
    targets = tuple(part.strip() for part in on.split(",") if part.strip()) if on else ()
    if len(words) == 1 and " " in words[0] and not named:
        raise UsageError(
            f"There is no program {words[0]!r}: the quotes make one word of it.", f"hybrid run -- {words[0]}"
        )
    wish = Wish(command=() if named else words, on=targets, env=_variables(env), **given)
    name, settings = planning.settle(project.config, named, wish)
    chosen = settings.on or (launchers.default_target(project),)
    for target in chosen:
        launchers.check(target)
    if not dry_run:
        tell_of_move(call, project)
    index, message = pushing.open_index(project)
    with index:
        if message:
            call.console.warn(message)
        with project.lock("push"), pushing.Contact(project, index, call.clock) as contact:
            if not dry_run:
                contact.begin()
            seen = pushing.view(project, call.clock).look(index, progress=call.console.progress())
            if dry_run:
                _show_plan(call, project, index, settings, name, chosen, seen.nothing_to_do)
                return None
            met = contact.met()
            published, problems = pushing.current(
                met, index, seen, call.clock, call.console.progress(), accept_deletions=accept_deletions
            )
            for problem in problems:
                call.console.warn(f"Skipped: {path_text(problem.path)} {problem.what}.")
            target, launch, refusal = (
                (chosen[0], None, None) if no_start else machines.first_reachable(chosen, project)
            )
            try:
                with opened_state(project, call.console.warn) as state:
                    spec = running.queue(
                        met.mailbox,
                        index,
                        settings,
                        name=name,
                        snapshot=published.snapshot,
                        target=target,
                        own=None if no_start else OwnRuns(state),
                    )
                    queued = running.start(met.mailbox, machines.Machines(state), spec, launch, refusal)
            finally:
                if launch is not None:
                    launch.close()
    note_done(project, call.clock, tidings.queued(spec, by_hand=True), call.console.warn)
    if not wait or queued.refusal is not None:
        return _show_queued(call, queued, no_start)
    call.console.say(f"Run {spec.run}: {count(spec.shards, 'shard')} on {spec.target}.")
    from .waiting import wait as wait_for

    with opened(project, call.clock) as mailbox:
        return wait_for(call, project, mailbox, spec.run, spec.target)


def _named(project: Project, words: tuple[str, ...]) -> str | None:
    """The ``[run.NAME]`` that is meant, if one is."""
    if click.get_current_context().meta["hybrid.after_dashes"] or not words:
        return None
    if len(words) == 1 and words[0] in project.config.runs:
        return words[0]
    known = ", ".join(project.config.runs) or "none"
    if words[0] in project.config.runs:
        raise UsageError(
            f"[run.{words[0]}] takes no arguments, and {' '.join(words[1:])!r} was given.",
            f"hybrid run {words[0]}; or for a command: hybrid run -- {' '.join(words)}",
        )
    raise UsageError(
        f"There is no [run.{words[0]}] in hybrid.toml; it has: {known}.",
        f"For a command write: hybrid run -- {' '.join(words)}",
    )


def _variables(env: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in env]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UsageError(f"--env {name} is not of the form NAME=VALUE.", "Write --env NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _show_plan(
    call: Call,
    project: Project,
    index: Index,
    settings: NamedRun,
    name: str,
    targets: tuple[str, ...],
    unchanged: bool,
) -> None:
    shards, inputs, sample = planning.spread(settings, project.root, index.files())
    document = {
        "name": name,
        "command": settings.command if isinstance(settings.command, str) else list(settings.command),
        "on": list(targets),
        "shards": shards,
        "inputs": inputs.count,
        "sample": sample,
        "push": not unchanged,
    }
    over = f" over {count(inputs.count, 'input')} of {inputs.path}" if inputs.count else ""
    call.console.result(
        document,
        f"Would {'' if unchanged else 'push and '}run {name} on {' or '.join(targets)}: {count(shards, 'shard')}{over}"
        f"{' (a sample)' if sample else ''}.",
    )


def _show_queued(call: Call, queued: running.Queued, no_start: bool) -> int | None:
    spec = queued.spec
    document = {
        "run": spec.run,
        "name": spec.name,
        "snapshot": spec.snapshot,
        "target": spec.target,
        "shards": spec.shards,
        "sample": spec.sample,
        "runner": queued.handle.to_json() if queued.handle else None,
        "waiting": queued.refusal is not None,
    }
    started = "a runner was started" if queued.handle else "a runner is at work there"
    how = "queued" if no_start or queued.refusal else started
    call.console.say(f"{count(spec.shards, 'shard')} on {spec.target}; {how}.")
    call.console.result(document, spec.run)
    if queued.refusal is not None:
        call.console.warn(f"The run is queued, but no runner could be started: {queued.refusal}")
        call.console.next_step(
            f"{queued.refusal.hint.rstrip('.') or 'see what is wrong'}; then: hybrid up --on {spec.target}"
        )
        return Exit.WAITING
    call.console.next_step(f"hybrid up --on {spec.target}" if no_start else f"hybrid status {spec.run}")
    return None
