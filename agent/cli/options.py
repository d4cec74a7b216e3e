"""The options that every command takes, before or after its name, and what a command gets from them."""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from sync.clock import Clock, SystemClock
from sync.errors import UsageError

from ..console import Console, JsonConsole, TextConsole, visible

if TYPE_CHECKING:
    from ..project import Project

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a command: the flags it got, and what follows from them.

    ``-C DIR`` has taken effect already, as a change of the current folder.
    """

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    bars: bool = True
    clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def console(self) -> Console:
        if self.json:
            kind: type[JsonConsole | TextConsole] = JsonConsole
        else:
            kind = TextConsole
        return kind(out=sys.stdout, err=sys.stderr, clock=self.clock, quiet=self.quiet, bars=self.bars)

    def project(self) -> "Project":
        """The project that the current folder lies in. Raises UsageError where there is none."""
        from ..project import Project

        return Project.find(current_folder())


def current_folder() -> Path:
    """Where we are. Raises UsageError when that folder has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "The current folder is not there any more.", "Go to a folder that exists, or name one with -C."
        ) from error


def common_options(command: Callable[Concatenate[Call, P], R]) -> Callable[..., R]:
    """Adds the common options to a command, or to a group, and passes the ``Call`` as its first argument.

    Goes directly above the function, below click's own decorators. What a group was given holds for its commands.
    """

    @click.option(
        "-C",
        "directory",
        metavar="DIR",
        is_eager=True,
        expose_value=False,
        callback=_enter,
        help="Work in DIR.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option("-q", "--quiet", is_flag=True, help="Print results, warnings and errors only.")
    @click.option("-v", "--verbose", count=True, help="Tell more; twice for everything.")
    @click.option("--no-progress", is_flag=True, help="Tell no progress: no bars, no lines.")
    @click.pass_context
    @functools.wraps(command)
    def with_call(
        context: click.Context,
        /,
        *args: Any,
        as_json: bool,
        quiet: bool,
        verbose: int,
        no_progress: bool,
        **kwargs: Any,
    ) -> R:
        outer = context.find_object(Call) or Call()
        call = Call(
            json=outer.json or as_json,
            quiet=outer.quiet or quiet,
            verbose=outer.verbose + verbose,
            bars=outer.bars and not no_progress,
            clock=outer.clock,
        )
        context.obj = call
        _set_up_logging(call.verbose)
        context.call_on_close(lambda: call.console.close())
        return command(call, *args, **kwargs)

    return with_call


def _enter(context: click.Context, _parameter: click.Parameter, directory: str | None) -> None:
    if not directory or context.resilient_parsing:
        return
    current_folder()
    try:
        context.with_resource(contextlib.chdir(directory))
    except OSError as error:
        raise UsageError(
            f"Cannot work in {directory}: {error.strerror}.", "Name a folder that exists with -C."
        ) from error


class _Visible(logging.Formatter):
    """Names of files and words of servers are in what is logged: none may steer the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def _set_up_logging(verbose: int) -> None:
    """Called with the options before the command's name, and again with those behind it."""
    root = logging.getLogger()
    ours = any(isinstance(each.formatter, _Visible) for each in root.handlers)
    if verbose and not ours and all(isinstance(each, logging.NullHandler) for each in root.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(_Visible("%(name)s: %(message)s"))
        root.addHandler(handler)
        ours = True
    if verbose and ours:
        root.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    elif not root.handlers:
        # Without any handler Python would print the warnings of libraries on standard error.
        root.addHandler(logging.NullHandler())
