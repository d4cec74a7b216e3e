"""A judge that says the same of everything may have been asked the wrong thing, or may not look at all. Pure."""

from collections.abc import Mapping

LEAST = 30
"""Of fewer samples it may well be true."""


def all_alike(judge: str, verdicts: Mapping[str, int]) -> str:
    """A sentence for the user about a judge whose ``verdicts``, counted by what they are, are one; empty for others."""
    if len(verdicts) != 1 or (count := sum(verdicts.values())) < LEAST:
        return ""
    verdict = next(iter(verdicts)) or "the same"
    return f"All {count:,} verdicts of {judge} are {verdict}: look at some of them, or at its prompt with --dry-run."
