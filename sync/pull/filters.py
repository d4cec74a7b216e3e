"""Which of a run's outputs come home: ``[pull]`` in ``hybrid.toml``."""

from dataclasses import dataclass

from ..mailbox.inputs import matching
from ..mailbox.layout import LOG
from ..store.nouns import FILE, Entry


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Patterns as for a run's inputs; without a slash they match names in any folder. ``max_size`` in bytes.

    The log of an attempt need not be included to come; it can be excluded.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_size: int | None = None

    def wants(self, entry: Entry) -> bool:
        if entry.kind == FILE and self.max_size is not None and entry.size > self.max_size:
            return False
        included = not self.include or entry.path == LOG
        if not included and not any(_names(pattern, entry.path) for pattern in self.include):
            return False
        return not any(_names(pattern, entry.path) for pattern in self.exclude)


def _names(pattern: str, path: bytes) -> bool:
    """Whether ``pattern`` names the path, or a folder above it."""
    pattern = pattern.rstrip("/")
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    return bool(matching(pattern, [path]) or matching(f"{pattern}/**", [path]))
