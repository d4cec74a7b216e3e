"""Publishes the project tree as one snapshot: only what the mailbox does not hold yet, content first.

``changes.look`` decides what there is to do without the mailbox; ``publish`` sends it. Killed at any point, the next
push goes on: packs that arrived are remembered, and nothing names a pack that did not.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .changes import Look, Published, compared, is_below, refuse_mass_deletion
from .clock import Clock
from .errors import HybridError, Problem
from .known import Known, chunk_lists
from .local import git
from .local.bulk import without_collections
from .local.entry import FILE as ON_DISK_FILE
from .local.entry import FOLDER
from .local.entry import Entry as Found
from .local.index import FileRow, Index, chunks_json
from .local.read import FileChanged, FileUnreadable
from .local.rules import HeldBack
from .local.scan import identity
from .mailbox import layout
from .progress import Progress, Silent
from .reading import read_chunks
from .recover import own_snapshots, recover
from .remotes.base import Remote
from .store.nouns import DIRECTORY, FILE, LINK, MOST_LEANED_ON, Entry
from .store.writer import SnapshotWriter, placed_elsewhere
from .upload import Upload

TRIES = 3
"""How often a file that changes while it is read is read before it is left for the next push."""


@dataclass(kw_only=True)
class Pushed:
    """What a push did.

    changed, removed  files that were read, and paths that are gone
    new_bytes         content that the mailbox did not hold, before compression
    sent_bytes        what went over the wire, in ``objects`` files
    unpublished       the tree is the same as the last snapshot's, so none was made
    """

    published: Published
    changed: int
    removed: int
    new_bytes: int
    sent_bytes: int
    objects: int
    unpublished: bool
    problems: list[Problem] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)


class Push:
    """Pushes ``root`` into ``base`` of ``remote``, by ``laptop``; ``mailbox`` is the id of what is at ``url``."""

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

    def publish(self, seen: Look, *, accept_deletions: bool = False) -> Pushed:
        """Sends what ``seen`` found new, and a snapshot if the tree differs from the last one.

        Raises ConfirmationNeeded before anything is sent, HybridError where the project folder goes away meanwhile,
        and what the remote raises.
        """
        if recover(
            self._index,
            self._remote,
            self._base,
            laptop=self._laptop,
            url=self._url,
            mailbox=self._mailbox,
        ):
            seen = compared(seen.scan, seen.folder, self._index, self._url)
        if not accept_deletions:
            refuse_mass_deletion(seen)
        seq = self._next_number(seen)
        known = Known(self._index)
        rows = dict(seen.unchanged)
        compact, anew = self._settle_places(seen, rows, known)
        todo = [*seen.changed, *(Found(path, ON_DISK_FILE, rows.pop(path).signature) for path in anew)]
        with Upload(self._remote, self._base, known) as upload:
            writer = SnapshotWriter(
                upload,
                writer=self._laptop,
                pack_folder=layout.PACKS,
                pack_size=self._remote.capabilities.pack_size,
            )
            self._progress.start("upload", sum(entry.signature.size for entry in todo))
            sent = False  # also where the tree is the same: content that the mailbox had lost
            for entry in sorted(todo, key=lambda each: each.path):
                sent_before = writer.sent
                row = self._read(writer, entry, seen)
                if row is not None:
                    rows[entry.path] = row
                    sent = sent or writer.sent > sent_before
            if identity(self._root) != seen.folder:
                raise HybridError(
                    f"The project folder {self._root} was replaced while it was read.", "Push again."
                )
            self._keep_what_cannot_be_seen(seen, rows, known)
            published = seen.before
            if published is None or anew or sent or _differs(seen, published, rows):
                with without_collections():
                    root = writer.finish(
                        name=layout.snapshot(self._laptop, seq),
                        kind="tree",
                        seq=seq,
                        tree=_entries(seen, rows),
                        meta={"created": self._clock.wall(), **_commit(self._root)},
                        rides=not compact,
                    )
                published = Published.of(root, others=seen.others, url=self._url, mailbox=self._mailbox)
            self._progress.finish()
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

    def _next_number(self, seen: Look) -> int:
        """The next snapshot's number. Forgets what the mailbox does not hold, where it can tell at once."""
        mine = own_snapshots(self._remote, self._base, self._laptop)
        if self._remote.capabilities.strong_listing:
            packs = self._remote.list_files(f"{self._base}/{layout.PACKS}")
            there = {name.path for name in mine} | {f"{layout.PACKS}/{file.name}" for file in packs}
            self._index.drop_objects(set(self._index.objects()) - there)
        return 1 + max([name.seq for name in mine] + [seen.before.seq if seen.before else 0])

    def _settle_places(
        self, seen: Look, rows: Mapping[bytes, FileRow], known: Known
    ) -> tuple[bool, list[bytes]]:
        """Whether content must move out of snapshots, because they have become too many to lean on; and the unchanged
        files whose content is to be stored anew for that, or because the mailbox lacks it."""
        with without_collections():
            texts = [row.chunks for row in rows.values()]
            leaned_on = known.load(sha256 for chunks in chunk_lists(texts) for sha256, _ in chunks)
            if seen.before is not None:
                leaned_on |= {seen.before.snapshot, *seen.before.leans_on}
            compact = len(leaned_on) > MOST_LEANED_ON
            known.lean_on(set() if compact else leaned_on, others=not compact)
            anew = [
                path
                for path, chunks in zip(rows, chunk_lists(texts), strict=True)
                if any(known.location(sha256) is None for sha256, _ in chunks)
            ]
        return compact, anew

    def _read(self, writer: SnapshotWriter, entry: Found, seen: Look) -> FileRow | None:
        """Chunks a file, again if it changes meanwhile; None where it cannot be had whole, or is gone."""
        what = "kept changing while it was read, and is left for the next push"
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(0.05 * attempt)
            try:
                signature, chunks = read_chunks(self._root, entry.path, writer.add_chunk, self._progress)
            except FileChanged:
                if not os.path.lexists(os.fsencode(self._root) + b"/" + entry.path):
                    return None
            except FileUnreadable as error:
                what = error.what
                break
            else:
                ids = ((bytes.fromhex(sha256), length) for sha256, length in chunks)
                return FileRow(entry.path, signature, seen.scan.started_ns, chunks_json(ids))
        self._problems.append(Problem(entry.path, what))
        return None

    def _keep_what_cannot_be_seen(self, seen: Look, rows: dict[bytes, FileRow], known: Known) -> None:
        """What was published before and cannot be read now stays as it was: it is unknown, not deleted.

        Unless something else is in its place.
        """
        unknown = {problem.path for problem in (*seen.scan.problems, *self._problems)}
        if not unknown:
            return
        leaves = {entry.path for entry in seen.scan.entries if entry.kind != ON_DISK_FILE} | rows.keys()
        folders = {folder for path in leaves for folder in _above(path)}
        for path, row in seen.recorded.items():
            if path in rows or not is_below(path, unknown) or path in folders or is_below(path, leaves):
                continue
            if known.insist(sha256 for sha256, _ in next(chunk_lists([row.chunks]))):
                rows[path] = row

    def _remember(
        self, seen: Look, rows: Mapping[bytes, FileRow], published: Published, upload: Upload, known: Known
    ) -> None:
        with self._index.at_once():
            known.add(upload.snapshot_locations)
            self._index.forget_files(path for path in seen.recorded if path not in rows)
            self._index.remember_files(row for path, row in rows.items() if seen.recorded.get(path) != row)
            published.save(self._index)


