"""``hybrid grade`` over a longer time: partial results as they come, and the one that is the last."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from local_grader import report as reports
from local_grader.request import Request

from ..arrivals import AllHere, Arrivals, Homecoming, followed
from ..hours import Hours
from ..mailbox import opened
from ..power import awake, lower_priority
from ..project import Project
from ..sittings import Sitting, Sittings
from ..state import opened as opened_state
from .options import Call
from .typed import FRESH, typed


def sit(
    call: Call,
    project: Project,
    request: Request,
    hours: Hours,
    *,
    follow: bool,
    keep_awake: bool,
) -> Sitting:
    """Tells each partial result, and returns the last; with ``follow`` that may take as long as the run does.

    ^C ends it at any moment: what was judged is kept.
    """
    console = call.console
    if request.judging is not None and not hours.always:
        lower_priority()
    with contextlib.ExitStack() as stack:
        arrivals: Arrivals = AllHere()
        if follow:
            arrivals = stack.enter_context(_homecoming(call, project, request.target))
            request = replace(request, target=arrivals.run)
        if keep_awake and request.judging is not None:
            # Through the hours in which judges wait, too: a machine that sleeps then does not wake up for them.
            stack.enter_context(awake(console.warn))
        sittings = Sittings(
            request, arrivals, hours, progress=console.progress(), clock=call.clock, say=console.say
        )
        try:
            for sitting in sittings:
                if sitting.is_last:
                    return sitting
                if follow or not call.json:
                    console.stream(reports.to_json(sitting.report), reports.so_far(sitting.report))
        except KeyboardInterrupt:
            if follow or request.judging is not None:
                raise KeyboardInterrupt(
                    f"all verdicts are kept, and the same goes on: {typed(without=FRESH)}"
                ) from None
            raise
    raise AssertionError("sittings end with the last one")


@contextlib.contextmanager
def _homecoming(call: Call, project: Project, word: str) -> Iterator[Homecoming]:
    with opened(project, call.clock) as mailbox, opened_state(project, call.console.warn) as state:
        yield Homecoming(mailbox, state, followed(mailbox, word), call.console.say)
