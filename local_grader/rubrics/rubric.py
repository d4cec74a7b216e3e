"""What a rubric is: the question that a judge is asked about each answer, and the words in which it may reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    VERDICT = "verdict"  # one word about the whole answer
    CRITERIA = "criteria"  # yes or no for each of several criteria; the value is their weighted share
    PAIRWISE = "pairwise"  # which of two answers is better, asked in both orders; disagreement is a tie
    SCALE = "scale"  # a whole number on a scale: for calibrated judges only


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """``question`` can be answered with yes or no, and yes is good. ``weight`` is its part in the value."""

    name: str
    question: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A sample with the reply that is wanted for it; ``fields`` as in ``Rubric.needs``, and ``answer``."""

    fields: Mapping[str, str]
    reason: str
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rubric:
    """``instructions`` say what is to be judged. ``needs`` are the fields of a sample without which it cannot be:
    of ``prompt``, ``reference``, ``context``, ``rival``; ``uses`` those that are shown where they are there.

    ``verdicts`` maps each allowed word to its worth in [0, 1] (for SCALE: "1" … "5" to 0 … 1). ``warning`` is a sentence
    that stands beside results, where there is something to know. ``sha256`` names all of it, in hex.
    """

    name: str
    kind: Kind
    instructions: str
    verdicts: Mapping[str, float]
    sha256: str
    needs: Sequence[str] = ()
    uses: Sequence[str] = ()
    criteria: Sequence[Criterion] = ()
    examples: Sequence[Example] = field(default_factory=tuple)
    warning: str = ""
