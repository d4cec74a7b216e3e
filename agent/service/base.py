"""What the systems that start an agent share: what is to be started, the steps that a system takes, and taking them."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync.errors import HybridError, UsageError

NICENESS = 10
AGAIN_S = 60
"""Seconds after which an agent that failed is started again."""
LOCKED = 11
"""The exit code of an agent where there is one already."""
_LONGEST_S = 60.0
_WIDEST = 300
# Characters that XML 1.0 cannot hold, and bytes of a path that are no text.
_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Service:
    """``project`` is its id; ``command`` is its agent, in the foreground, with these ``variables`` in its environment;
    ``place`` is the agent's own folder."""

    project: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    place: Path

    @property
    def name(self) -> str:
        return f"hybrid-{self.project}"


@dataclass(frozen=True)
class Write:
    path: Path
    content: bytes


@dataclass(frozen=True)
class Remove:
    """A file, where it is there, and the folders above it that are empty then, but not ``below`` itself."""

    path: Path
    below: Path


@dataclass(frozen=True)
class Call:
    """``may_fail``: where what it takes away is not there, as a rule."""

    words: tuple[str, ...]
    may_fail: bool = False


Step = Write | Remove | Call


@dataclass(frozen=True, kw_only=True)
class System:
    """``program`` is what it is told with. ``file`` describes the service, and is there as long as it is installed; ``answers`` tells whether the system
    can be asked now, as it cannot be without a session of the user. What it is told to do may be told again."""

    name: str
    program: str
    file: Callable[[Service], Path]
    install: Callable[[Service], Sequence[Step]]
    uninstall: Callable[[Service], Sequence[Step]]
    answers: Callable[[], bool]


def take(steps: Sequence[Step], *, answers: bool) -> list[Call]:
    """Takes the steps in order; returns the calls that were not made because the system does not answer.

    Raises HybridError for a call that fails.
    """
    left = []
    for step in steps:
        if isinstance(step, Write):
            _write(step)
        elif isinstance(step, Remove):
            _remove(step)
        elif answers:
            _call(step)
        else:
            left.append(step)
    return left


def output(words: Sequence[str]) -> tuple[int, str]:
    """The exit code of a program, 127 where there is none, and the last line that it printed."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
    except OSError as error:
        return 127, f"{words[0]}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {_LONGEST_S:.0f} s"
    lines = done.stdout.strip().splitlines()
    return done.returncode, lines[-1].strip() if lines else ""


def text(value: str, system: str) -> str:
    """``value``, where a file of ``system`` can hold it. Raises UsageError."""
    if _NO_TEXT.search(value):
        raise UsageError(
            f"{value!r} has characters that {system} cannot be told.", "Move it to a path without them."
        )
    return value


def _write(step: Write) -> None:
    step.path.parent.mkdir(parents=True, exist_ok=True)
    fresh = step.path.with_name(f"{step.path.name}.new")
    try:
        fresh.write_bytes(step.content)
        os.replace(fresh, step.path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _remove(step: Remove) -> None:
    step.path.unlink(missing_ok=True)
    for folder in step.path.parents:
        if folder == step.below or step.below not in folder.parents:
            break
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # something else is in it
            break


def _call(step: Call) -> None:
    code, last = output(step.words)
    if code and not step.may_fail:
        raise HybridError(
            f"{' '.join(step.words[:3])} failed: {last[:_WIDEST].rstrip('.') or f'exit code {code}'}.",
            "See what the system says of it, and do it again: what was done before is no obstacle.",
        )
