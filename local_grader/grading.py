"""Puts samples, references and a scorer together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .samples import Reference, Sample
from .scorer import Scorer
from .scores import Grade, Missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Grades:
    """All grades in the order of the samples, and the references that nobody answered."""

    graded: list[Grade]
    missing: list[Missing]


def grade(
    samples: Iterable[Sample], scorer: Scorer, references: Mapping[str, Reference] | None = None
) -> Grades:
    """Each sample's grade. With ``references``, they alone are the yardstick and a sample's own one is not used."""
    graded = []
    unanswered = dict(references or {})
    for sample in samples:
        if references is not None:
            reference = references.get(sample.id)
            unanswered.pop(sample.id, None)
            sample = replace(
                sample,
                reference=reference.value if reference else None,
                group=sample.group if sample.group or not reference else reference.group,
            )
        graded.append(
            Grade(
                sample=sample.id,
                score=scorer.score(sample),
                place=sample.place,
                group=sample.group,
                shard=sample.shard,
            )
        )
    missing = [Missing(sample=sample, group=reference.group) for sample, reference in unanswered.items()]
    return Grades(graded=graded, missing=missing)
