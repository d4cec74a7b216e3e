"""A grading of the first few outputs, to see whether the rest is worth its time."""

from dataclasses import replace

from ..request import Keep, Request


def trial(request: Request, limit: int) -> Request:
    """The same for the first ``limit`` of the outputs. It is kept out of the ledger, where a report would take it for the
    run's; verdicts go into the journal as ever, so that the whole asks nothing of this again. What nobody answered among
    so few is not missing."""
    return replace(request, limit=limit, is_sample=True, keep=Keep.NEVER)
