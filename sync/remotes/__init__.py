"""The places where a mailbox can live. ``base.Remote`` is the contract; ``open_remote`` gives one for a URL."""

import importlib
import os
import random
import re

from ..clock import Clock
from ..errors import UsageError
from .base import Remote
from .opening import Opening
from .retry import Retrying

# Scheme, and how its URL looks. The module of that name has ``from_url(rest, opening)`` and is imported on use:
# the runner carries only those that need nothing but the standard library.
_SCHEMES = {
    "folder": "folder:/path/to/folder",
    "sftp": "sftp://user@host:port/path/to/folder",
}


def open_remote(
    url: str,
    *,
    clock: Clock,
    base_dir: str | os.PathLike[str],
    identity: str | None = None,
    known_hosts: str | None = None,
    dice: random.Random | None = None,
) -> Remote:
    """The remote that ``url`` names, with retries: the one place where wrappers are composed.

    Nothing is contacted before the first call. ``base_dir`` is where a relative ``folder:`` URL starts;
    ``identity`` and ``known_hosts`` are paths that win over ssh's configuration; ``dice`` spreads retries.
    Raises UsageError for a URL that is malformed or of an unknown scheme.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _SCHEMES:
        known = " or ".join(_SCHEMES.values())
        hint = f"For a directory write folder:{url}" if _is_path(url) else f"Write {known}"
        shown = re.sub("(//[^/@:]*):[^/@]*@", r"\1:***@", url)  # somebody may have put a password there
        raise UsageError(f"{shown!r} is not the URL of a mailbox.", hint)
    opening = Opening(base_dir=os.path.abspath(base_dir), identity=identity, known_hosts=known_hosts)
    remote: Remote = importlib.import_module(f".{scheme}", __name__).from_url(rest, opening)
    return Retrying(remote, clock, dice or random.Random())


def _is_path(url: str) -> bool:
    return url.startswith(("/", ".", "~", "\\")) or ":" not in url or url[1:2] == ":"
