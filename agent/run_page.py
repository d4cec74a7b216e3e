"""One run in detail, as text and as JSON. All of it may come from the mailbox: every text is cut to a bound."""

import shlex
from dataclasses import dataclass

from sync.clock import Clock
from sync.mailbox import layout
from sync.mailbox.records import Ended
from sync.mailbox.state import OVER, Phase

from . import details, runs
from .details import Failure, Holder
from .mailbox import Mailbox, Run
from .memory import Memory
from .runs import Summary
from .sizes import count, duration

_WIDEST = 200
_LONGEST_LOG = 8192
_LOG_LINES = 5
_MOST_SHOWN = 10
_MOST_TOLD = 1000


@dataclass(frozen=True, kw_only=True)
class Page:
    """``setup``: how the last set-up failed, where none goes on; ``given_up``: why the last worker left the run, where
    none followed; ``left``: seconds, about; ``silent``: its worker shows no sign of life, or is known to be dead;
    ``runner``: how the last runner that was started for it ended, where none followed."""

    run: Run
    summary: Summary
    holder: Holder | None
    failures: list[Failure]
    setup: Ended | None
    given_up: str
    left: float | None
    silent: bool
    runner: str = ""

    @property
    def lost(self) -> int:
        return sum(len(state.lost) for state in self.run.states)

    def next(self, called: str = "") -> str:
        """A command, or nothing. ``called``: the user's word for the run."""
        return runs.next_step(self.summary, silent=self.silent, called=called)


def look_closely(mailbox: Mailbox, memory: Memory, run_id: str) -> Page:
    """Raises NotFound, CorruptMailbox, NewerMailbox."""
    run = runs.load(mailbox, run_id)
    one = runs.summary(run, mailbox.laptop)
    holder = details.holder(mailbox, run, memory, mailbox.clock.wall())
    silent = holder is not None and (holder.dead or details.is_silent(mailbox, holder.silent))
    return Page(
        run=run,
        summary=one,
        holder=holder,
        failures=details.failures(mailbox, run),
        setup=details.setup_failure(mailbox, run) if run.phase is Phase.SETUP_FAILED else None,
        given_up=details.given_up(mailbox, run),
        left=None if silent else details.remaining_s(mailbox, run, holder.tick if holder else None),
        silent=silent,
    )


def document(page: Page) -> dict[str, object]:
    setup = page.setup
    return {
        **page.summary.to_json(),
        "silent": page.holder.silent if page.holder and page.silent else None,
        "command": page.run.spec.shell or page.run.spec.command,
        "snapshot": page.run.spec.snapshot,
        "lost": page.lost,
        "remaining": page.left,
        "worker": _worker_document(page.holder) if page.holder else None,
        "failures": [failure_document(each) for each in page.failures],
        "setup": ended_document(setup) if setup else None,
        "given_up": page.given_up or None,
        "runner": page.runner or None,
        "next": page.next(),
    }


def text(page: Page, clock: Clock) -> str:
    one, spec = page.summary, page.run.spec
    dead = page.holder is not None and page.holder.dead
    at_work = "cut off" if dead else "running"
    over = page.run.phase in OVER
    waiting = "not run" if over else "waiting"
    when = age(one, clock)
    queued = f"queued {when} ago by this laptop" if when else f"queued by laptop {spec.laptop[:16]}"
    lines = [
        f"Run {one.run}: {phase(one)}{', but nobody works on it' if dead and not over else ''}",
        f"Command: {_short(spec.shell or shlex.join(spec.command))}",
        f"For {one.target}, {queued}; snapshot {_name_of(spec.snapshot)}",
        f"Shards: {one.accepted + one.done} of {one.shards} complete ({one.accepted} accepted), {one.running} {at_work},"
        f" {one.waiting} {waiting}, {one.failed} failed",
    ]
    if page.given_up:
        lines.append(f"The last worker gave it up: {page.given_up}")
    elif page.runner:
        lines.append(f"Nobody works on it: {page.runner}")
    if page.lost:
        lines.append(f"Lost: {count(page.lost, 'attempt')} whose worker ended without a word")
    if page.holder is not None:
        lines += _worker_lines(page.holder, silent=page.silent, over=over)
    if page.left is not None:
        lines.append(f"About {duration(page.left)} left, by what the shards took so far")
    if page.setup is not None:
        lines += [f"Set-up failed: {_short(page.setup.reason)}", *_log_end(page.setup.log)]
    for each in page.failures:
        again = "given up" if each.final else "tried again"
        lines.append(
            f"Failed: shard {each.attempt.shard} ({each.attempt}, {again}): {_short(each.ended.reason)}"
        )
        lines += _log_end(each.ended.log)
    return "\n".join(lines)


