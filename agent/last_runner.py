"""How the last runner of a run's target ended, as far as this laptop can tell at once: no other machine is asked."""

from pathlib import Path

from sync.mailbox.state import OVER, Phase

from .machines import Machines
from .runs import Summary
from .state import State

_WIDEST = 300
_LAST_BYTES = 4096


def ended(state: State, one: Summary, *, is_dead: bool = False) -> str:
    """A clause that says how the last runner that was started for this run of ours ended; empty where it lives, nobody
    can tell, or the run does not wait for one. ``is_dead``: the worker that holds it is known to have ended."""
    if (
        not one.mine
        or (one.holder is not None and not is_dead)
        or Phase(one.phase) in (*OVER, Phase.SETUP_FAILED)
    ):
        return ""
    found = Machines(state).last(one.target, one.created)
    if found is None:
        return ""
    from cloud_runner import host

    handle, is_known = found
    is_here = handle.target == "local" and handle.host == host.name()
    if not is_known and not (is_here and handle.born and host.born(handle.pid) != handle.born):
        return ""
    line = _last_line(Path(handle.log)) if is_here else ""
    return f"the last runner on {one.target} has ended{f': {line}' if line else ''}"


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LAST_BYTES))
            text = file.read(_LAST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""  # it may have been cleaned up
    lines = [line for line in text.splitlines() if line.strip()]
    return " ".join(lines[-1].split())[:_WIDEST].rstrip(".") if lines else ""
