"""What to call a run where space is short: what this prints, the commands take for the same run."""

from bisect import bisect_left
from collections.abc import Iterable

from .run_names import name_of

_MOMENT = 2
"""The words at the beginning of an id that say when the run was queued."""


class Words:
    """``run_ids`` are all runs of the mailbox. The other way round is ``run_names.meant``."""

    def __init__(self, run_ids: Iterable[str]) -> None:
        self._ids = sorted(run_ids)
        self._newest = {name: each for each in self._ids if (name := name_of(each))}

    def call(self, run_id: str) -> str:
        """The run's name, where that means this run; else its ``short`` form."""
        name = name_of(run_id)
        if name and self._newest.get(name) == run_id and name not in self._ids:
            return name
        return self.short(run_id)

    def short(self, run_id: str) -> str:
        """The moment in the id, with as many of the words after it as tell the run from the others."""
        words = run_id.split("-") if name_of(run_id) else []
        for end in range(_MOMENT, len(words)):
            start = "-".join(words[:end])
            # A start that is also a name would mean the newest run of that name.
            if self._is_unique(start) and start not in self._newest:
                return start
        return run_id

    def _is_unique(self, start: str) -> bool:
        at = bisect_left(self._ids, start)
        return not any(each.startswith(start) for each in self._ids[at + 1 : at + 2])
