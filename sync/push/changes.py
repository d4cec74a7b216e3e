"""What there is to push, as data: how the tree differs from what was published last. ``looking`` finds it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfirmationNeeded, Problem
from ..local.entry import Entry
from ..local.index import Index
from ..local.noted import Noted
from ..local.rules import HeldBack
from ..local.scan import Inside
from ..store.nouns import Root
from .known import is_snapshot


@dataclass(frozen=True, kw_only=True)
class Published:
    """The last snapshot that this project folder published: what a no-op push answers with.

    url       the mailbox that it is in, and ``mailbox`` that mailbox's own id
    leans_on  the snapshots that hold content of it
    """

    snapshot: str
    seq: int
    tree: str
    files: int
    bytes: int
    url: str
    mailbox: str
    created: float
    leans_on: list[str]

    @classmethod
    def load(cls, index: Index, url: str) -> "Published | None":
        """What was published last to ``url``, if that is where the last push went."""
        text = index.meta_get("published")
        try:
            found = cls(**json.loads(text)) if text else None
        except (TypeError, ValueError):  # another version of hybrid wrote it, or it is damaged
            return None
        return found if found is not None and found.url == url else None

    @classmethod
    def of(cls, root: Root, *, url: str, mailbox: str) -> "Published":
        """What publishing ``root`` amounts to."""
        created = root.meta.get("created")
        return cls(
            snapshot=root.name,
            seq=root.seq,
            tree=root.tree,
            files=root.files,
            bytes=root.bytes,
            url=url,
            mailbox=mailbox,
            created=created if isinstance(created, int | float) else 0.0,
            leans_on=[name for name in root.objects if is_snapshot(name)],
        )

    def save(self, index: Index) -> None:
        index.meta_set("published", json.dumps(self.__dict__))


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a push would do: how the tree differs from what was published last. What is not named is as it was.

    folder      identity of the project folder, as long as it is the same
    started_ns  the wall clock before the look
    files       how many files the last published state has
    recorded    what the files that are ``changed``, ``moved`` or ``removed`` looked like when they were published
    changed     files to be read, sorted by path
    moved       files that only have another path now, and the one that they had, which is ``removed``
    removed     files that are gone; what lies in a folder that cannot be read is not
    others      links with their targets, and empty folders with none, that are new or different; ``others_gone`` are gone
    folders     how many directories were looked at
    before      the last published state
    """

    folder: tuple[int, int]
    started_ns: int
    files: int
    recorded: Mapping[bytes, Noted]
    changed: list[Entry]
    moved: Mapping[bytes, bytes]
    removed: list[bytes]
    others: Mapping[bytes, bytes]
    others_gone: list[bytes]
    problems: list[Problem]
    held_back: list[HeldBack]
    inside: Inside
    folders: int
    before: Published | None

    @property
    def paths(self) -> frozenset[bytes]:
        """All paths that differ, as far as ``stat`` tells."""
        changed = (entry.path for entry in self.changed)
        return frozenset((*changed, *self.removed, *self.moved, *self.others, *self.others_gone))

    @property
    def nothing_to_do(self) -> bool:
        return not self.changed and self._only_files_may_differ

    @property
    def all_is_doubtful(self) -> bool:
        """Whether there may be nothing to do, once the ``doubtful`` files were read."""
        return self._only_files_may_differ and len(self.doubtful) == len(self.changed)

    @property
    def _only_files_may_differ(self) -> bool:
        return self.before is not None and not (self.removed or self.moved or self.others or self.others_gone)

    @property
    def doubtful(self) -> list[Entry]:
        """Files that only differ in their times, or are too young for these to tell anything: content decides."""
        return [
            entry
            for entry in self.changed
            if (noted := self.recorded.get(entry.path)) is not None
            and noted.signature.size == entry.signature.size
            and noted.signature.executable == entry.signature.executable
        ]


def refuse_mass_deletion(seen: Look) -> None:
    """Raises ConfirmationNeeded where the tree was emptied, or has lost more than half of its files.

    What cannot be read now is not lost.
    """
    had = seen.files
    new = sum(path not in seen.recorded for path in (*seen.moved, *(entry.path for entry in seen.changed)))
    has = had - len(seen.removed) + new
    if not had or (has and has * 2 >= had):
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
