"""Meeting a mailbox that the index knows nothing of: it is new, or another than before, or the local state was lost.

What this laptop published there last is found again in the mailbox itself, so that its content is not sent twice.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .changes import Published, hash_of_others
from .errors import CorruptMailbox, NotFound
from .local.entry import Signature
from .local.index import FileRow, Index, chunks_json
from .mailbox import layout
from .mailbox.layout import SnapshotName
from .remotes.base import Remote
from .store.nouns import FILE, Chunk, Entry, Root
from .store.reader import Reader

_MAILBOX = "mailbox"


def known_mailbox(index: Index, url: str) -> str | None:
    """The id of the mailbox at ``url`` that the index speaks of, if it is there that the last push went."""
    where, _, mailbox = (index.meta_get(_MAILBOX) or "").rpartition(" ")
    return mailbox if where == url and mailbox else None


def recover(index: Index, remote: Remote, base: str, *, laptop: str, url: str, mailbox: str) -> bool:
    """Makes the index speak of this mailbox; returns False where it does already.

    Raises NewerMailbox, and what the remote raises.
    """
    if known_mailbox(index, url) == mailbox:
        return False
    last = _last(remote, base, laptop)
    with index.at_once():
        index.clear_locations()
        index.meta_set("published", "")
        index.meta_set(_MAILBOX, f"{url} {mailbox}")
        if last is not None:
            index.add_locations((bytes.fromhex(chunk.sha256), chunk.at) for chunk in last.chunks())
            _remember_files(index, last.entries)
            last.published(url, mailbox).save(index)
    return True


def own_snapshots(remote: Remote, base: str, laptop: str) -> list[SnapshotName]:
    """This laptop's snapshots in the mailbox, oldest first."""
    files = remote.list_files(f"{base}/{layout.SNAPSHOTS}")
    parsed = (layout.parse_snapshot(file.name) for file in files)
    return sorted({name for name in parsed if name is not None and name.laptop == laptop})


class _Last(NamedTuple):
    root: Root
    entries: list[Entry]

    def chunks(self) -> Iterator[Chunk]:
        yield from self.root.entries
        for entry in self.entries:
            yield from entry.chunks

    def published(self, url: str, mailbox: str) -> Published:
        others = hash_of_others((entry.path, entry.target) for entry in self.entries if entry.kind != FILE)
        return Published.of(self.root, others=others, url=url, mailbox=mailbox)


def _last(remote: Remote, base: str, laptop: str) -> _Last | None:
    """The newest of this laptop's snapshots that can be read."""
    reader = Reader(remote, base)
    for name in reversed(own_snapshots(remote, base, laptop)):
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
    index.forget_files(before)
    rows = []
    for entry in entries:
        if entry.kind == FILE:
            chunks = chunks_json((bytes.fromhex(chunk.sha256), chunk.at.length) for chunk in entry.chunks)
            old = before.get(entry.path)
            if old is not None and (old.chunks, old.signature.executable) == (chunks, entry.executable):
                rows.append(old)
            else:
                # Without times it is never taken for unchanged.
                signature = Signature(entry.size, 0, 0, 0, entry.executable)
                rows.append(FileRow(entry.path, signature, 0, chunks))
    index.remember_files(rows)
