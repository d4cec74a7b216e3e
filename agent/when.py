"""When grading by a model may run: on mains, at night, or both. Pure.

``ac, 22:00-07:00`` means: on mains, and between ten in the evening and seven in the morning. Several spans may be given;
one of them must hold. Times are this machine's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY = 24 * 60
FORM = '"ac", a span such as "22:00-07:00", or both with a comma between them'


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """``spans`` are minutes of the day from and to, over midnight where the end is not behind the start; none: any time."""

    on_mains: bool = False
    spans: Sequence[tuple[int, int]] = ()

    @classmethod
    def parse(cls, text: str) -> "When":
        """Raises ValueError."""
        on_mains, spans = False, []
        for word in (each.strip() for each in text.split(",")):
            if word.lower() == "ac":
                on_mains = True
                continue
            match = _SPAN.fullmatch(word)
            if match is None:
                raise ValueError
            start, end = (60 * int(match[n]) + int(match[n + 1]) for n in (1, 3))
            if max(start, end) > _DAY or int(match[2]) > 59 or int(match[4]) > 59 or start == end:
                raise ValueError
            spans.append((start % _DAY, end % _DAY))
        return cls(on_mains=on_mains, spans=tuple(spans))

    def wait_s(self, minute: float, mains: bool | None) -> float:
        """Seconds until it is worth asking again; 0 where grading may run now.

        ``minute`` is the minute of the day, with its part; ``mains`` whether this machine runs on mains, None where
        nobody can tell: then it is taken to.
        """
        if self.spans and not any(_is_within(minute, *span) for span in self.spans):
            return 60 * min((start - minute) % _DAY for start, _ in self.spans)
        return _LOOK_S if self.on_mains and mains is False else 0.0

    def why_not(self, minute: float, mains: bool | None) -> str:
        """A clause for people on judges: what they wait for; empty where grading may run now."""
        if self.wait_s(minute, mains) <= 0:
            return ""
        if self.spans and not any(_is_within(minute, *span) for span in self.spans):
            start = min((start for start, _ in self.spans), key=lambda each: (each - minute) % _DAY)
            return f"they wait until {start // 60:02}:{start % 60:02}"
        return "they wait for mains power"


_LOOK_S = 60.0
"""Seconds until it is looked again whether there is mains power."""


def _is_within(minute: float, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start or minute < end
