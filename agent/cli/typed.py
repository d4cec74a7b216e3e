"""The command as it was typed, for whoever is to type it again: with all that was said, quoted for the shell."""

import os
import shlex
import subprocess
from collections.abc import Sequence

import click

_KEY = "agent.cli.typed"
FRESH = "--fresh"
"""What was asked again is not asked once more, where the same goes on."""


def remember(context: click.Context, words: Sequence[str]) -> None:
    """``words`` without the program's name."""
    context.meta[_KEY] = tuple(words)


def typed(*, without: str = "") -> str:
    """Of the command that runs now, leaving out the option ``without``."""
    said = click.get_current_context().meta.get(_KEY, ())
    words = ["hybrid", *(word for word in said if word != without)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
