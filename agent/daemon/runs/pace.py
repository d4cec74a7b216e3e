"""How soon a run is looked at again. Pure."""

from sync.mailbox.state import OVER, Phase

LEAST_S = 2.0
AT_WORK_S = 15.0
LONGEST_S = 60.0
_SHARE = 10
"""What takes long is looked at after a tenth of the time that it has taken so far."""


def look_again_s(phase: Phase, *, silent: bool, quiet_s: float, tick_s: float) -> float | None:
    """Seconds until the next look; None where nothing more is to come.

    silent   its holder shows no sign of life
    quiet_s  for how long nothing but such signs has come
    tick_s   how often they come on this remote
    """
    if phase in OVER:
        return None
    longest = AT_WORK_S if phase is Phase.RUNNING and not silent else LONGEST_S
    return min(longest, max(LEAST_S, tick_s / 2, quiet_s / _SHARE))


def pull_again_s(tries: int) -> float:
    """Seconds until what could not be had is asked for again, after so many tries: 5 s, doubled up to a quarter of an
    hour."""
    return float(min(900.0, 5.0 * 2.0 ** min(tries - 1, 10)))
