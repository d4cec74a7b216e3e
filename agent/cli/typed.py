"""The command as it was typed, for whoever is to type it again: with all that was said, quoted for the shell."""

import os
import shlex
import subprocess
from collections.abc import Sequence

import click

_KEY = "agent.cli.typed"


def remember(context: click.Context, words: Sequence[str]) -> None:
    """``words`` without the program's name."""
    context.meta[_KEY] = tuple(words)


def typed() -> str:
    """Of the command that runs now."""
    words = ["hybrid", *click.get_current_context().meta.get(_KEY, ())]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
