"""The tree that a push publishes, between what was published last, what was read now, and what only moved."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from ..errors import Problem
from ..local.entry import FILE, FOLDER, LINK, Entry, Signature
from ..local.index import FileRow, Index, Noted
from ..store.entries import reference
from ..store.lines import Line, Place, chunks_text, content, file_line, folder_line, link_line
from ..store.nouns import MOST_LEANED_ON, Location
from .changes import Look, others_in
from .known import Known, is_snapshot
from .reading import Chunks
from .unseen import kept

_NO_SIGNATURE: Final = Signature(0, 0, 0, 0, False)


class _Fresh(NamedTuple):
    """A file that was read now."""

    noted: Noted
    chunks: Chunks


class Tree:
    """What ``seen`` found, as a snapshot's lines. Content of files that are as they were comes from the index, a page at
    a time: a tree may have a hundred thousand of them, and one that changed."""

    def __init__(self, seen: Look, index: Index) -> None:
        self._seen = seen
        self._index = index
        self._known_as = {reference(name): name for name in index.objects()}
        self._anew: set[bytes] = set()
        self._moves_content = False
        self._to_read = {entry.path for entry in seen.changed}
        self._moved = {
            entry.path: Noted(entry.signature, seen.scan.started_ns)
            for entry in (seen.scan.entries if seen.moved else ())
            if entry.path in seen.moved
        }
        self._fresh: dict[bytes, _Fresh] = {}
        self._entries: list[Entry] = []
        self._files: set[bytes] = set()
        self._rows: list[FileRow] = []
        self._place: Place | None = None

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
            self._anew = {
                path
                for path, what in self._index.all_contents()
                if not unwanted.isdisjoint(what.objects.split())
            }
            moved = self._seen.moved
            files = (entry.path for entry in self._seen.scan.entries if entry.kind == FILE)
            unchanged = {path for path in files if moved.get(path, path) in self._anew} - self._to_read
            self._to_read |= unchanged
            self._moves_content = bool(unchanged)
        return compact

    @property
    def moves_content(self) -> bool:
        """Whether content is stored anew although no file differs."""
        return self._moves_content

    def to_read(self) -> list[Entry]:
        """The files whose content is to be read, sorted by path."""
        return [entry for entry in self._seen.scan.entries if entry.path in self._to_read]

    def has_read(self, path: bytes, signature: Signature, chunks: Chunks) -> None:
        self._fresh[path] = _Fresh(Noted(signature, self._seen.scan.started_ns), chunks)

    def complete(self, problems: Iterable[Problem]) -> None:
        """Settles what goes into the snapshot, once all was read. ``problems`` came up since the scan.

        What was published before and cannot be read now stays as it was.
        """
        seen = self._seen
        # What the scan saw, without what could then not be read.
        entries = [
            entry
            for entry in seen.scan.entries
            if entry.path not in self._to_read or entry.path in self._fresh
        ]
        unknown = {problem.path for problem in (*seen.scan.problems, *problems)}
        if unknown:
            here = {entry.path for entry in entries}
            gone = [path for path in (*seen.recorded, *seen.others) if path not in here]
            unseen = self._kept(kept(gone, here, unknown))
            entries = sorted((*entries, *unseen), key=lambda entry: entry.path)
        self._entries = entries
        self._files = {entry.path for entry in entries if entry.kind == FILE}

    def _kept(self, paths: list[bytes]) -> Iterator[Entry]:
        """Published entries, but for files whose content the mailbox has lost."""
        seen = self._seen
        contents = self._index.contents(path for path in paths if path in seen.recorded)
        for path in paths:
            if path not in seen.recorded:
                target = seen.others[path]
                yield Entry(path, LINK if target else FOLDER, _NO_SIGNATURE, target)
            elif self._known_as.keys() >= set(contents[path].objects.split()):
                yield Entry(path, FILE, seen.recorded[path].signature)

    def differs(self) -> bool:
        """Whether the tree is another than the last published one; times alone make no difference."""
        recorded = self._seen.recorded
        if self._seen.before is None or self._files != recorded.keys():
            return True
        if others_in(self._entries) != self._seen.others:
            return True
        contents = self._index.contents(self._fresh)
        return any(
            contents[path].chunks != chunks_text(now.chunks)
            or recorded[path].signature.executable != now.noted.signature.executable
            for path, now in self._fresh.items()
        )

    def lines(self, place: Place, packs: Iterable[str]) -> Iterator[Line]:
        """The snapshot's lines, for ``SnapshotWriter.finish``; ``packs`` are the names of those that were written now."""
        self._place = place
        names = self._known_as | {reference(name): name for name in packs}
        objects: dict[str, tuple[str, ...]] = {}
        before = self._index.contents({*self._fresh, *self._seen.moved.values()})
        stored = self._index.all_contents()
        for entry in self._entries:
            path = entry.path
            if entry.kind == FOLDER:
                yield folder_line(path)
                continue
            if entry.kind != FILE:
                yield link_line(path, entry.target)
                continue
            signature = entry.signature
            if path in self._fresh:
                (signature, _), chunks = noted, _ = self._fresh[path]
                what = before.get(path)
                if what is None or path in self._anew or what.chunks != chunks_text(chunks):
                    what = content(chunks, place)
                self._rows.append(FileRow(path, noted, what))
            elif path in self._moved:
                what = before[self._seen.moved[path]]
                self._rows.append(FileRow(path, self._moved[path], what))
            else:
                each, what = next(stored)
                while each != path:
                    each, what = next(stored)
            if what.objects not in objects:
                objects[what.objects] = tuple(names[name] for name in what.objects.split())
            yield file_line(path, signature.executable, what, objects[what.objects])

    def remember(self, riding: Mapping[str, Location], *, as_before: bool) -> None:
        """Makes the index speak of this tree. ``riding`` is content in the snapshot itself, whose place is known only now.

        ``as_before``: nothing was published, because the files differ in nothing but their times.
        """
        if as_before:
            self._index.note_files({path: now.noted for path, now in self._fresh.items()})
            return
        self._index.forget_files(path for path in self._seen.recorded if path not in self._files)
        others = others_in(self._entries)
        if others != self._seen.others:
            self._index.replace_others(others)
        self._index.remember_files(self._settled(row, riding) for row in self._rows)

    def _settled(self, row: FileRow, riding: Mapping[str, Location]) -> FileRow:
        fresh = self._fresh.get(row.path)
        place = self._place
        if place is None or fresh is None or not any(sha256 in riding for sha256, _ in fresh.chunks):
            return row
        return row._replace(content=content(fresh.chunks, lambda sha256: riding.get(sha256) or place(sha256)))
