"""Whether a grading is good enough, for a build server. Pure."""

from dataclasses import dataclass

from ..metrics import Summary
from ..notation import percent
from .sense import MERIT, Sense

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """``share`` of all samples is known to be right, ``asked`` was wanted; ``right`` is the word for it. What could not be graded or was never answered is
    known to be nothing: were it left out, a judge that was away could turn a bad run into a good one."""

    asked: float
    share: float | None
    unknown: int
    right: str = MERIT.high

    @property
    def passed(self) -> bool:
        return self.share is not None and self.share >= self.asked - _ROUNDING

    @property
    def told(self) -> str:
        """One sentence."""
        if self.share is None:
            return "Nothing could be graded, so nothing passes."
        verdict = "Passed" if self.passed else "Failed"
        unknown = (
            f", where {self.unknown:,} that were not read, graded or answered do not count as {self.right}"
            if self.unknown
            else ""
        )
        # What is just too little must not read as enough.
        digits = 2 if self.passed or percent(self.share, 2) != percent(self.asked, 2) else 8
        return (
            f"{verdict}: {percent(self.share, digits)} of all samples are {self.right}, {percent(self.asked, digits)} were asked for"
            f"{unknown}."
        )


def gate(summary: Summary, asked: float, unread: int = 0, sense: Sense = MERIT) -> Gate:
    """``unread`` is how many rows and files could not be read: each counts as a sample."""
    asked_about = summary.samples + summary.missing + unread
    share = summary.right / asked_about if summary.scored else None
    return Gate(asked=asked, share=share, unknown=asked_about - summary.scored, right=sense.high)
