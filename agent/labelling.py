"""Labelling by hand, as a state and keys that lead from one to the next. Pure: ``labelling_view`` draws and writes.

Whoever labels sees the question, the reference and the answer, and never what a judge said: a label that leans on the
verdict measures nothing.
"""

import hashlib
import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from local_grader.kept import KeptGrade

SKIP, UNDO, HELP, QUIT = "s", "u", "?", "q"
DOWN = (" ", "j", "\x1b[B", "\x1b[6~", "\xe0P", "\xe0Q")
UP = ("b", "k", "\x1b[A", "\x1b[5~", "\xe0H", "\xe0I")
"""With the arrows and page keys as terminals, and Windows, send them."""

_HARD, _JUDGED, _EASY = 8.0, 4.0, 1.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """``keys`` that choose it, the first one shown; ``word`` is what is written, ``value`` its worth in [0, 1]."""

    keys: Sequence[str]
    word: str
    value: float


@dataclass(frozen=True, kw_only=True)
class State:
    """``queue`` are the samples to label, ``at`` the one that is shown. ``chosen`` holds the words by sample that this session
    wrote, ``before`` counts those of earlier ones; ``steps`` are the places that were left, the last one last. ``top`` is the
    first line of the page, ``help`` whether keys are explained in its place."""

    queue: Sequence[KeptGrade]
    before: int = 0
    at: int = 0
    chosen: Mapping[str, str] | None = None
    steps: Sequence[int] = ()
    top: int = 0
    help: bool = False

    @property
    def current(self) -> KeptGrade | None:
        """None where all is done."""
        return self.queue[self.at] if self.at < len(self.queue) else None

    @property
    def labelled(self) -> int:
        """By this session."""
        return len(self.chosen or {})

    @property
    def last(self) -> str:
        """What was chosen for the sample before; empty where none was left in this session."""
        if not self.steps:
            return ""
        return (self.chosen or {}).get(self.queue[self.steps[-1]].sample, "skipped")

    @property
    def skipped(self) -> int:
        return len(self.steps) - self.labelled


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """Where a key leads. ``write``: the sample and the choice to be written before the state counts; a choice of None takes the
    label back. ``quit``: the user has had enough."""

    state: State
    write: tuple[str, Choice | None] | None = None
    quit: bool = False


def press(state: State, key: str, choices: Sequence[Choice]) -> Pressed:
    """What ``key`` means now; a key that means nothing changes nothing."""
    if not key:
        return Pressed(state=state)  # the terminal has another size, and nobody pressed anything
    if state.help:
        return Pressed(state=replace(state, help=False), quit=key == QUIT)
    if key == QUIT:
        return Pressed(state=state, quit=True)
    if key == HELP:
        return Pressed(state=replace(state, help=True))
    if key in DOWN or key in UP:
        # In half pages, by the page that draws it; here only the direction is known.
        return Pressed(state=replace(state, top=max(0, state.top + (1 if key in DOWN else -1))))
    if key == UNDO:
        return _undone(state)
    if state.current is None:
        return Pressed(state=state)
    if key == SKIP:
        return Pressed(state=_moved(state))
    choice = next((each for each in choices if key in each.keys), None)
    if choice is None:
        return Pressed(state=state)
    sample = state.current.sample
    after = replace(_moved(state), chosen={**(state.chosen or {}), sample: choice.word})
    return Pressed(state=after, write=(sample, choice))


def _moved(state: State) -> State:
    return replace(state, at=state.at + 1, steps=(*state.steps, state.at), top=0)


def _undone(state: State) -> Pressed:
    if not state.steps:
        return Pressed(state=state)
    at = state.steps[-1]
    sample = state.queue[at].sample
    chosen = dict(state.chosen or {})
    was_labelled = chosen.pop(sample, None) is not None
    back = replace(state, at=at, steps=state.steps[:-1], chosen=chosen, top=0)
    return Pressed(state=back, write=(sample, None) if was_labelled else None)


def queue(
    grades: Iterable[KeptGrade], labelled: Collection[str], *, n: int, seed: int, hard: bool
) -> tuple[list[KeptGrade], int]:
    """The samples to label among the first ``n`` of a random order, and how many of these are labelled already.

    The order depends on the seed and the ids alone, so that a session goes on where the last one stopped. ``hard``: what no rule
    could decide, and what judges disagree about, comes sooner.
    """
    answered = (grade for grade in grades if grade.state != "missing")
    drawn = heapq.nsmallest(n, answered, key=lambda grade: (_place(grade, seed, hard), grade.sample))
    left = [grade for grade in drawn if grade.sample not in labelled]
    return left, len(drawn) - len(left)


def choices(verdicts: Mapping[str, float]) -> list[Choice]:
    """``verdicts`` are words and their worth; two of them that are worth 1 and 0, or none, are chosen with y and n."""
    words = sorted(verdicts, key=lambda word: (-verdicts[word], word)) or ["yes", "no"]
    worth = verdicts or {"yes": 1.0, "no": 0.0}
    if [worth[word] for word in words] == [1.0, 0.0]:
        keys = [("y", "1"), ("n", "2")]
        return [Choice(keys=k, word=word, value=worth[word]) for k, word in zip(keys, words, strict=True)]
    if all(len(word) == 1 and word.isdigit() for word in words):
        return [Choice(keys=(word,), word=word, value=worth[word]) for word in sorted(words)]
    return [Choice(keys=(str(at),), word=word, value=worth[word]) for at, word in enumerate(words[:9], 1)]


def _place(grade: KeptGrade, seed: int, hard: bool) -> float:
    """Where in the order; weights draw as Efraimidis and Spirakis (2006) do, without replacement."""
    digest = hashlib.sha256(f"{seed}:{grade.sample}".encode("utf-8", "surrogatepass")).digest()
    chance = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -math.log(chance) / (_weight(grade) if hard else 1.0)


def _weight(grade: KeptGrade) -> float:
    values = {one.value for one in grade.judgements}
    if grade.state == "unscored" or len(values) > 1:
        return _HARD
    return _JUDGED if grade.judgements else _EASY
