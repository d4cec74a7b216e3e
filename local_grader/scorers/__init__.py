"""The table of scorers. Each family is imported when it is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature

from sync.errors import UsageError

from ..scorer import Option, Scorer

_TABLE = {
    "arc": ("arc", "Arc"),
    "exact": ("exact", "Exact"),
    "includes": ("exact", "Includes"),
    "numeric": ("numeric", "Numeric"),
    "pattern": ("pattern", "Pattern"),
}

NAMES = tuple(_TABLE)


def make(name: str, options: Mapping[str, Option]) -> Scorer:
    """The scorer of that name. ``options`` holds only what the user set; the rest are the scorer's defaults.

    Raises UsageError for an unknown name, an option that this scorer does not have, or a value it refuses.
    """
    if name not in _TABLE:
        raise UsageError(f"There is no scorer named {name}.", f"Choose one of {', '.join(NAMES)}.")
    module, class_name = _TABLE[name]
    scorer: Callable[..., Scorer] = getattr(import_module(f".{module}", __name__), class_name)
    known = set(signature(scorer).parameters)
    for option in options:
        if option not in known:
            takes = f"It takes {', '.join(sorted(known))}."
            raise UsageError(
                f"The scorer {name} has no option {option.replace('_', '-')}.", takes.replace("_", "-")
            )
    return scorer(**options)
