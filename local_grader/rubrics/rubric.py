"""What a rubric is: the question that a judge is asked about each answer, and the words in which it may reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

FIELDS = ("context", "prompt", "reference", "rival")
"""The fields of a sample that a rubric may show beside the answer, in the order in which a judge reads them."""


class Kind(Enum):
    VERDICT = "verdict"  # one word about the whole answer
    CRITERIA = "criteria"  # yes or no for each of several criteria; the value is their weighted share
    PAIRWISE = "pairwise"  # which of two answers is better, asked in both orders; disagreement is a tie
    SCALE = "scale"  # a whole number on a scale: for calibrated judges only


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """``question`` is answered with yes or no, and yes is good. ``weight``, above 0, is its part in the value."""

    name: str
    question: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A sample with the reply that is wanted for it; ``fields`` as in ``FIELDS``, and ``answer``.

    ``verdict`` is one of the rubric's words; for CRITERIA it is empty, and ``verdicts`` holds yes or no by criterion.
    """

    fields: Mapping[str, str]
    reason: str
    verdict: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rubric:
    """``question`` is what the judge decides, in a sentence; ``instructions`` say more about how, or nothing.

    ``needs`` are the ``FIELDS`` of a sample without which it cannot be judged; ``uses`` those that are shown where they
    are there. ``verdicts`` maps each outcome to its worth in [0, 1]: the allowed words of VERDICT, yes and no of each
    criterion, win, tie and lose of the answer against its rival, "1" to "5" of SCALE. ``criteria`` are sorted by name.
    ``warning`` is a sentence that stands beside results, where there is something to know. ``sha256``, in hex, names all
    of it but the rubric's name and its warning.
    """

    name: str
    kind: Kind
    question: str
    verdicts: Mapping[str, float]
    sha256: str
    instructions: str = ""
    needs: Sequence[str] = ()
    uses: Sequence[str] = ()
    criteria: Sequence[Criterion] = ()
    examples: Sequence[Example] = ()
    warning: str = ""
