"""Publishes the project tree as one snapshot: only what the mailbox does not hold yet, content first.

``changes.look`` decides what there is to do without the mailbox; ``publish`` sends it. Killed at any point, the next
push goes on: packs that arrived are remembered, and nothing names a pack that did not.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import HybridError, Problem
from ..local import git
from ..local.bulk import without_collections
from ..local.entry import Entry, Signature
from ..local.index import Index
from ..local.read import FileChanged, FileUnreadable
from ..local.rules import HeldBack
from ..local.scan import identity
from ..mailbox import layout
from ..progress import Progress, Silent
from ..remotes.base import Remote
from ..store import chunker
from ..store.lanes import Lanes
from ..store.writer import SnapshotWriter
from .changes import Look, Published, refuse_mass_deletion
from .inventory import Inventory
from .known import Known
from .reading import Chunks, read_chunks
from .recover import note_mailbox, recover
from .shelf import Shelf
from .tree import Tree
from .upload import Upload

TRIES = 3
"""How often a file that changes while it is read is read before it is left for the next push."""


@dataclass(kw_only=True)
class Pushed:
    """What a push did.

    changed, removed  files that were read, and paths that are gone
    new_bytes         content that the mailbox did not hold, before compression
    sent_bytes        what went over the wire, in ``objects`` files
    written           bytes of each file that is in the mailbox now because of this push, by mailbox path
    unpublished       the tree is the same as the last snapshot's, so none was made
    """

    published: Published
    changed: int
    removed: int
    new_bytes: int
    sent_bytes: int
    objects: int
    unpublished: bool
    written: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)


class Push:
    """Pushes ``root`` into ``base`` of ``remote``, by ``laptop``; ``mailbox`` is the id of what is at ``url``, and
    ``there`` what is in it. ``ready`` is asked before a snapshot is published: it raises where none must be.

    ``look`` looks at the tree once more, where the index turned out to speak of another mailbox. ``commit`` asks git what
    is checked out; default: of the whole tree. ``shelf`` speaks of the tree that the index holds."""

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
        there: Inventory,
        look: Callable[[], Look],
        commit: Callable[[], git.Commit | None] | None = None,
        ready: Callable[[], None] = lambda: None,
        shelf: Shelf | None = None,
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
        self._there = there
        self._look = look
        self._commit = commit or partial(git.commit, root)
        self._ready = ready
        self._shelf = shelf
        self._is_noted = True
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
            mine=self._there.mine,
            url=self._url,
            mailbox=self._mailbox,
        ):
            self._is_noted = False
            if self._shelf is not None:
                self._shelf.clear()
            seen = self._look()
        if not accept_deletions:
            refuse_mass_deletion(seen)
        seen = self._forget_what_is_gone(seen)
        known = Known(self._index)
        tree = Tree(seen, self._index, self._shelf)
        compact = tree.settle_places(known)
        with Lanes(2) as aside, Upload(self._remote, self._base, known, self._note_mailbox) as upload:
            commit = aside.start(self._commit)  # git looks at the tree, too
            writer = SnapshotWriter(
                upload,
                writer=self._laptop,
                pack_folder=layout.PACKS,
                pack_size=self._remote.capabilities.pack_size,
                first_pack=self._remote.capabilities.first_pack,
            )
            sent = self._read_all(writer, tree)
            if identity(self._root) != seen.folder:
                raise HybridError(
                    f"The project folder {self._root} was replaced while it was read.", "Push again."
                )
            tree.complete(self._problems)
            published = seen.before
            if published is None or sent or tree.differs():
                seq = self._next_number(seen)
                with without_collections():
                    root = writer.finish(
                        name=layout.snapshot(self._laptop, seq),
                        kind="tree",
                        seq=seq,
                        tree=lambda place: tree.blocks(place, upload.names),
                        meta={"created": self._clock.wall(), **_told(commit())},
                        rides=not compact,
                    )
                published = Published.of(root, url=self._url, mailbox=self._mailbox)
            self._progress.finish()
        self._note_mailbox()
        with self._index.at_once():
            known.add(upload.snapshot_locations)
            tree.remember(upload.snapshot_locations, as_before=published is seen.before)
            published.save(self._index)
        return Pushed(
            published=published,
            changed=len(seen.changed),
            removed=len(seen.removed),
            new_bytes=writer.sent,
            sent_bytes=upload.bytes,
            objects=upload.objects,
            unpublished=published is seen.before,
            written=upload.sizes,
            problems=[*seen.problems, *self._problems],
            held_back=seen.held_back,
        )

    def _note_mailbox(self) -> None:
        """A mailbox that was just made is known once it is there for others, too, and before anything in it is."""
        self._ready()
        if not self._is_noted:
            note_mailbox(self._index, self._url, self._mailbox)
            self._is_noted = True

    def _forget_what_is_gone(self, seen: Look) -> Look:
        """Forgets what the mailbox does not hold, where it can tell at once; the last snapshot may be among that."""
        if not self._there.complete:
            return seen
        self._index.drop_objects(set(self._index.objects()) - self._there.sizes.keys())
        if seen.before is not None and seen.before.snapshot not in self._there.sizes:
            return replace(seen, before=None)
        return seen

    def _next_number(self, seen: Look) -> int:
        return 1 + max([name.seq for name in self._there.mine] + [seen.before.seq if seen.before else 0])

    def _read_all(self, writer: SnapshotWriter, tree: Tree) -> bool:
        """Reads the files that have to be, and adds their content; returns whether any of it was new.

        It may be although the tree is the same: where the mailbox had lost content.
        """
        todo = tree.to_read()
        self._progress.start("upload", sum(entry.signature.size for entry in todo))
        before = writer.sent
        with without_collections():
            for entry in todo:
                found = self._read(writer, entry)
                if found is not None:
                    tree.has_read(entry.path, *found)
        return writer.sent > before or tree.moves_content

    def _read(self, writer: SnapshotWriter, entry: Entry) -> tuple[Signature, Chunks] | None:
        """Chunks a file, again if it changes meanwhile; None where it cannot be had whole, or is gone."""
        what = "kept changing while it was read, and is left for the next push"
        cut = entry.signature.size > chunker.WHOLE  # a first push has very many that are not
        former = self._index.contents([entry.path]).get(entry.path) if cut else None
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(0.05 * attempt)
            try:
                return read_chunks(self._root, entry, writer, self._progress, former)
            except FileChanged:
                if not os.path.lexists(os.fsencode(self._root) + b"/" + entry.path):
                    return None
            except FileUnreadable as error:
                what = error.what
                break
        self._problems.append(Problem(entry.path, what))
        return None


def _told(found: git.Commit | None) -> dict[str, Any]:
    return {"commit": found.hash, "dirty": found.dirty} if found else {}
