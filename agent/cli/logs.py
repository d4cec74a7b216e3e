"""``hybrid logs``: what a run prints, so far or as it goes on."""

import re

import click

from sync.errors import NotFound, Transient, Unreachable, UsageError
from sync.mailbox import lease
from sync.mailbox.state import OVER, Phase
from sync.pull.outputs import Outputs

from .. import details, last_runner, runs
from ..choices import LocalChoices
from ..log_pieces import Piece
from ..mailbox import Mailbox, Run, opened
from ..run_logs import RunLogs
from ..sizes import duration
from ..state import opened as opened_state
from .complete import run_ids
from .options import Call, common_options

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@click.command()
@click.argument("name", metavar="RUN", shell_complete=run_ids)
@click.option("--shard", type=click.IntRange(0), metavar="N", help="Only of this shard, counted from 0.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option(
    "--tail", type=click.IntRange(0), metavar="N", help="Begin with the last N lines of each shard."
)
@common_options
def logs(call: Call, name: str, shard: int | None, follow: bool, tail: int | None) -> None:
    """Show what a run prints, shard by shard.

    Of each shard the attempt that counts: the one that was accepted, the one at work, or the last one. Where the
    set-up failed, what that printed. With several shards each line begins with the shard's number. Why an attempt or
    the set-up failed is told last, on standard error.

    \b
    Examples:
      hybrid logs train
      hybrid logs train -f --tail 20
      hybrid logs train --shard 3 --json
    """
    project = call.project()
    with opened(project, call.clock) as mailbox, opened_state(project, call.console.warn) as state:
        run = runs.load(mailbox, mailbox.find(name))
        if shard is not None and shard >= run.spec.shards:
            raise UsageError(
                f"Run {run.spec.run} has no shard {shard}.", f"The last one is {run.spec.shards - 1}."
            )
        outputs = project.root / project.config.project.outputs
        telling = RunLogs(mailbox, outputs, LocalChoices(state), only=shard, tail=tail)
        lines = _Lines(call, Outputs(outputs, run.spec), several=shard is None and run.spec.shards > 1)
        if follow:
            _follow(call, mailbox, run, telling, lines, shard)
            return
        for piece in telling.news(run):
            lines.show(piece)
        lines.end()
        one = runs.summary(run, mailbox.laptop)
        ended = last_runner.ended(state, one)
    if ended:
        call.console.say(f"Nobody works on it: {ended}.")
    if not lines.any:
        nothing = "it printed nothing" if run.phase in OVER else "it has printed nothing yet"
        call.console.say(f"Run {run.spec.run}: {run.phase.value}; {nothing}.")
        step = runs.next_step(one)
        if run.phase is Phase.QUEUED and step:
            call.console.next_step(step)


def _follow(
    call: Call, mailbox: Mailbox, run: Run, telling: RunLogs, lines: "_Lines", shard: int | None
) -> None:
    silence = lease.Silence()
    said = ""
    while True:
        for piece in telling.news(run):
            lines.show(piece)
        lines.pause()
        silence.observe(run.seen, call.clock.monotonic())
        holder = lease.holder(run.seen)
        silent = silence.of(holder, call.clock.monotonic()) if holder else 0.0
        gone = details.is_silent(mailbox, silent)
        if _is_over(run, shard, gone):
            break
        note = ""
        if run.phase is Phase.QUEUED:
            note = f"Run {run.spec.run} waits for a runner; one is started with: hybrid up --on {run.spec.target[:80]}"
        elif gone:
            note = f"The worker has given no sign of life for {duration(silent)}; another one may take over."
        if note and note[:20] != said[:20]:
            call.console.say(note)
        said = note
        run = _look_again(call, mailbox, run)
    lines.end()
    call.console.say(f"Run {run.spec.run}: {run.phase.value}.")


def _look_again(call: Call, mailbox: Mailbox, run: Run) -> Run:
    """The run after a while; a network that is away is waited for."""
    told = False
    while True:
        call.clock.sleep(mailbox.remote.capabilities.tick_s)
        try:
            found = runs.load(mailbox, run.spec.run)
        except (Transient, Unreachable) as error:
            if not told:
                call.console.warn(f"{error} It is tried again.")
            told = True
            continue
        if not found.seen.ready:
            raise NotFound(f"Run {run.spec.run} was removed from the mailbox.")
        return found


def _is_over(run: Run, shard: int | None, gone: bool) -> bool:
    """Whether nothing more will be printed. ``gone``: the holder shows no sign of life."""
    if shard is not None and run.states[shard].over and not run.states[shard].running:
        return True
    if run.phase is Phase.SETUP_FAILED:
        return True
    at_work = any(state.running for state in run.states) and not gone
    return run.phase in OVER and not at_work


class _Lines:
    """Pieces become lines, or JSON lines. A line that is not ended waits for its end, unless it redraws itself."""

    def __init__(self, call: Call, outputs: Outputs, *, several: bool) -> None:
        self._console = call.console
        self._json = call.json
        self._outputs = outputs
        self._several = several
        self._open: dict[int | None, str] = {}
        self._attempts: dict[int | None, str | None] = {}
        self.any = False

    def show(self, piece: Piece) -> None:
        self.any = True
        shard, before = piece.shard, self._attempts.get(piece.shard)
        if before is not None and before != piece.attempt:
            self._end(shard)
            self._console.say(f"Shard {shard}: attempt {piece.attempt} now.")
        self._attempts[shard] = piece.attempt
        if piece.skipped:
            self._console.say(
                f"{piece.skipped} bytes of attempt {piece.attempt} are not in the mailbox any more."
            )
        if self._json:
            names = ("shard", "attempt", "offset", "text", "reason")
            self._console.stream({name: getattr(piece, name) for name in names})
            return
        if piece.reason:
            self._end(shard)
            what = "The set-up" if shard is None else f"Shard {shard}: attempt {piece.attempt}"
            self._console.say(f"{what} failed: {piece.reason}")
            return
        *lines, self._open[shard] = (self._open.get(shard, "") + piece.text).split("\n")
        if lines:
            self._console.stream({}, "\n".join(self._line(shard, line) for line in lines))

    def pause(self) -> None:
        """Nothing more comes for now: a bar that redraws its line is shown as it stands."""
        for shard, line in list(self._open.items()):
            if "\r" in line:
                self._end(shard)

    def end(self) -> None:
        for shard in list(self._open):
            self._end(shard)

    def _end(self, shard: int | None) -> None:
        line = self._open.pop(shard, "")
        if line:
            self._console.stream({}, self._line(shard, line))

    def _line(self, shard: int | None, line: str) -> str:
        drawn = [part for part in line.split("\r") if part]
        text = _COLOUR.sub("", drawn[-1]) if drawn else ""
        return f"{self._outputs.name(shard)} | {text}" if self._several and shard is not None else text
