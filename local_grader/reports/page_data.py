"""The samples as the page's script reads them: one JSON document, small because names that repeat stand in it once."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..kept import KeptGrade
from .contents import RIGHT, VERDICTS, Contents, verdict_of

MOST = 20_000
"""Samples that a page lists. A browser shows more, but takes its time to open them."""


def embedded(contents: Contents) -> str:
    """JSON that may stand in a ``script`` element: nothing in it ends the element, begins a comment or breaks a line."""
    text = json.dumps(document(contents), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # Half a character has no place in UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def document(contents: Contents) -> dict[str, Any]:
    """``samples`` are lists, as ``_sample`` makes them; verdict, group, shard, stage, reason and judge are places in
    ``names``, -1 for none."""
    names = _Names()
    samples = [_sample(at, grade, names) for at, grade in _listed(contents)]
    return {
        "run": contents.grading.run,
        "total": contents.samples,
        "verdicts": [contents.told(each) for each in VERDICTS],
        "names": {kind: list(known) for kind, known in names.known.items()},
        "samples": samples,
    }


class _Names:
    def __init__(self) -> None:
        self.known: Mapping[str, dict[str, int]] = {
            kind: {} for kind in ("group", "shard", "stage", "reason", "judge")
        }

    def place(self, kind: str, name: str | None) -> int:
        if name is None:
            return -1
        known = self.known[kind]
        return known.setdefault(name, len(known))


def _listed(contents: Contents) -> Iterator[tuple[int, KeptGrade]]:
    """With their number, from 0, in the order of reading. Where they are too many, those that are not right come before
    those that are: nobody opens a report to read what went well."""
    whole = contents.samples
    not_right = whole - contents.verdicts[RIGHT]
    room = {True: max(0, MOST - not_right), False: MOST} if whole > MOST else {True: whole, False: whole}
    for at, grade in enumerate(contents.grades()):
        is_right = verdict_of(grade) == RIGHT
        if room[is_right]:
            room[is_right] -= 1
            yield at, grade


def _sample(at: int, grade: KeptGrade, names: _Names) -> list[Any]:
    judgements = [
        [
            names.place("judge", one.judge),
            one.verdict,
            one.value,
            one.reasoning,
            one.reason,
            dict(one.parts),
        ]
        for one in grade.judgements
    ]
    return [
        at,
        grade.sample,
        VERDICTS.index(verdict_of(grade)),
        grade.value,
        names.place("reason", grade.reason),
        names.place("group", grade.group),
        names.place("shard", grade.shard),
        names.place("stage", grade.stage),
        grade.prompt,
        grade.context,
        grade.answer,
        grade.rival,
        grade.reference,
        grade.explanation,
        grade.place,
        dict(grade.details),
        judgements,
    ]
