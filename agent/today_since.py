"""Since when ``hybrid today`` tells, as people say it, in local time. Pure, but for the time zone."""

import re
import time
from datetime import datetime

from sync.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?) ?([mhdw])")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def moment(word: str | None, now: float) -> float:
    """Wall clock that ``word`` means at ``now``: ``24h``, ``today``, ``2026-11-20``, ``2026-11-20T18:00``.

    Without a word, yesterday's midnight: the evening before is what a morning wants to know of. Raises UsageError.
    """
    if word in (None, "yesterday", "today"):
        return midnight(now, days=0 if word == "today" else -1)
    assert word is not None
    ago = _AGO.fullmatch(word)
    if ago:
        return max(0.0, now - float(ago[1]) * _SECONDS[ago[2]])
    try:
        then = max(0.0, datetime.fromisoformat(word).timestamp())
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"--since {word} is no time.", "Write 24h, 3d, today, yesterday, or a date such as 2026-11-20."
        ) from error
    if then > now:
        raise UsageError(f"--since {word} is still to come.", "Name a time that is over.")
    return then


def midnight(now: float, *, days: int = 0) -> float:
    """The beginning of the day that is ``days`` after that of ``now``; days of 23 and 25 hours count as days."""
    year, month, day, *_ = time.localtime(now)
    return time.mktime((year, month, day + days, 0, 0, 0, 0, 0, -1))


def spoken(then: float) -> str:
    """``Fri 20 Nov 18:00``."""
    return time.strftime("%a %d %b %H:%M", time.localtime(then))
