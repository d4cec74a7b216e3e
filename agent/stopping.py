"""Ending a run for good: the mark in the mailbox, and waiting until its worker has obeyed."""

from cloud_runner import host
from sync.mailbox import lease
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Hello, Mark

from . import details
from .mailbox import Mailbox, Run

_POLL_S = 2.0


def stop(mailbox: Mailbox, run_id: str, reason: str = "stopped by hand") -> None:
    """Writes the stop mark. It cannot be taken back."""
    mailbox.write(RunFolder(run_id), RunFolder.stop(mailbox.laptop), Mark(reason=reason))


def at_work(mailbox: Mailbox, run: Run) -> str | None:
    """The worker that holds the run; None where there is none, or its process on this machine has ended."""
    worker = lease.holder(run.seen)
    if worker is None:
        return None
    hello = details.read(Hello, mailbox, run.spec.run, RunFolder.hello(worker))
    return None if hello is not None and host.is_dead(hello) else worker


def wait_until_free(mailbox: Mailbox, run_id: str) -> bool:
    """Waits until no worker holds the run; False where one does that gives no sign of life any more."""
    silence = lease.Silence()
    while True:
        run = mailbox.run(run_id)
        worker = at_work(mailbox, run)
        if worker is None:
            return True
        now = mailbox.clock.monotonic()
        silence.observe(run.seen, now)
        if details.is_silent(mailbox, silence.of(worker, now)):
            return False
        mailbox.clock.sleep(min(_POLL_S, mailbox.remote.capabilities.tick_s))
