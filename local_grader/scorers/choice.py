"""Multiple choice: the choice that the answer states is the reference's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, comparable, score_each
from .rule import Rule
from .stated import Choices

_LONGEST = 200_000


@dataclass(frozen=True, kw_only=True)
class Choice(Rule):
    """``choices`` are letters without anything between them (``ABCD``), or words with commas (``yes,no,maybe``).

    The reference is a choice, or, where the prompt lists letters with texts, one of the texts; so may be the answer.
    """

    name: ClassVar[str] = "choice"

    choices: str = "ABCD"

    def __post_init__(self) -> None:
        labels = self._labels()
        if len({label.lower() for label in labels}) != len(labels) or len(labels) < 2 or not all(labels):
            raise UsageError(
                f"The choices {self.choices} are not two or more different ones.",
                "Give letters, as in ABCD, or words with commas between them, as in yes,no.",
            )

    def score(self, sample: Sample) -> Score:
        references = alternatives(sample.reference)
        if not references:
            return Score.unscored(NO_REFERENCE)
        listed = self._choices.listed(sample.prompt) if sample.prompt else {}
        wanted = {label for text in references if (label := self._meant(text, listed)) is not None}
        if not wanted:
            return Score.unscored(
                "reference is none of the choices", f"the reference is {references[0][:100]}"
            )

        def one(answer: str) -> Score:
            if len(answer) > _LONGEST:
                return Score.unscored("answer too long for a choice")
            stated = self._choices.stated(answer) or _labelled(answer, listed)
            if stated is None:
                return Score.verdict(False, answer, "states no choice")
            return Score.verdict(stated in wanted, stated, "" if stated in wanted else "another choice")

        return score_each(sample, one)

    def _meant(self, reference: str, listed: Mapping[str, str]) -> str | None:
        """``B``, ``(B)``, ``B) Paris`` or ``Paris`` as B."""
        text = reference.strip()
        bare = text.strip("()[]{}.: \t")
        return (
            self._choices.label(text)
            or self._choices.label(bare)
            or _labelled(text, listed)
            or next(iter(self._choices.listed(text)), None)
        )

    def _labels(self) -> list[str]:
        if "," in self.choices:
            return [" ".join(word.split()) for word in self.choices.split(",")]
        return list(self.choices)

    @cached_property
    def _choices(self) -> Choices:
        return Choices(self._labels())


def _labelled(text: str, listed: Mapping[str, str]) -> str | None:
    """The label of the one choice that has this text, but for a full stop."""
    wanted = comparable(text, False).rstrip(".")
    found = [label for label, choice in listed.items() if comparable(choice, False).rstrip(".") == wanted]
    return found[0] if len(found) == 1 else None
