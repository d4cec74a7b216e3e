"""``hybrid run --wait``: follows a run, brings its results home, and ends as the run did."""

from sync.errors import HybridError
from sync.mailbox.records import Ended
from sync.mailbox.state import Phase

from .. import details, last_runner, machines, run_page, running, runs
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..mailbox import Mailbox, Run
from ..project import Project
from ..pulling import pull_run
from ..sizes import count
from ..state import opened
from .options import Call

LOG_LINES = 10
MOST_SHOWN = 3
_ENDINGS = {
    Phase.QUEUED: "is queued",
    Phase.RUNNING: "was running",
    Phase.SETUP_FAILED: "could not be set up",
    Phase.STOPPED: "was stopped",
    Phase.FAILED: "has failed",
    Phase.DONE: "is done",
}


def wait(call: Call, project: Project, mailbox: Mailbox, run_id: str, target: str) -> int:
    """Returns the exit code. ^C leaves the run alone."""

    def gone() -> bool:
        try:
            with machines.remembered(project, call.console.warn) as known:
                return machines.is_gone(known, project, target, call.clock)
        except HybridError:
            return False  # the machine cannot be asked now: no reason to give up

    try:
        found, given_up = running.follow(mailbox, run_id, call.console.progress(), gone, call.console.say)
    except KeyboardInterrupt:
        call.console.next_step(f"the run goes on; hybrid status {run_id}, or hybrid stop {run_id}")
        raise
    if given_up:
        return _given_up(call, project, mailbox, found, target)
    return _bring_home(call, project, mailbox, found)


def _given_up(call: Call, project: Project, mailbox: Mailbox, found: Run, target: str) -> int:
    """Nothing works on the run any more, and it is not over."""
    document = {**_summary(found), "waiting": True, **_why(mailbox, found)}
    ending = f"Run {found.spec.run} {_ENDINGS[found.phase]}"
    if found.phase is Phase.SETUP_FAILED:
        ended = details.setup_failure(mailbox, found)
        _show_end(call, "set-up", ended)
        reason = ended.reason if ended else ""
        why = f": {reason.rstrip('.')}" if reason else ""
        call.console.result({**document, "reason": reason}, f"{ending}{why}.")
        call.console.next_step("set it right, then run it again")
        return Exit.FAILED
    reason = details.given_up(mailbox, found)
    if not reason:
        with opened(project, call.console.warn) as state:
            reason = last_runner.ended(state, runs.summary(found, mailbox.laptop))
    why = f": {reason.rstrip('.')}" if reason else ", and no runner is left"
    call.console.result({**document, "reason": reason}, f"{ending}{why}.")
    call.console.next_step(f"hybrid up --on {target} goes on with it")
    return Exit.WAITING


def _bring_home(call: Call, project: Project, mailbox: Mailbox, found: Run) -> int:
    pulled = pull_run(call, project, mailbox, found.spec)
    if (event := tidings.pulled(found.spec, pulled, by_hand=True)) is not None:
        note_done(project, call.clock, event, call.console.warn)
    here = len(pulled.fetched) + len(pulled.present)
    if found.phase is not Phase.DONE:
        for failure in details.failures(mailbox, found)[:MOST_SHOWN]:
            _show_end(call, f"shard {failure.attempt.shard}", failure.ended)
    text = f"Run {found.spec.run} {_ENDINGS[found.phase]}: {here} of {count(found.spec.shards, 'shard')} in {pulled.folder}."
    document = {**_summary(found), "waiting": False, "outputs": str(pulled.folder)}
    call.console.result({**document, **_why(mailbox, found)}, text)
    if found.phase is not Phase.DONE:
        call.console.next_step(f"hybrid logs {found.spec.run}")
        return Exit.FAILED
    if project.config.grade.is_wanted:
        call.console.next_step(f"hybrid grade {found.spec.run}")
    return Exit.PARTIAL if pulled.problems or pulled.incomplete else Exit.DONE


def _why(mailbox: Mailbox, found: Run) -> dict[str, object]:
    """What failed of the run, as ``hybrid status RUN --json`` tells it."""
    setup = details.setup_failure(mailbox, found) if found.phase is Phase.SETUP_FAILED else None
    return {
        "failures": [run_page.failure_document(each) for each in details.failures(mailbox, found)],
        "setup": run_page.ended_document(setup) if setup else None,
    }


def _show_end(call: Call, what: str, ended: Ended | None) -> None:
    """How something failed: the reason, and the last lines of its log."""
    if ended is None:
        return
    call.console.say(f"{what}: {ended.reason}")
    for line in ended.log.rstrip().splitlines()[-LOG_LINES:]:
        call.console.say(f"{what} | {line[:200]}")


def _summary(found: Run) -> dict[str, object]:
    return {
        "run": found.spec.run,
        "phase": found.phase.value,
        "shards": found.spec.shards,
        "complete": sum(state.complete for state in found.states),
        "failed": sum(state.exhausted and not state.complete for state in found.states),
        "sample": found.spec.sample,
    }