def phase(one: Summary, silent: float | None = None) -> str:
    shown = f"{one.phase}, a sample" if one.sample else one.phase
    return f"{shown}, silent for {duration(silent)}" if silent else shown


def age(one: Summary, clock: Clock) -> str:
    """Since when a run of this laptop is there; another's clock says nothing here."""
    return duration(clock.wall() - one.created) if one.mine else ""


def _name_of(snapshot: str) -> str:
    """A snapshot's laptop and number, as people tell them apart."""
    parsed = layout.parse_snapshot(snapshot.rpartition("/")[2])
    return f"{parsed.laptop}-{parsed.seq}" if parsed else "unknown"


def _worker_lines(holder: Holder, *, silent: bool, over: bool) -> list[str]:
    text = f"Worker {holder.worker}"
    if holder.hello is not None:
        gpu = (
            f"{_short(holder.hello.gpu)}, {holder.hello.vram_gb:.0f} GB free"
            if holder.hello.gpu
            else "no GPU"
        )
        text += f" on {_short(holder.hello.host)} ({gpu}, Python {_short(holder.hello.python)})"
    tick = holder.tick
    if tick is not None:
        doing = "" if holder.dead else f"{_short(tick.doing) or 'at work'}, "
        text += f": {doing}on this run for {duration(tick.elapsed)}"
    lines = [text]
    if holder.dead:
        note = "" if over else "; nobody works on the run until a runner is started"
        lines.append(f"Its process on this machine has ended{note}")
    elif holder.silent is None:
        lines.append("Seen for the first time from here; look again to see whether it lives")
    elif holder.silent == 0:
        lines.append("It has given a new sign of life since the last look")
    else:
        note = "; it may be gone, and a runner that is started takes over" if silent and not over else ""
        lines.append(f"Last sign of life {duration(holder.silent)} ago (as seen from here){note}")
    if tick is not None and tick.running and not holder.dead:
        running = sorted(tick.running.items())[:_MOST_SHOWN]
        shown = ", ".join(f"{_short(attempt)} for {duration(spent)}" for attempt, spent in running)
        more = f" and {len(tick.running) - _MOST_SHOWN} more" if len(tick.running) > _MOST_SHOWN else ""
        lines.append(f"Attempts at work: {shown}{more}")
    return lines


def _worker_document(holder: Holder) -> dict[str, object]:
    hello, tick = holder.hello, holder.tick
    about: dict[str, object] = {"worker": holder.worker, "silent": holder.silent, "dead": holder.dead}
    if hello is not None:
        about |= {"host": hello.host[:_WIDEST], "gpu": hello.gpu[:_WIDEST], "vram_gb": hello.vram_gb}
        about |= {"python": hello.python[:_WIDEST], "target": hello.target[:_WIDEST]}
    if tick is not None:
        about |= {"tick": tick.n, "doing": tick.doing[:_WIDEST], "elapsed": tick.elapsed}
        about |= {"running": _bounded(tick.running), "telemetry": _bounded(tick.telemetry)}
    return about


def _bounded(values: dict[str, float]) -> dict[str, float]:
    return {key[:_WIDEST]: value for key, value in sorted(values.items())[:_MOST_TOLD]}


def failure_document(each: Failure) -> dict[str, object]:
    """The last failure of a shard, as ``hybrid status RUN --json`` tells it."""
    about = {"shard": each.attempt.shard, "attempt": str(each.attempt), "final": each.final}
    return {**about, **ended_document(each.ended)}


def ended_document(ended: Ended) -> dict[str, object]:
    """How something ended: its exit code, the reason, and the end of its log."""
    return {"exit": ended.exit, "reason": ended.reason[:_WIDEST], "log": ended.log[-_LONGEST_LOG:]}


def _short(text: str) -> str:
    """One line of bounded length: the mailbox may hold anything."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}..."


def _log_end(log: str) -> list[str]:
    return [f"  | {line[:_WIDEST]}" for line in log.rstrip().splitlines()[-_LOG_LINES:]]
