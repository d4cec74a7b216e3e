"""The table of scorers. Each family is imported when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature

from sync.errors import UsageError

from ..scorer import Option, Scorer

_TABLE = {
    "arc": ("arc", "Arc"),
    "cascade": ("cascade", "Cascade"),
    "choice": ("choice", "Choice"),
    "code": ("code", "Code"),
    "exact": ("exact", "Exact"),
    "f1": ("f1", "F1"),
    "includes": ("exact", "Includes"),
    "json-schema": ("json_schema", "JsonSchema"),
    "judge": ("judged", "Judged"),
    "numeric": ("numeric", "Numeric"),
    "pattern": ("pattern", "Pattern"),
    "python": ("python", "Python"),
    "rouge": ("rouge", "Rouge"),
}

NAMES = tuple(_TABLE)

LEAVING: Mapping[str, Mapping[str, Option]] = {"cascade": {"undecided": "leave"}, "judge": {}}
"""The scorers that leave samples to a judge, and the options with which they do."""

RUN_PROGRAMS = ("code", "python")
"""The scorers that run other people's programs. What these say depends on more than is known of them: on modules, on time, on
the machine; so what they say today is what counts."""


def options_of(name: str) -> Sequence[str]:
    """The options that the scorer of that name has. Raises UsageError for an unknown name."""
    return tuple(signature(_find(name)).parameters)


def make(name: str, options: Mapping[str, Option]) -> Scorer:
    """The scorer of that name. ``options`` holds only what the user set; the rest are the scorer's defaults.

    Raises UsageError for an unknown name, an option that this scorer does not have, or a value it refuses.
    """
    known = options_of(name)
    for option in options:
        if option not in known:
            takes = f"its options are {', '.join(known)}".replace("_", "-")
            raise UsageError(
                f"The scorer {name} has no option {option.replace('_', '-')}.", f"Leave it out; {takes}."
            )
    return _find(name)(**options)


def _find(name: str) -> Callable[..., Scorer]:
    if name not in _TABLE:
        raise UsageError(f"There is no scorer named {name}.", f"Choose one of {', '.join(NAMES)}.")
    module, class_name = _TABLE[name]
    found: Callable[..., Scorer] = getattr(import_module(f".{module}", __name__), class_name)
    return found
