"""Which run a word means: an id, the beginning of one, or a name, which means its newest run."""

import re
from collections.abc import Iterable

from sync.errors import UsageError

from .planning import slug

_ID = re.compile(r"\d{8}-\d{6}-(.+)-[0-9a-f]{4}")


def name_of(run_id: str) -> str:
    """The name in an id that ``planning.run_id`` made; empty for others."""
    match = _ID.fullmatch(run_id)
    return match[1] if match else ""


def meant(word: str, run_ids: Iterable[str]) -> str | None:
    """The run that ``word`` means among ``run_ids``; None where there is none. Raises UsageError where it is several."""
    ids = sorted(run_ids)
    if word in ids:
        return word
    starting = [each for each in ids if word and each.startswith(word)]
    named = [each for each in ids if slug(word) and name_of(each) == slug(word)]
    if len(starting) > 1 and not named:
        raise UsageError(
            f"{word!r} is the beginning of {len(starting)} runs: {', '.join(starting[-5:])}.",
            "Write more of it.",
        )
    found = named or starting
    return found[-1] if found else None
