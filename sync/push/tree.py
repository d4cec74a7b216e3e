"""The tree that a push publishes: what was published last, and over it what was read now, what moved, and what went."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..errors import Problem
from ..local.entry import FILE, Entry, Signature
from ..local.index import FileRow, Index
from ..local.noted import Noted, noted_in
from ..store.entries import reference
from ..store.lines import Block, Content, Place, blocks, chunks_text, content
from ..store.nouns import MOST_LEANED_ON, SELF, Location
from .changes import Look
from .known import Known, is_snapshot
from .overlay import Going, Lines
from .reading import Chunks
from .shelf import Shelf, between
from .unseen import kept


class _Fresh(NamedTuple):
    """A file that was read now."""

    noted: Noted
    chunks: Chunks


class Tree:
    """What ``seen`` found. What is as it was comes from the index, a page at a time, or from the ``shelf``."""

    def __init__(self, seen: Look, index: Index, shelf: Shelf | None = None) -> None:
        self._seen = seen
        self._index = index
        self._shelf = shelf
        self._known_as = {reference(name): name for name in index.objects()}
        self._anew: set[bytes] = set()
        self._to_read = {entry.path: entry for entry in seen.changed}
        self._fresh: dict[bytes, _Fresh] = {}
        self._moved = dict(seen.moved)
        self._gone: set[bytes] = set()
        """Published files that are not in the tree."""
        self._others = dict(seen.others)
        self._others_gone = set(seen.others_gone)
        self._rows: dict[bytes, Going] = {}
        """What the index is to hold of the files that come, or are different."""
        self._riding: dict[bytes, Chunks] = {}
        """Files with content in the snapshot itself."""
        self._place: Place | None = None
        self.moves_content = False
        """Whether content is stored anew although no file differs."""

    def settle_places(self, known: Known) -> bool:
        """Finds the unchanged files whose content is to be stored anew: because the mailbox lacks it, or because it lies
        in snapshots and these have become too many to lean on. Returns whether they have."""
        before = self._seen.before
        used = self._index.leaned_on()
        leaned_on = {name for each in used if is_snapshot(name := self._known_as.get(each, ""))}
        if before is not None:
            leaned_on |= {before.snapshot, *before.leans_on}
        compact = len(leaned_on) > MOST_LEANED_ON
        known.lean_on(set() if compact else leaned_on, others=not compact)
        unwanted = used - self._known_as.keys()
        if compact:
            unwanted |= {reference(name) for name in leaned_on}
        if unwanted:
            self._store_anew(unwanted)
        return compact

    def _store_anew(self, unwanted: set[str]) -> None:
        """All content in these objects."""
        self._anew = {
            path for path, what in self._index.all_contents() if not unwanted.isdisjoint(what.objects.split())
        }
        went = set(self._seen.removed)
        now_at = {old: new for new, old in self._moved.items()}
        for row in self._index.rows():
            path = row[0]
            if path in self._anew and path not in self._to_read and (path in now_at or path not in went):
                path = now_at.get(path, path)
                self._moved.pop(path, None)
                self._to_read[path] = Entry(path, FILE, noted_in(row).signature)
                self.moves_content = True

    def to_read(self) -> list[Entry]:
        """The files whose content is to be read, sorted by path."""
        return sorted(self._to_read.values(), key=lambda entry: entry.path)

    def has_read(self, path: bytes, signature: Signature, chunks: Chunks) -> None:
        self._fresh[path] = _Fresh(Noted(signature, self._seen.started_ns), chunks)

    def complete(self, problems: Iterable[Problem]) -> None:
        """Settles what goes into the snapshot, once all was read. ``problems`` came up since the look.

        What was published before and cannot be read now stays as it was, unless the mailbox has lost its content.
        """
        failed = [path for path in self._to_read if path not in self._fresh]
        self._to_read.clear()
        unknown = {problem.path for problem in problems}
        gone = [*self._seen.removed, *failed]
        put = (*self._fresh, *self._moved, *self._others)
        stays = set(kept((*gone, *self._others_gone), put, unknown))
        contents = self._index.contents(path for path in gone if path in stays)
        lost = {
            path for path, what in contents.items() if not self._known_as.keys() >= set(what.objects.split())
        }
        self._gone = {path for path in gone if path not in stays or path in lost}
        self._gone.difference_update(self._fresh, self._moved)
        self._others_gone -= stays

    def differs(self) -> bool:
        """Whether the tree is another than the last published one; times alone make no difference."""
        if self._seen.before is None or self._moved or self._others or self._others_gone:
            return True
        contents = self._index.contents((*self._fresh, *self._gone))
        if any(path in contents for path in self._gone):
            return True
        return any(
            path not in contents
            or contents[path].chunks != chunks_text(now.chunks)
            or self._seen.recorded.get(path, now.noted).signature.executable != now.noted.signature.executable
            for path, now in self._fresh.items()
        )

    def blocks(self, place: Place, packs: Iterable[str]) -> Iterator[Block]:
        """The entries, for ``SnapshotWriter.finish``; ``packs`` are the names of those that were written now."""
        self._place = place
        self._settle_rows(place)
        names = self._known_as | {reference(name): name for name in packs}
        others = {**self._index.others(), **self._others}
        for path in self._others_gone:
            others.pop(path, None)
        lines = Lines(self._index, self._rows, self._gone, others, names)
        if self._shelf is None:
            yield from blocks(lines.between(b"", None))
            return
        differing = sorted({*self._rows, *self._gone, *self._others, *self._others_gone})
        for page, stop in self._shelf.ranges():
            if page.block is not None and not between(differing, page.first, stop):
                yield page.block
            else:
                yield from blocks(lines.between(page.first, stop))

    def remember(self, riding: Mapping[str, Location], *, as_before: bool) -> None:
        """Makes the index speak of this tree. ``riding`` is content in the snapshot itself, whose place is known only now.

        ``as_before``: nothing was published, because the files differ in nothing but their times.
        """
        if as_before:
            self._index.note_files({path: now.noted for path, now in self._fresh.items()})
            return
        self._index.forget_files(self._gone)
        self._index.change_others(self._others, self._others_gone)
        self._index.remember_files(
            FileRow(path, Noted(row.signature, self._seen.started_ns), self._settled(path, row, riding))
            for path, row in self._rows.items()
        )
        if self._shelf is not None:
            self._shelf.changed({*self._rows, *self._gone, *self._others, *self._others_gone})

    def _settle_rows(self, place: Place) -> None:
        """What the index is to hold of the files that come, or are different. Of these there may be very many: what was
        read of them is let go of."""
        before = self._index.contents({*self._fresh, *self._moved.values()})
        fresh, self._fresh = self._fresh, {}
        for path in list(fresh):
            noted, chunks = fresh.pop(path)
            what = before.get(path)
            if what is None or path in self._anew or what.chunks != chunks_text(chunks):
                what = content(chunks, place)
                if any(place(sha256).object == SELF for sha256, _ in chunks):
                    self._riding[path] = chunks
            self._rows[path] = Going(noted.signature, what)
        for path, old in self._moved.items():
            self._rows[path] = Going(self._seen.recorded[old].signature, before[old])

    def _settled(self, path: bytes, row: Going, riding: Mapping[str, Location]) -> Content:
        chunks, place = self._riding.get(path), self._place
        if place is None or chunks is None:
            return row.content
        return content(chunks, lambda sha256: riding.get(sha256) or place(sha256))
