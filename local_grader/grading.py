"""Puts samples, references and a scorer together."""

from collections.abc import Container, Iterable, Iterator, Mapping

from .samples import Reference, Sample, made
from .scorer import Holder, Scorer
from .scores import ANSWERED_TWICE, Grade, Missing, Score


class Grading:
    """Each sample's grade by a rule, in the order of the samples, once by iterating; then it is known which references were ``answered``, and what
    the scorer held is let go of, however the iteration ended.

    With ``references``, they alone are the yardstick and a sample's own one is not used. ``rivals`` are other answers
    by sample id, for a judge that compares.
    """

    def __init__(
        self,
        samples: Iterable[Sample],
        scorer: Scorer,
        references: Mapping[str, Reference] | None = None,
        rivals: Mapping[str, object] | None = None,
    ) -> None:
        self._samples = samples
        self._scorer = scorer
        self._references = references
        self._rivals = rivals
        self.answered: set[str] = set()

    def __iter__(self) -> Iterator[Grade]:
        score = self._scorer.score
        try:
            for sample in self._samples:
                if self._references is not None:
                    sample = self._referred(sample, self._references)
                if self._rivals is not None:
                    sample = sample._replace(rival=self._rivals.get(sample.id))
                scored = score(sample) if sample.contested is None else _contested(sample)
                yield made(Grade, (sample, scored))
        finally:
            if isinstance(self._scorer, Holder):
                self._scorer.close()

    def _referred(self, sample: Sample, references: Mapping[str, Reference]) -> Sample:
        identity, answer, place, _, prompt, group, shard, context, rival, contested = sample
        reference = references.get(identity)
        value = None
        if reference is not None:
            self.answered.add(identity)
            value, group = reference.value, group or reference.group
        return Sample(identity, answer, place, value, prompt, group, shard, context, rival, contested)


def unanswered(references: Mapping[str, Reference], answered: Container[str]) -> list[Missing]:
    """The references that nobody answered."""
    return [
        Missing(sample=sample, group=reference.group)
        for sample, reference in references.items()
        if sample not in answered
    ]


def _contested(sample: Sample) -> Score:
    return Score.unscored(ANSWERED_TWICE, f"another answer is in {sample.contested}")
