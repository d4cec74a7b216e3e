"""Publishes the project tree as one snapshot: only what the mailbox does not hold yet, content first.

``look`` decides from ``stat`` alone and never contacts the mailbox; ``publish`` sends what it found. Killed at any
point, the next push goes on: packs that arrived are remembered, and nothing names a pack that did not.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .changes import Look, Published, is_below
from .clock import Clock
from .errors import Problem
from .known import Known
from .local import git
from .local.entry import FILE as ON_DISK_FILE
from .local.entry import FOLDER
from .local.entry import LINK as ON_DISK_LINK
from .local.entry import Entry as Found
from .local.index import FileRow, Index, chunks_json
from .local.read import FileChanged, FileUnreadable, open_stable
from .local.rules import HeldBack
from .mailbox import layout
from .progress import Progress, Silent
from .remotes.base import Remote
from .store.nouns import DIRECTORY, FILE, LINK, Entry
from .store.writer import SnapshotWriter, placed_elsewhere
from .upload import Upload

TRIES = 3
"""How often a file that changes while it is read is read before it is left for the next push."""
MOST_LEANED_ON = 32
"""Other snapshots that a snapshot may lean on; what lies in more of them is stored anew."""


@dataclass(kw_only=True)
class Pushed:
    """What a push did. ``sent_bytes`` went over the wire; ``new_bytes`` is content before compression."""

    published: Published
    changed: int = 0
    removed: int = 0
    new_bytes: int = 0
    sent_bytes: int = 0
    objects: int = 0
    unpublished: bool = False
    """The tree was the same as the last snapshot's, so none was made."""
    problems: list[Problem] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)


