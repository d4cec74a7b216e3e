"""What cannot be seen now: it is unknown, not deleted, and stays in the next snapshot as it was in the last one."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet


def kept(recorded: Iterable[bytes], here: Iterable[bytes], unknown: AbstractSet[bytes]) -> list[bytes]:
    """Those of the ``recorded`` paths that lie at or below an ``unknown`` one, and in whose place nothing else is.

    ``here`` are the paths of all that can be seen.
    """
    if not unknown:
        return []
    hidden = [path for path in recorded if _is_below(path, unknown)]
    seen = set(here)
    folders = {folder for path in seen for folder in _above(path)}
    return [path for path in hidden if path not in folders and not _is_below(path, seen)]


def _is_below(path: bytes, tops: AbstractSet[bytes]) -> bool:
    """Whether the path is one of ``tops`` or lies below one."""
    return path in tops or any(folder in tops for folder in _above(path))


def _above(path: bytes) -> Iterator[bytes]:
    """The folders that the path lies in."""
    while path := path.rpartition(b"/")[0]:
        yield path
