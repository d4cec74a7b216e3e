"""The snapshots of a run as a pull wants them: what its filters let through, its content on its way early."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..mailbox.layout import RunFolder
from ..store.nouns import FILE, Entry, Root
from ..store.reader import Reader
from .filters import Filters

_BESIDE = 1024 * 1024
"""Bytes that the packs of a snapshot may have above those of its files: the list of them, and indexes."""
_ENTRY_MEMORY = 1024
"""Bytes of memory that an entry takes, about, until it is laid out."""
_CHUNK_MEMORY = 1024
"""Bytes of memory that what is known of a chunk takes, about, until it is laid out."""


@dataclass(kw_only=True)
class Opened:
    """wanted          the entries that the filters let through
    left_out        how many files they do not let through
    left_out_bytes  the sizes of these
    held            bytes of memory that all of this takes, about, with what has been read of the content already
    """

    wanted: list[Entry] = field(default_factory=list)
    left_out: int = 0
    left_out_bytes: int = 0
    held: int = 0


class Snapshots:
    """``sizes`` are those of the files of ``folder`` in the mailbox, by name."""

    def __init__(self, reader: Reader, folder: RunFolder, sizes: Mapping[str, int], filters: Filters) -> None:
        self._reader = reader
        self._folder = folder
        self._sizes = {folder.in_folder(name): size for name, size in sizes.items()}
        self._filters = filters

    @contextlib.contextmanager
    def opened(self, snapshot: str, all_of_it: bool = False) -> Iterator[Opened]:
        """The snapshot, a mailbox path; its content can be fetched meanwhile.

        all_of_it  whether nothing of what the filters want is here already
        """
        try:
            root = self._reader.root(snapshot)
            if all_of_it and self._filters == Filters():
                self._ask(root)
            opened = self._sifted(root)
            if not any(chunk.at.object == snapshot for entry in opened.wanted for chunk in entry.chunks):
                self._reader.release(snapshot)
            chunks = sum(len(entry.chunks) for entry in opened.wanted)
            opened.held = (
                len(opened.wanted) * _ENTRY_MEMORY + chunks * _CHUNK_MEMORY + self._reader.held(snapshot)
            )
            yield opened
        finally:
            self._reader.forget(snapshot)

    def anticipate(self, name: str) -> None:
        """Begins to fetch all packs of the folder, which are those of the snapshot ``name``: it is the only one."""
        if self._filters == Filters():
            packs = [(path, size) for path, size in self._sizes.items() if path.endswith(".pack")]
            self._reader.anticipate(self._folder.in_folder(name), sorted(packs, key=lambda each: each[1]))

    def _sifted(self, root: Root) -> Opened:
        opened = Opened()
        for entry in self._reader.entries(root):
            if self._filters.wants(entry):
                opened.wanted.append(entry)
            else:
                opened.left_out += entry.kind == FILE
                opened.left_out_bytes += entry.size
        return opened

    def _ask(self, root: Root) -> None:
        """Begins to fetch what the snapshot leans on, its entries first; not where that seems to hold much else."""
        known = [(name, self._sizes[name]) for name in root.objects if name in self._sizes]
        if len(known) == len(root.objects) and sum(size for _, size in known) <= root.bytes + _BESIDE:
            listing = {chunk.at.object for chunk in root.entries}
            self._reader.anticipate(root.name, sorted(known, key=lambda each: (each[0] not in listing, each)))
