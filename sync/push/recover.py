"""Meeting a mailbox that the index knows nothing of: it is new, or another than before, or the local state was lost.

What this laptop published there last is found again in the mailbox itself, so that its content is not sent twice.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..errors import CorruptMailbox, NotFound
from ..local.entry import Signature
from ..local.index import FileRow, Index
from ..local.noted import Noted
from ..mailbox.layout import SnapshotName
from ..remotes.base import Remote
from ..store.lines import content
from ..store.nouns import FILE, Chunk, Entry, Root
from ..store.reader import Reader
from .changes import Published

_MAILBOX = "mailbox"


def known_mailbox(index: Index, url: str) -> str | None:
    """The id of the mailbox at ``url`` that the index speaks of, if it is there that the last push went."""
    where, _, mailbox = (index.meta_get(_MAILBOX) or "").rpartition(" ")
    return mailbox if where == url and mailbox else None


def note_mailbox(index: Index, url: str, mailbox: str) -> None:
    """From now on the index speaks of this mailbox, which is there for certain."""
    index.meta_set(_MAILBOX, f"{url} {mailbox}")


def recover(
    index: Index, remote: Remote, base: str, *, mine: list[SnapshotName], url: str, mailbox: str
) -> bool:
    """Makes the index speak of this mailbox, which holds the snapshots ``mine`` of this laptop; returns False where it
    does already.

    Raises NewerMailbox, and what the remote raises.
    """
    if known_mailbox(index, url) == mailbox:
        return False
    last = _last(remote, base, mine)
    with index.at_once():
        index.clear_locations()
        index.meta_set("published", "")
        index.meta_set(_MAILBOX, "")
        if last is not None:
            index.add_locations((bytes.fromhex(chunk.sha256), chunk.at) for chunk in last.chunks())
            _remember_files(index, last.entries)
            index.replace_others({entry.path: entry.target for entry in last.entries if entry.kind != FILE})
            Published.of(last.root, url=url, mailbox=mailbox).save(index)
    return True


class _Last(NamedTuple):
    root: Root
    entries: list[Entry]

    def chunks(self) -> Iterator[Chunk]:
        yield from self.root.entries
        for entry in self.entries:
            yield from entry.chunks


def _last(remote: Remote, base: str, mine: list[SnapshotName]) -> _Last | None:
    """The newest of these snapshots that can be read."""
    reader = Reader(remote, base)
    for name in reversed(mine):
        try:
            root = reader.root(name.path)
            return _Last(root, reader.entries(root))
        except (CorruptMailbox, NotFound):
            continue
        finally:
            reader.forget(name.path)
    return None


def _remember_files(index: Index, entries: list[Entry]) -> None:
    """Files as published there. One that was published elsewhere with the same content need not be read again."""
    before = index.files()
    contents = dict(index.all_contents())
    index.forget_files(before)
    rows = []
    for entry in entries:
        if entry.kind == FILE:
            places = {chunk.sha256: chunk.at for chunk in entry.chunks}
            what = content([(chunk.sha256, chunk.at.length) for chunk in entry.chunks], places.__getitem__)
            # Without times it is never taken for unchanged.
            noted = Noted(Signature(entry.size, 0, 0, 0, entry.executable), 0)
            old = before.get(entry.path)
            if (
                old is not None
                and contents[entry.path].chunks == what.chunks
                and old.signature.executable == entry.executable
            ):
                noted = old
            rows.append(FileRow(entry.path, noted, what))
    index.remember_files(rows)
