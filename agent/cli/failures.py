"""How a command that ends early says so: one sentence and a hint for what can be expected, a trace for a bug."""

import json
import logging
import platform
import re
import sys
import traceback

import click

from sync.errors import HybridError

from .. import __version__
from ..console import visible
from ..exits import Exit, exit_for
from ..expected import expected


def report(error: BaseException, *, as_json: bool) -> Exit:
    """Prints ``error`` on standard error, as text or as one line of JSON; returns the exit code it stands for."""
    if isinstance(error, click.ClickException):
        code, kind, message, hint = Exit.USAGE, "usage", error.format_message(), _usage_hint(error)
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        code, kind, message, hint = Exit.INTERRUPTED, "interrupted", "Interrupted.", str(error)
    else:
        error = expected(error)
        code, kind = exit_for(error), _kind(error)
        if isinstance(error, HybridError):
            message, hint = str(error), error.hint
            logging.getLogger(__name__).debug("where it happened", exc_info=error)
        else:
            print(visible("".join(traceback.format_exception(error))), file=sys.stderr)
            kind = "bug"
            message = f"{type(error).__name__}: {error}"
            hint = f"This is a bug in hybrid; please report it with the lines above ({_versions()})."
    if as_json:
        document = {"kind": kind, "message": message, "hint": hint, "exit": int(code)}
        print(json.dumps({"error": document}), file=sys.stderr)
    else:
        _print(code, message, hint)
    return code


def _print(code: Exit, message: str, hint: str) -> None:
    if code is Exit.INTERRUPTED:
        text = f"\n{message}" + (f"\nNext: {hint}" if hint else "")
    elif code is Exit.BUG:
        text = f"\n{hint}"
    else:
        text = f"Error: {message}" + (f"\nTry: {hint}" if hint else "")
    print(visible(text), file=sys.stderr)


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else ""


def _kind(error: BaseException) -> str:
    """The name of an error in JSON: ``NewerMailbox`` is ``newer_mailbox``, ``UsageError`` is ``usage``."""
    name = type(error).__name__.removesuffix("Error") or "error"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _versions() -> str:
    return f"hybrid {__version__}, Python {platform.python_version()}, {platform.platform()}"
