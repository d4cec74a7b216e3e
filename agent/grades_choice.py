"""Which of several kept gradings counts, for one run and for two that are compared. Pure: who asks says what was scored."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from local_grader.calibrations import key
from local_grader.kept import KeptGrading
from local_grader.labels import CORRECT

HasScores = Callable[[KeptGrading], bool]

_WHOLE, _BY_RULE_ALONE, _EMPTY = range(3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """``passed`` is the newest one where it does not count, and ``why`` the clause that says so."""

    grading: KeptGrading
    passed: KeptGrading | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two gradings made in the same way; ``others`` holds a grading for each other way that both sides have in common."""

    a: Choice
    b: Choice
    others: Sequence[KeptGrading] = field(default_factory=list)


def choose(found: Sequence[KeptGrading], has_scores: HasScores) -> Choice:
    """The newest of ``found``, which is newest first and not empty.

    One in which nothing was scored, or no judge was heard, gives way to an older one; and one to which a judge was lacking, to
    one of the same outputs, held against the same by the same rubric, that has all verdicts.
    """
    newest = found[0]
    best, least = newest, _EMPTY + 1
    for one in found:
        if (lack := _lack(one, has_scores)) < least:
            best, least = one, lack
        if least == _WHOLE:
            break
    if best.facts.unheard:
        same = [one for one in found if _about(one) == _about(best)]
        heard = (one for one in same if one.judges and not one.facts.unheard and has_scores(one))
        best = next(heard, best)
    if best is newest:
        return Choice(grading=best)
    return Choice(grading=best, passed=newest, why=_why(newest, has_scores))


def choose_two(
    ours: Sequence[KeptGrading], theirs: Sequence[KeptGrading], has_scores: HasScores
) -> Pair | None:
    """The newest gradings that were made in the same way on both sides, each newest first; None where none were."""
    first, second = _ways(ours), _ways(theirs)
    pairs = [
        (a, b)
        for way, mine in first.items()
        if way in second
        for a, b in [(choose(mine, has_scores), choose(second[way], has_scores))]
        if a.grading.path != b.grading.path
    ]
    if not pairs:
        return None
    # Sorting keeps the order of what is equally whole.
    pairs.sort(key=lambda pair: max(_lack(one.grading, has_scores) for one in pair))
    (a, b), *others = pairs
    return Pair(a=a, b=b, others=[one.grading for one, _ in others])


def measurable(
    found: Sequence[KeptGrading], rubrics: Collection[str], *, is_chosen: bool
) -> Sequence[KeptGrading]:
    """Those that labels can be held against: by one of the ``rubrics`` that they name; where they name none, any that
    ``is_chosen``, else those that are about what is correct, if there are some."""
    if rubrics or not is_chosen:
        fitting = [one for one in found if (one.rubric or CORRECT) in (rubrics or {CORRECT})]
        return fitting or ([] if rubrics else found)
    return found


def _ways(found: Sequence[KeptGrading]) -> Mapping[str, list[KeptGrading]]:
    ways: dict[str, list[KeptGrading]] = {}
    for one in found:
        ways.setdefault(key(one.entry), []).append(one)
    return ways


def _about(grading: KeptGrading) -> tuple[str | None, ...]:
    entry = grading.entry
    files = [entry[each] for each in ("outputs_sha256", "references_sha256", "rivals_sha256")]
    return *files, grading.rubric


def _lack(grading: KeptGrading, has_scores: HasScores) -> int:
    if not has_scores(grading):
        return _EMPTY
    return _BY_RULE_ALONE if grading.facts.unheard and not grading.judges else _WHOLE


def _why(grading: KeptGrading, has_scores: HasScores) -> str:
    if not has_scores(grading):
        return "it holds no scores"
    return f"a judge was not heard about {grading.facts.unheard:,} of its samples"
