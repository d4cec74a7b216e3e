"""What the judges of a grading said, each by itself and held against the others."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sync.errors import UsageError

from ..grouping import evidence
from ..rubrics.verdicts import ANSWER_FIRST, RIVAL_FIRST
from ..scores import Judgement
from ..statistics import agreement

_ORDERS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """One judge. ``asked`` samples, of which ``judged`` got a verdict, worth ``right`` in all; ``unusable`` counts the
    others by reason. ``flips`` of ``swapped`` pairs got another verdict when their order was turned round; ``swapped`` is 0
    where nothing was compared in pairs."""

    name: str
    asked: int
    judged: int
    right: float
    unusable: Mapping[str, int]
    verdicts: Mapping[str, int]
    swapped: int
    flips: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Accord:
    """Two judges over the ``n`` samples that both gave a verdict. ``kappa`` with its 95 % interval is None where nothing
    shows it, or without the extra ``statistics``; the interval is over ``clusters`` where it allows for groups."""

    first: str
    second: str
    n: int
    agreed: int
    kappa: float | None = None
    low: float | None = None
    high: float | None = None
    clusters: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """``disputed`` of the ``shared`` samples with two verdicts or more have different ones. ``alpha`` is Krippendorff's, None
    as kappa is; ``ordinal`` where it takes a little difference for less than a great one, because verdicts have more than two values."""

    voices: Sequence[Voice]
    accords: Sequence[Accord]
    shared: int
    disputed: int
    alpha: float | None
    ordinal: bool = False

    @property
    def compares(self) -> bool:
        """Whether answers were held against those of another run, so that right means better."""
        return any(voice.swapped for voice in self.voices)


class PanelTally:
    """Takes judgements as they come."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Hashable]] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._groups: dict[str, str | None] = {}
        self._asked: Counter[str] = Counter()
        self._right: dict[str, float] = {}
        self._unusable: dict[str, Counter[str]] = {}
        self._verdicts: dict[str, Counter[str]] = {}
        self._swapped: Counter[str] = Counter()
        self._flips: Counter[str] = Counter()
        self._shared = self._disputed = 0

    def add(self, sample: str, judgements: Sequence[Judgement], group: str | None = None) -> None:
        if judgements:
            self._groups[sample] = group
        for one in judgements:
            name = one.judge
            said = self._said.setdefault(name, {})
            self._asked[name] += 1
            if one.value is None:
                self._unusable.setdefault(name, Counter())[one.reason or "no verdict"] += 1
                continue
            said[sample] = one.verdict or one.value
            self._values.setdefault(name, {})[sample] = one.value
            self._right[name] = self._right.get(name, 0.0) + one.value
            self._verdicts.setdefault(name, Counter())[one.verdict] += 1
            orders = flips(one)
            self._flips[name] += sum(orders)
            self._swapped[name] += len(orders)
        values = {one.value for one in judgements if one.value is not None}
        if sum(one.value is not None for one in judgements) > 1:
            self._shared += 1
            self._disputed += len(values) > 1

    def panel(self) -> Panel | None:
        """None where no judge was asked."""
        if not self._said:
            return None
        accords, alpha = self._agreement()
        return Panel(
            voices=[self._voice(name) for name in self._said],
            accords=accords,
            shared=self._shared,
            disputed=self._disputed,
            alpha=alpha,
            ordinal=self._ordinal,
        )

    @property
    def _ordinal(self) -> bool:
        return len({value for given in self._values.values() for value in given.values()}) > 2

    def _voice(self, name: str) -> Voice:
        return Voice(
            name=name,
            asked=self._asked[name],
            judged=len(self._said[name]),
            right=self._right.get(name, 0.0),
            unusable=dict(self._unusable.get(name, {})),
            verdicts=dict(self._verdicts.get(name, Counter()).most_common()),
            swapped=self._swapped[name],
            flips=self._flips[name],
        )

    def _agreement(self) -> tuple[list[Accord], float | None]:
        if len(self._said) < _ORDERS:
            return [], None
        try:
            pairs = agreement.pairwise(self._said, evidence(self._groups))
            alpha = agreement.alpha(self._values, "ordinal") if self._ordinal else agreement.alpha(self._said)
        except UsageError:
            return [_plain(self._said, *pair) for pair in combinations(sorted(self._said), 2)], None
        found = []
        for pair in pairs:
            plain, kappa = _plain(self._said, pair.first, pair.second), pair.kappa
            ends = None if kappa is None else kappa.interval
            found.append(
                Accord(
                    first=plain.first,
                    second=plain.second,
                    n=plain.n,
                    agreed=plain.agreed,
                    kappa=None if kappa is None else kappa.kappa,
                    low=ends.low if ends else None,
                    high=ends.high if ends else None,
                    clusters=kappa.clusters if kappa else None,
                )
            )
        return found, alpha


def flips(one: Judgement) -> list[bool]:
    """For each two answers that were shown in both orders, whether the judge chose otherwise in the other."""
    stems = [key.removesuffix(ANSWER_FIRST) for key in one.parts if key.endswith(ANSWER_FIRST)]
    swapped = [stem for stem in stems if f"{stem}{RIVAL_FIRST}" in one.parts]
    return [one.parts[f"{stem}{ANSWER_FIRST}"] != one.parts[f"{stem}{RIVAL_FIRST}"] for stem in swapped]


def _plain(said: Mapping[str, Mapping[str, Hashable]], first: str, second: str) -> Accord:
    shared = said[first].keys() & said[second].keys()
    agreed = sum(said[first][sample] == said[second][sample] for sample in shared)
    return Accord(first=first, second=second, n=len(shared), agreed=agreed)
