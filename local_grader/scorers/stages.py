"""The rules of the cascade for one answer and one reference, and which of their findings can be relied upon.

In this order; the first that can say anything says it:

1. exact: the same text, but for case and white space. Right.
2. yes-no: the reference is a bare yes, no, true or false. The first such word of the answer decides.
3. normalised: the reference stands in the answer as a row of whole words, and its quantities as quantities. Right.
4. numeric: the reference holds quantities that the question does not give. None of them in the answer: wrong, because a
   quantity has no synonym. Where it holds nothing else of interest, all of them must be there.
5. recall: right when most of the informative parts of the reference, or of one of its readings, stand in the answer.
"""

import re
from typing import NamedTuple

from . import quantities, recall
from .recall import Parts
from .words import plain

EXACT, YES_NO, NORMALISED, NUMERIC, RECALL = "exact", "yes-no", "normalised", "numeric", "recall"
STAGES = (EXACT, YES_NO, NORMALISED, NUMERIC, RECALL)

MOST = 0.6
"""The share of informative parts that makes an answer right: more than half, so that one of two is too little."""

_ROOM = 30
"""Words. A longer answer has room to say in other words what a reference describes."""

_POLARITY = {" yes ": True, " true ": True, " no ": False, " false ": False}
_POLAR = re.compile(r" (?:yes|true|no|false)(?= )")
_DENIALS = """
    aint arent cannot cant couldnt didnt doesnt dont hadnt hasnt havent isnt neither never no none nor not shouldnt
    wasnt werent without wont wouldnt
"""
_NEGATIONS = frozenset(_DENIALS.split())
_SENTENCE_END = re.compile(r"[.!?\n](?<=\w{3}.)\s", re.DOTALL)


class Found(NamedTuple):
    """``share`` is that of the reference's informative parts which stand in the answer, where they were looked for."""

    right: bool
    stage: str
    share: float


_EXACT = Found(True, EXACT, 1.0)
_NORMALISED = Found(True, NORMALISED, 1.0)


def is_exact(text: str, reference: str) -> bool:
    return text == reference or text.strip().casefold() == reference.strip().casefold()


def decide(text: str, words: str, reference: str, prompt: str | None, most: float = MOST) -> Found:
    """What the rules say of an answer, given as it is and as plain words."""
    if is_exact(text, reference):
        return _EXACT
    found = _compare(text, words, recall.parts(reference, prompt), most)
    if not found.right and found.stage != YES_NO:
        for reading in recall.readings(reference):
            other = _compare(text, words, recall.parts(reading, prompt), most)
            if other.right:
                return Found(True, RECALL, other.share)
    return found


def is_sure(found: Found, text: str, words: str, reference: str, prompt: str | None) -> bool:
    """Whether the finding may stand without a judge: names and quantities have no synonyms, descriptions have many."""
    if found.stage == EXACT:
        return True
    wanted = recall.parts(reference, prompt)
    if found.stage == YES_NO:
        return found.share == 1.0
    if found.stage == NORMALISED:
        return (
            found.share == 1.0
            and wanted.row in _first_sentence(text, words)
            and not _turned(words, reference, prompt)
        )
    if found.share > 0 or recall.stretches(reference):
        return False
    return bool(wanted.quantities) or recall.names_only(reference) or words.count(" ") <= _ROOM + 1


def _first_sentence(text: str, words: str) -> str:
    """As plain words. What is asked is answered first; what comes later may be about something else."""
    end = _SENTENCE_END.search(text)
    return plain(text[: end.end()]) if end else words


def _turned(words: str, reference: str, prompt: str | None) -> bool:
    """Whether the answer denies something, and neither the reference nor the prompt does."""
    denies = not _NEGATIONS.isdisjoint(words.split())
    return denies and _NEGATIONS.isdisjoint(plain(f"{reference} {prompt or ''}").split())


def _compare(text: str, words: str, wanted: Parts, most: float) -> Found:
    if not wanted.row.strip():
        return Found(wanted.text in text, NORMALISED, 0.0)
    if wanted.row in _POLARITY:
        said = _POLAR.search(words)
        if said is None:
            return Found(False, YES_NO, 0.0)
        right = _POLARITY[f"{said[0]} "] == _POLARITY[wanted.row]
        return Found(right, YES_NO, 1.0 if said.start() == 0 else 0.5)
    amounts = quantities.found(text, words) if wanted.stated else None
    if wanted.row in words and (amounts is None or wanted.stated <= amounts):
        return _NORMALISED
    hits, total = wanted.words_in(words), len(wanted.words)
    if amounts is not None and wanted.quantities:
        met = len(wanted.quantities & amounts)
        hits, total = hits + met, total + len(wanted.quantities)
        if not met or not wanted.words:
            return Found(hits == total, NUMERIC, hits / total)
    share = hits / total if total else 0.0
    return Found(share >= most, RECALL, share)
