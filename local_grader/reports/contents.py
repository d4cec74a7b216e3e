"""All figures of a report, from one pass over kept grades. Every form of a report shows these and adds none of its own."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync.errors import UsageError

from .. import calibrations, kept
from ..arc_metrics import ArcSummary, ArcTally
from ..calibrations import Corrected
from ..judges import known
from ..judging.sameness import all_alike
from ..kept import KeptGrade, KeptGrading
from ..kept_figures import Interval, grouped, interval
from ..metrics import Summary, Tallies
from ..samples import Sample
from ..scores import Grade, Missing, Score
from .lengths import Lengths, lengths
from .panel import Panel, PanelTally
from .sense import Sense, sense, warning

RIGHT, PARTLY, WRONG, UNSCORED, MISSING = "right", "partly right", "wrong", "not graded", "never answered"
VERDICTS = (RIGHT, PARTLY, WRONG, UNSCORED, MISSING)

_BINS = 10
_NAMED = 3
_ARC = "arc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """How many graded samples have a value from ``low`` to ``high``: up to the next bar's ``low``, the last one included."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """``interval`` is that of the rate, None where nothing was scored; ``arc`` and ``panel`` are None where there are none.
    ``verdicts`` counts samples by ``VERDICTS``, those that nobody answered too. ``histogram`` has two bars where all values
    are 0 or 1. ``corrected`` is what labels say of the rate, None where no labels are known.
    ``unanswered`` names the first few samples that nobody answered; ``reasons`` the first sample that was not graded for each
    reason, with the explanation."""

    grading: KeptGrading
    summary: Summary
    interval: Interval | None
    arc: ArcSummary | None
    stages: Mapping[str, Summary]
    shards: Mapping[str, Summary]
    groups: Mapping[str, Summary]
    verdicts: Mapping[str, int]
    histogram: Sequence[Bar]
    lengths: Lengths | None
    panel: Panel | None
    corrected: Corrected | None
    unanswered: Sequence[str]
    reasons: Mapping[str, str]

    @property
    def sense(self) -> Sense:
        return sense(self.grading.rubric)

    def told(self, verdict: str) -> str:
        """One of ``VERDICTS`` in the words of what was asked."""
        said = self.sense
        return {RIGHT: said.high, PARTLY: f"partly {said.high}", WRONG: said.low}.get(verdict, verdict)

    @property
    def cautions(self) -> list[str]:
        """Sentences on what was asked, on judges of which little can be expected, or that say the same of everything."""
        how = judging(self.grading)
        alike = [all_alike(one.name, one.verdicts) for one in (self.panel.voices if self.panel else ())]
        return [
            *filter(None, [warning(how["rubric"], how["rubric_sha256"]) if how else ""]),
            *(each for model in self.grading.judges for each in known.warnings(model, None)),
            *filter(None, alike),
        ]

    @property
    def samples(self) -> int:
        """With those that nobody answered."""
        return self.summary.samples + self.summary.missing

    def grades(self) -> Iterator[KeptGrade]:
        """Read again from the ledger, so that a million of them need no room. Raises as ``kept.read``."""
        return kept.read(self.grading)


def verdict_of(grade: KeptGrade) -> str:
    """One of ``VERDICTS``."""
    if grade.value is None:
        return MISSING if grade.state == "missing" else UNSCORED
    return {1.0: RIGHT, 0.0: WRONG}.get(grade.value, PARTLY)


def contents(grading: KeptGrading) -> Contents:
    """Raises UsageError where the kept file is damaged."""
    tallies, panel, arc = Tallies(), PanelTally(), ArcTally() if grading.scorer == _ARC else None
    verdicts: Counter[str] = Counter()
    values, characters = array("d"), array("l")
    groups: list[str | None] = []
    unanswered: list[str] = []
    reasons: dict[str, str] = {}
    for grade in kept.read(grading):
        verdicts[verdict_of(grade)] += 1
        if grade.state == "missing":
            missing = Missing(sample=grade.sample, group=grade.group)
            tallies.add_missing(missing)
            if len(unanswered) < _NAMED:
                unanswered.append(grade.sample)
            if arc is not None:
                arc.add_missing(missing)
            continue
        panel.add(grade.sample, grade.judgements, grade.group)
        whole = _grade(grade)
        tallies.add(whole)
        if arc is not None:
            arc.add(whole)
        if grade.value is None:
            reasons.setdefault(grade.reason or "", f"{grade.sample}: {grade.explanation}".rstrip(": "))
        else:
            values.append(grade.value)
            characters.append(len(grade.answer))
            groups.append(grade.group)
    summary, clusters = tallies.whole.summary(), grouped(groups)
    return Contents(
        grading=grading,
        summary=summary,
        interval=interval(values, clusters),
        arc=None if arc is None else arc.summary(),
        stages=tallies.stages(),
        shards=tallies.shards(),
        groups={} if arc is not None else tallies.groups(),
        verdicts={name: verdicts[name] for name in VERDICTS},
        histogram=_histogram(values),
        lengths=lengths(values, characters),
        panel=panel.panel(),
        corrected=_corrected(grading, values, clusters),
        unanswered=unanswered,
        reasons=reasons,
    )


def _grade(grade: KeptGrade) -> Grade:
    """As the tallies take it."""
    sample = Sample(
        id=grade.sample, answer=grade.answer, place=grade.place, group=grade.group, shard=grade.shard
    )
    score = Score(value=grade.value, reason=grade.reason, stage=grade.stage or "", details=grade.details)
    return Grade(sample=sample, score=score)


def _histogram(values: Sequence[float]) -> list[Bar]:
    if not values:
        return []
    if all(value in (0.0, 1.0) for value in values):
        right = sum(value == 1.0 for value in values)
        return [Bar(low=0, high=0, count=len(values) - right), Bar(low=1, high=1, count=right)]
    counts = Counter(min(int(value * _BINS), _BINS - 1) for value in values)
    return [Bar(low=at / _BINS, high=(at + 1) / _BINS, count=counts[at]) for at in range(_BINS)]


def _corrected(
    grading: KeptGrading, values: Sequence[float], clusters: Sequence[str] | None
) -> Corrected | None:
    try:
        return calibrations.corrected(grading, values, clusters)
    except UsageError:
        return None


def judging(grading: KeptGrading) -> Mapping[str, Any] | None:
    """How judges decided: ``ledger.Judging`` as JSON; None where none was asked."""
    found: Mapping[str, Any] | None = grading.entry.get("judging")
    return found
