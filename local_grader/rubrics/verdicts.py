"""What a judge's reply says, read from its own JSON and from nothing else. Pure.

The whole reply must be the one object that was asked for: a verdict is never searched for in prose, where an answer that
carries a verdict of its own could have put it. What does not fit is no verdict, with the reason, and never a bad one.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..judge import CannotJudge
from ..scores import Judgement
from .rubric import Kind, Rubric
from .schemas import FIRST, SECOND, schema_of

BAD_REPLY = "reply breaks the rubric"
ANSWER_FIRST, RIVAL_FIRST = "answer first", "rival first"
"""The parts of a PAIRWISE judgement: win, tie or lose of the answer in each order. They differ where the judge flipped."""

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.DOTALL | re.IGNORECASE)
_OUTCOMES = {ANSWER_FIRST: {FIRST: "win", SECOND: "lose"}, RIVAL_FIRST: {FIRST: "lose", SECOND: "win"}}
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class BadReply(Exception):
    """A reply that the rubric does not allow; ``str(error)`` says what is wrong with it."""


def check(rubric: Rubric, text: str) -> None:
    """Raises BadReply unless ``text`` is, but for white space and one Markdown fence around it, the JSON asked for."""
    _parse(rubric, text)


def judgement(rubric: Rubric, judge: str, replies: Sequence[str | CannotJudge]) -> Judgement:
    """What ``judge`` said of one sample, from a reply to each of its prompts, in the order of ``prompts_for``.

    Of several answers to one question the value is the mean, and the parts hold each; of two orders that disagree, it is
    a tie. One reply that is lacking leaves all without a value, since a share of unknown parts is not known.
    """
    said: list[Mapping[str, Any]] = []
    for reply in replies:
        if isinstance(reply, CannotJudge):
            return Judgement(judge=judge, reason=reply.reason, reasoning=_shown(str(reply)))
        try:
            said.append(_parse(rubric, reply))
        except BadReply as error:
            return Judgement(judge=judge, reason=BAD_REPLY, reasoning=_shown(str(error)))
    if rubric.kind is Kind.PAIRWISE:
        pairs = zip(said[::2], said[1::2], strict=True)
        return _together([_compared(rubric, judge, *pair) for pair in pairs])
    one = _by_criteria if rubric.kind is Kind.CRITERIA else _by_word
    return _together([one(rubric, judge, each) for each in said])


def _parse(rubric: Rubric, text: str) -> Mapping[str, Any]:
    import jsonschema

    text = text.strip()
    if fenced := _FENCED.fullmatch(text):
        text = fenced[1]
    try:
        reply = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise BadReply("The reply is nested too deeply.") from None
    except ValueError as error:
        raise BadReply(f"The reply is not JSON and nothing else: {str(error).partition(';')[0]}.") from None
    errors = jsonschema.Draft202012Validator(dict(schema_of(rubric))).iter_errors(reply)
    worst = jsonschema.exceptions.best_match(errors)
    if worst is not None:
        where = ".".join(str(step) for step in worst.absolute_path)
        raise BadReply(
            f"The reply is not what was asked for: {where + ': ' if where else ''}{_brief(worst)}."
        )
    found: Mapping[str, Any] = reply
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadReply("The reply says one thing twice: it has two fields of one name.")
    return found


def _constant(name: str) -> NoReturn:
    raise BadReply(f"The reply is not JSON: it holds {name}.")


def _brief(error: Any) -> str:
    message = _shown(error.message)
    return message if len(message) <= 160 else message[:120] + " ... " + message[-35:]


def _shown(text: str) -> str:
    """On one line, without what would confuse a terminal or could not be written."""
    return _UNSHOWABLE.sub("\ufffd", " ".join(text.split()))


def _by_word(rubric: Rubric, judge: str, reply: Mapping[str, Any]) -> Judgement:
    word = reply["verdict"]
    return Judgement(
        judge=judge, verdict=word, value=rubric.verdicts[word], reasoning=_shown(reply["reason"])
    )


def _by_criteria(rubric: Rubric, judge: str, reply: Mapping[str, Any]) -> Judgement:
    parts = {one.name: reply["verdicts"][one.name] for one in rubric.criteria}
    worth = [one.weight * rubric.verdicts[parts[one.name]] for one in rubric.criteria]
    met = sum(word == "yes" for word in parts.values())
    return Judgement(
        judge=judge,
        verdict=f"{met} of {len(parts)}",
        value=sum(worth) / sum(one.weight for one in rubric.criteria),
        reasoning=_shown(reply["reason"]),
        parts=parts,
    )


def _compared(rubric: Rubric, judge: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Judgement:
    """``first`` was said with the answer shown first, ``second`` with its rival."""
    parts = {
        order: _OUTCOMES[order].get(reply["verdict"], "tie")
        for order, reply in ((ANSWER_FIRST, first), (RIVAL_FIRST, second))
    }
    reasons = _shown(first["reason"]), _shown(second["reason"])
    if parts[ANSWER_FIRST] == parts[RIVAL_FIRST]:
        verdict, reasoning = parts[ANSWER_FIRST], f"(This answer is {FIRST}.) {reasons[0]}"
    else:
        verdict = "tie"
        reasoning = (
            f"The order decided, so this is a tie. This answer first: {parts[ANSWER_FIRST]}, {reasons[0]} "
            f"Its rival first: {parts[RIVAL_FIRST]}, {reasons[1]}"
        )
    return Judgement(
        judge=judge, verdict=verdict, value=rubric.verdicts[verdict], reasoning=reasoning, parts=parts
    )


def _together(each: Sequence[Judgement]) -> Judgement:
    """Judgements of several answers to one question as one."""
    if len(each) == 1:
        return each[0]
    parts: dict[str, str] = {}
    for number, one in enumerate(each, 1):
        parts[f"answer {number}"] = one.verdict
        parts.update({f"answer {number}, {name}": word for name, word in one.parts.items()})
    counts = Counter(one.verdict for one in each)
    return Judgement(
        judge=each[0].judge,
        verdict=", ".join(f"{count} {word}" for word, count in sorted(counts.items())),
        value=sum(one.value or 0.0 for one in each) / len(each),
        reasoning=" ".join(f"Answer {number}: {one.reasoning}" for number, one in enumerate(each, 1)),
        parts=parts,
    )