def _entries(seen: Look, rows: Mapping[bytes, FileRow]) -> Iterator[Entry]:
    """The snapshot's entries: files as they were read, links and empty folders as they were seen."""
    for (path, row), ids in zip(rows.items(), chunk_lists(row.chunks for row in rows.values()), strict=True):
        chunks = tuple(placed_elsewhere(sha256, length) for sha256, length in ids)
        size = sum(length for _, length in ids)
        yield Entry(path=path, kind=FILE, executable=row.signature.executable, size=size, chunks=chunks)
    for found in seen.scan.entries:
        if found.kind == FOLDER:
            yield Entry(path=found.path, kind=DIRECTORY)
        elif found.kind != ON_DISK_FILE:
            yield Entry(path=found.path, kind=LINK, target=found.target)


def _differs(seen: Look, before: Published, rows: Mapping[bytes, FileRow]) -> bool:
    """Whether the tree is another than the last published one; times alone make no difference."""
    if seen.others != before.others or rows.keys() != seen.recorded.keys():
        return True
    return any(
        row.chunks != seen.recorded[path].chunks
        or row.signature.executable != seen.recorded[path].signature.executable
        for path, row in rows.items()
    )


def _above(path: bytes) -> Iterator[bytes]:
    """The folders that the path lies in."""
    while path := path.rpartition(b"/")[0]:
        yield path


def _commit(root: Path) -> dict[str, Any]:
    found = git.commit(root)
    return {"commit": found.hash, "dirty": found.dirty} if found else {}
