"""The one place that loads numpy, scipy, statsmodels and krippendorff, which are an extra.

They are loaded when a number is asked for: that takes a second, and grading by rules alone needs none of them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from sync.errors import UsageError

if TYPE_CHECKING:
    from numpy.random import Generator


def library(name: str) -> Any:
    """The module ``name``. Raises UsageError where it, or something that it stands on, is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise UsageError(
            f"Intervals, comparisons and agreement need {missing}, which is not installed.",
            "Install hybrid with its extra statistics: uv tool install '.[statistics]'",
        ) from error


def generator(seed: int) -> "Generator":
    """What resampling draws from; the same seed gives the same intervals. Raises UsageError without the extra."""
    made: Generator = library("numpy.random").default_rng(seed)
    return made