class Push:
    """One push of ``root`` into ``base`` of ``remote``, by ``laptop``."""

    def __init__(
        self,
        root: Path,
        index: Index,
        remote: Remote,
        clock: Clock,
        *,
        base: str,
        laptop: str,
        url: str,
        mailbox: str,
        progress: Progress | None = None,
    ) -> None:
        self._root = root
        self._index = index
        self._remote = remote
        self._clock = clock
        self._base = base
        self._laptop = laptop
        self._url = url
        self._mailbox = mailbox
        self._progress = progress or Silent()
        self._problems: list[Problem] = []

    def publish(self, seen: Look) -> Pushed:
        """Sends what ``seen`` found new, and a snapshot if the tree differs from the last one."""
        if seen.before is not None and seen.before.mailbox != self._mailbox:
            seen = replace(seen, before=None)  # the mailbox was made anew since
        known = Known(self._index)
        highest = self._forget_what_is_gone(seen)
        rows = dict(seen.unchanged)
        todo = list(seen.changed)
        known.load(row.chunks for row in rows.values())
        anew = self._to_store_anew(rows, known)
        todo += [_as_found(path, rows.pop(path)) for path in anew]
        with Upload(self._remote, self._base, known) as upload:
            writer = SnapshotWriter(
                upload,
                writer=self._laptop,
                pack_folder=layout.PACKS,
                pack_size=self._remote.capabilities.pack_size,
            )
            self._progress.start("upload", sum(entry.signature.size for entry in todo))
            for entry in sorted(todo, key=lambda each: each.path):
                row = self._read(writer, entry, seen)
                if row is not None:
                    rows[entry.path] = row
            self._progress.finish()
            self._keep_what_cannot_be_seen(seen, rows, known)
            seq = highest + 1
            created = self._clock.wall()
            published = seen.before
            if published is None or anew or _differs(seen, rows):
                root = writer.finish(
                    name=layout.snapshot(self._laptop, seq),
                    kind="tree",
                    seq=seq,
                    tree=_entries(seen, rows),
                    meta={"created": created, **_commit(self._root)},
                )
                published = Published(
                    snapshot=root.name,
                    seq=seq,
                    tree=root.tree,
                    files=root.files,
                    bytes=root.bytes,
                    others=seen.others,
                    url=self._url,
                    mailbox=self._mailbox,
                    created=created,
                )
        self._remember(seen, rows, published, upload, known)
        return Pushed(
            published=published,
            changed=len(seen.changed),
            removed=len(seen.removed),
            new_bytes=writer.sent,
            sent_bytes=upload.bytes,
            objects=upload.objects,
            unpublished=published is seen.before,
            problems=[*seen.scan.problems, *self._problems],
            held_back=seen.scan.held_back,
        )

    def _forget_what_is_gone(self, seen: Look) -> int:
        """Forgets objects that the mailbox does not hold; returns the highest number of a snapshot of ours in it."""
        if self._index.meta_get("mailbox") != f"{self._url} {self._mailbox}":
            self._index.clear_locations()
            self._index.meta_set("mailbox", f"{self._url} {self._mailbox}")
        snapshots = self._remote.list_files(f"{self._base}/{layout.SNAPSHOTS}")
        parsed = [layout.parse_snapshot(file.name) for file in snapshots]
        mine = [name for name in parsed if name is not None and name.laptop == self._laptop]
        highest = max([name.seq for name in mine] + [seen.before.seq if seen.before else 0])
        if self._remote.capabilities.strong_listing:
            packs = self._remote.list_files(f"{self._base}/{layout.PACKS}")
            there = {name.path for name in mine} | {f"{layout.PACKS}/{file.name}" for file in packs}
            self._index.drop_objects(set(self._index.objects()) - there)
        return highest

    def _to_store_anew(self, rows: Mapping[bytes, FileRow], known: "Known") -> list[bytes]:
        """Unchanged files whose content the mailbox lacks, or that lies in too many snapshots."""
        missing = [path for path, row in rows.items() if not known.has_all(row.chunks)]
        leaned_on = {name for name in self._index.objects() if name.endswith(".snap")}
        if len(leaned_on) <= MOST_LEANED_ON:
            return missing
        known.ignore(leaned_on)
        return [path for path, row in rows.items() if not known.has_all(row.chunks)]

    def _read(self, writer: SnapshotWriter, entry: Found, seen: Look) -> FileRow | None:
        """Chunks a file, again if it changes meanwhile; the row of before, or None, where it cannot be had whole."""
        what = "kept changing while it was read, and is left for the next push"
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(0.05 * attempt)
            file = writer.begin_file()
            try:
                with open_stable(self._root, entry.path) as source:
                    for buffer in source.blocks():
                        file.feed(buffer)
                        self._progress.advance(len(buffer))
            except FileChanged:
                continue
            except FileUnreadable as error:
                what = error.what
                break
            chunks = [(bytes.fromhex(sha256), length) for sha256, length in file.end()]
            return FileRow(entry.path, source.signature, seen.scan.started_ns, chunks_json(chunks))
        if os.path.lexists(os.fsencode(self._root) + b"/" + entry.path):
            self._problems.append(Problem(entry.path, what))
        return None

    def _keep_what_cannot_be_seen(self, seen: Look, rows: dict[bytes, FileRow], known: "Known") -> None:
        """What was published before and cannot be read now stays as it was: it is unknown, not deleted."""
        unknown = tuple(problem.path for problem in (*seen.scan.problems, *self._problems))
        for path, row in seen.recorded.items():
            if path not in rows and is_below(path, unknown) and known.has_all(row.chunks):
                rows[path] = row

    def _remember(
        self, seen: Look, rows: Mapping[bytes, FileRow], published: Published, upload: Upload, known: Known
    ) -> None:
        """Until the last line is durable, the next push takes nothing for published, and finds it out anew."""
        self._index.meta_set("published", "")
        known.add(upload.snapshot_locations)
        self._index.forget_files(path for path in seen.recorded if path not in rows)
        self._index.remember_files(row for path, row in rows.items() if seen.recorded.get(path) != row)
        self._index.meta_set("published", json.dumps(published.__dict__))


def _entries(seen: Look, rows: Mapping[bytes, FileRow]) -> Iterator[Entry]:
    """The snapshot's entries: files as they were read, links and empty folders as they were seen."""
    for path, row in rows.items():
        chunks = tuple(placed_elsewhere(sha256, length) for sha256, length in json.loads(row.chunks))
        size = sum(chunk.at.length for chunk in chunks)
        yield Entry(path=path, kind=FILE, executable=row.signature.executable, size=size, chunks=chunks)
    for found in seen.scan.entries:
        if found.kind == FOLDER:
            yield Entry(path=found.path, kind=DIRECTORY)
        elif found.kind == ON_DISK_LINK:
            yield Entry(path=found.path, kind=LINK, target=found.target)


def _differs(seen: Look, rows: Mapping[bytes, FileRow]) -> bool:
    """Whether the tree is another than the last published one; times alone make no difference."""
    if seen.before is None or seen.others != seen.before.others or rows.keys() != seen.recorded.keys():
        return True
    return any(
        row.chunks != seen.recorded[path].chunks
        or row.signature.executable != seen.recorded[path].signature.executable
        for path, row in rows.items()
    )


def _as_found(path: bytes, row: FileRow) -> Found:
    return Found(path, ON_DISK_FILE, row.signature)


def _commit(root: Path) -> dict[str, Any]:
    found = git.commit(root)
    return {"commit": found.hash, "dirty": found.dirty} if found else {}
