"""The snapshots of a run as a pull wants them: what its filters let through, its content on its way early."""

import contextlib
from collections.abc import Iterator, Mapping

from ..mailbox.layout import RunFolder
from ..store.nouns import Entry, Root
from ..store.reader import Reader
from .filters import Filters

_BESIDE = 1024 * 1024
"""Bytes that the packs of a snapshot may have above those of its files: the list of them, and indexes."""


class Snapshots:
    """``sizes`` are those of the files of ``folder`` in the mailbox, by name."""

    def __init__(self, reader: Reader, folder: RunFolder, sizes: Mapping[str, int], filters: Filters) -> None:
        self._reader = reader
        self._folder = folder
        self._sizes = {folder.in_folder(name): size for name, size in sizes.items()}
        self._filters = filters

    @contextlib.contextmanager
    def opened(self, snapshot: str, all_of_it: bool = False) -> Iterator[tuple[list[Entry], list[Entry]]]:
        """What the filters want of the snapshot, a mailbox path, and what they leave out; its content can be fetched
        meanwhile.

        all_of_it  whether nothing of what they want is here already
        """
        try:
            wanted: list[Entry] = []
            left_out: list[Entry] = []
            root = self._reader.root(snapshot)
            if all_of_it and self._filters == Filters():
                self._ask(root)
            for entry in self._reader.entries(root):
                (wanted if self._filters.wants(entry) else left_out).append(entry)
            yield wanted, left_out
        finally:
            self._reader.forget(snapshot)

    def anticipate(self, name: str) -> None:
        """Begins to fetch all packs of the folder, which are those of the snapshot ``name``: it is the only one."""
        if self._filters == Filters():
            packs = [(path, size) for path, size in self._sizes.items() if path.endswith(".pack")]
            self._reader.anticipate(self._folder.in_folder(name), sorted(packs, key=lambda each: each[1]))

    def _ask(self, root: Root) -> None:
        """Begins to fetch what the snapshot leans on, its entries first; not where that seems to hold much else."""
        known = [(name, self._sizes[name]) for name in root.objects if name in self._sizes]
        if len(known) == len(root.objects) and sum(size for _, size in known) <= root.bytes + _BESIDE:
            listing = {chunk.at.object for chunk in root.entries}
            self._reader.anticipate(root.name, sorted(known, key=lambda each: (each[0] not in listing, each)))
