"""What a push would do, decided from ``stat`` alone, without the mailbox."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .clock import Clock
from .errors import ConfirmationNeeded
from .local.entry import FILE, Entry
from .local.index import FileRow, Index
from .local.load_rules import load_rules
from .local.scan import Scan, scan
from .progress import Progress, Silent


@dataclass(frozen=True, kw_only=True)
class Published:
    """The last snapshot that this project folder published: what a no-op push answers with.

    others  a hash of everything but files: links and empty folders
    url     the mailbox that it is in, and ``mailbox`` that mailbox's own id
    """

    snapshot: str
    seq: int
    tree: str
    files: int
    bytes: int
    others: str
    url: str
    mailbox: str
    created: float

    @classmethod
    def load(cls, index: Index) -> "Published | None":
        text = index.meta_get("published")
        return cls(**json.loads(text)) if text else None


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a push would do. ``changed`` are files to be read, ``removed`` paths that are gone."""

    scan: Scan
    recorded: dict[bytes, FileRow]
    unchanged: dict[bytes, FileRow]
    changed: list[Entry]
    removed: list[bytes]
    others: str
    before: Published | None

    @property
    def nothing_to_do(self) -> bool:
        return (
            self.before is not None
            and not self.changed
            and not self.removed
            and self.others == self.before.others
        )


def look(
    root: Path,
    index: Index,
    clock: Clock,
    *,
    url: str,
    include: Iterable[str] = (),
    progress: Progress | None = None,
) -> Look:
    """Scans the tree and compares it with what was published last to ``url``."""
    found = scan(root, load_rules(root, include), clock, progress or Silent())
    before = Published.load(index)
    if before is not None and before.url != url:
        before = None
    recorded = index.files()
    changes = index.changed(found.entries)
    unknown = tuple(problem.path for problem in found.problems)
    here = {entry.path for entry in found.entries if entry.kind == FILE}
    removed = [path for path in recorded if path not in here and not is_below(path, unknown)]
    return Look(
        scan=found,
        recorded=recorded,
        unchanged=changes.unchanged,
        changed=changes.changed,
        removed=removed,
        others=_others(found.entries),
        before=before,
    )


def refuse_mass_deletion(seen: Look) -> None:
    """Raises ConfirmationNeeded where the tree was emptied, or has lost more than half of its files."""
    had = len(seen.recorded)
    has = sum(entry.kind == FILE for entry in seen.scan.entries)
    if seen.before is None or not had or (has and has * 2 >= had):
        return
    what = (
        "The project folder is empty"
        if not has
        else f"More than half of the project's files are gone ({had} before, {has} now)"
    )
    raise ConfirmationNeeded(
        f"{what}, so nothing was published.",
        "If that is meant: hybrid push --accept-deletions. If not, see whether a disk is missing.",
    )


def _others(entries: Iterable[Entry]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        if entry.kind != FILE:
            digest.update(b"%d:%s%d:%s" % (len(entry.path), entry.path, len(entry.target), entry.target))
    return digest.hexdigest()


def is_below(path: bytes, tops: tuple[bytes, ...]) -> bool:
    return any(path == top or path.startswith(top + b"/") for top in tops)
