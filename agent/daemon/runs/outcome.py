"""What the duties around runs hand back to who calls them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..tell.events import Event
from ..tell.status import Need


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """events  what happened since the last outcome, to be written down
    needs      all that only a person can do, as far as this duty knows now
    notes      run -> a clause on what holds it
    again_s    seconds after which the duty wants to be called again; None: when there is a reason
    """

    events: list[Event] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    again_s: float | None = None


def soonest(times: Iterable[float | None]) -> float | None:
    """The smallest; None where there is none, or all are None."""
    return min((each for each in times if each is not None), default=None)
