"""What the grader says when outputs or references cannot be used as they are."""

from collections.abc import Mapping

from sync.errors import HybridError


class Ungradable(HybridError):
    """The outputs or the references contradict themselves or hold nothing to grade. Nothing was recorded."""


class AnsweredTwice(Ungradable):
    """Samples that are answered in two places and not alike, found when the first answers were graded already: to be graded
    anew, now that they are known. ``places`` are the second ones, by sample id."""

    def __init__(self, places: Mapping[str, str]) -> None:
        sample, place = next(iter(places.items()))
        super().__init__(
            f"Sample {sample} is answered twice, the second time in {place}.",
            "narrow the files with --files, or name the field that tells samples apart with --id-field.",
        )
        self.places = places
