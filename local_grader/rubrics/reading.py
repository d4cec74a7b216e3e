"""The text of a rubric file as a ``Rubric``, or everything that is wrong with it. ``docs/rubrics.md`` says what it may hold."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import tomllib

from .complaints import Complaints, Key, guess
from .reading_examples import examples
from .rubric import FIELDS, Criterion, Kind, Rubric
from .values import is_worth, number, table, tables, text

FIXED: Mapping[Kind, Mapping[str, float]] = {
    Kind.CRITERIA: {"yes": 1.0, "no": 0.0},
    Kind.PAIRWISE: {"win": 1.0, "tie": 0.5, "lose": 0.0},
    Kind.SCALE: {"1": 0.0, "2": 0.25, "3": 0.5, "4": 0.75, "5": 1.0},
}
"""The outcomes that a file does not choose."""
MOST_CRITERIA = 12
"""With more, a reply outgrows the tokens that it may have."""
SCALE_WARNING = (
    "Small models hardly agree with people on a scale from 1 to 5 (rank correlation 0.08 for llama3.2 3B, 0.29 for "
    "llama3.1 8B): believe these values only after hybrid calibrate, or ask several yes-or-no criteria instead."
)

_KINDS = {kind.value: kind for kind in Kind}
_COMMON = ("kind", "question", "instructions", "needs", "uses", "warning", "examples")
_OWN = {Kind.VERDICT: "verdicts", Kind.CRITERIA: "criteria"}
_EVERY_CRITERION = "Which of the criteria does the answer meet?"
_WORD = re.compile(r"\w[\w '/+-]{0,39}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MEANT = {
    "question": "prompt",
    "input": "prompt",
    "target": "reference",
    "expected": "reference",
    "gold": "reference",
}


def parse(name: str, content: str, path: str) -> Rubric:
    """``path`` is for messages. Raises UsageError with all mistakes."""
    complaints = Complaints(path, content)
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        _complain_of_syntax(complaints, str(error), content)
        document = {}
    complaints.raise_any()
    rubric = _rubric(name, document, complaints)
    complaints.raise_any()
    return replace(rubric, sha256=_sha256(rubric))


def _complain_of_syntax(complaints: Complaints, message: str, content: str) -> None:
    place = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message)
    if place:
        complaints.add_at(int(place[2]), f"this is not TOML: {place[1]}, in column {place[3]}")
    else:
        complaints.add_at(content.rstrip().count("\n") + 1, f"this is not TOML: {message}")


def _rubric(name: str, document: Mapping[str, Any], complaints: Complaints) -> Rubric:
    kind = _kind(document, complaints)
    own = _OWN.get(kind) if kind else None
    for key in document:
        if key in _OWN.values() and key != own:
            if kind:
                complaints.add((key,), f'has no place in a rubric of kind = "{kind.value}"; {_instead(kind)}')
        elif key not in _COMMON and key != own:
            complaints.unknown((key,), [*_COMMON, own] if own else _COMMON)
    kind = kind or Kind.VERDICT
    needs, uses = _fields(document, "needs", kind, complaints), _fields(document, "uses", kind, complaints)
    if kind is Kind.PAIRWISE:
        needs = {*needs, "rival"}
    if "uses" not in document:
        uses = {"prompt"}
    criteria = _criteria(document, complaints) if kind is Kind.CRITERIA else []
    rubric = Rubric(
        name=name,
        kind=kind,
        question=_question(document, kind, complaints),
        instructions=text(document, ("instructions",), complaints),
        verdicts=FIXED[kind] if kind in FIXED else _verdicts(document, complaints),
        criteria=criteria,
        needs=[field for field in FIELDS if field in needs],
        uses=[field for field in FIELDS if field in uses - needs],
        warning=_warning(text(document, ("warning",), complaints), kind),
        sha256="",
    )
    return replace(rubric, examples=examples(document, rubric, complaints))


def _kind(document: Mapping[str, Any], complaints: Complaints) -> Kind | None:
    said = document.get("kind")
    if "kind" not in document:
        complaints.add((), f'the rubric has no kind; write one of {", ".join(_KINDS)}: kind = "verdict"')
    elif not isinstance(said, str):
        complaints.add(("kind",), f"must be one of {', '.join(_KINDS)}, in quotes")
    elif said not in _KINDS:
        complaints.add(("kind",), f"is {json.dumps(said)}; {guess(said, list(_KINDS))}")
    else:
        return _KINDS[said]
    return None


def _instead(kind: Kind) -> str:
    if kind is Kind.VERDICT:
        return "its words stand in [verdicts]"
    words = ", ".join(FIXED[kind])
    return f"its verdicts are {words}{' for each of [[criteria]]' if kind is Kind.CRITERIA else ''}"


def _question(document: Mapping[str, Any], kind: Kind, complaints: Complaints) -> str:
    if "question" in document:
        return text(document, ("question",), complaints)
    if kind is not Kind.CRITERIA:
        complaints.add(
            (), 'the rubric has no question; write in a sentence what the judge decides: question = "..."'
        )
    return _EVERY_CRITERION


def _warning(said: str, kind: Kind) -> str:
    return " ".join(filter(None, [said, SCALE_WARNING if kind is Kind.SCALE else ""]))


def _fields(document: Mapping[str, Any], key: str, kind: Kind, complaints: Complaints) -> set[str]:
    said = document.get(key, [])
    names = said if isinstance(said, list) else [said]
    allowed = FIELDS if kind is Kind.PAIRWISE else FIELDS[:-1]
    found = set()
    for name in names:
        if name in allowed:
            found.add(name)
        elif name == "rival":
            complaints.add((key,), 'holds rival, which only a rubric of kind = "pairwise" has')
        elif name == "answer":
            complaints.add((key,), "holds answer, which is always shown; leave it out")
        elif isinstance(name, str):
            meant = f"did you mean {_MEANT[name]}?" if name in _MEANT else guess(name, allowed)
            complaints.add((key,), f"holds {json.dumps(name)}, which is no field of a sample; {meant}")
        else:
            complaints.add((key,), f"must be a list of {', '.join(allowed)}, each in quotes")
    return found


def _verdicts(document: Mapping[str, Any], complaints: Complaints) -> dict[str, float]:
    if "verdicts" not in document:
        complaints.add(
            (),
            "the rubric has no [verdicts]; write each allowed word with its worth from 0 to 1: correct = 1",
        )
        return {}
    said = table(document, ("verdicts",), complaints)
    found: dict[str, float] = {}
    for word, worth in said.items():
        key: Key = ("verdicts", word)
        if not _WORD.fullmatch(word):
            complaints.add(
                key, "is no word that a judge can be held to: use letters, digits, spaces, at most 40"
            )
        elif word.casefold() in map(str.casefold, found):
            complaints.add(key, "differs from another verdict by capitals alone, which a model mixes up")
        found[word] = number(worth, key, complaints, "from 0 to 1, what the verdict is worth", is_worth)
    if len(found) < 2:
        complaints.add(("verdicts",), "holds fewer than two words, so that there is nothing to decide")
    elif len(worths := set(found.values())) == 1 and is_worth(*worths):
        complaints.add(("verdicts",), "gives all words the same worth, so that there is nothing to decide")
    return found


def _criteria(document: Mapping[str, Any], complaints: Complaints) -> Sequence[Criterion]:
    found: dict[str, Criterion] = {}
    said = tables(document, ("criteria",), complaints)
    for place, one in enumerate(said):
        key: Key = ("criteria", place)
        for name in one:
            if name not in ("name", "question", "weight"):
                complaints.unknown((*key, name), ("name", "question", "weight"))
        for needed in ("name", "question"):
            if needed not in one:
                complaints.add(key, f"has no {needed}")
        name = text(one, (*key, "name"), complaints)
        if name and not _NAME.fullmatch(name):
            complaints.add(
                (*key, "name"), "must be short and simple: small letters, digits, _ and -, a letter first"
            )
        elif name in found:
            complaints.add((*key, "name"), f"is {name}, as another criterion's is")
        weight = number(
            one.get("weight", 1), (*key, "weight"), complaints, "above 0", lambda value: value > 0
        )
        found[name or str(place)] = Criterion(
            name=name, question=text(one, (*key, "question"), complaints), weight=weight
        )
    if not said:
        complaints.add(
            ("criteria",), "holds nothing; write [[criteria]] with a name and a question, once for each"
        )
    elif len(said) > MOST_CRITERIA:
        complaints.add(
            ("criteria",), f"holds {len(said)}, more than the {MOST_CRITERIA} that one reply has room for"
        )
    return [found[name] for name in sorted(found)]


def _sha256(rubric: Rubric) -> str:
    whole = {
        "kind": rubric.kind.value,
        "question": rubric.question,
        "instructions": rubric.instructions,
        "verdicts": list(rubric.verdicts.items()),
        "needs": rubric.needs,
        "uses": rubric.uses,
        "criteria": [[one.name, one.question, one.weight] for one in rubric.criteria],
        "examples": [[one.fields, one.reason, one.verdict, one.verdicts] for one in rubric.examples],
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
