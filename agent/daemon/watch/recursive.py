"""macOS and Windows: the system watches the whole tree, and what cannot go is dropped here before the disk is asked."""

import os
from collections.abc import Callable
from pathlib import Path

from sync.local.folders import Folders

from .git import git_folder
from .hints import Hints
from .mode import EVENTS, GONE, Mode, after
from .rules import RULE_FILES, RULES_CHANGED, doubt_about
from .words import Listen, Stream, Word


class Recursive:
    """As ``tree.Tree``. Neither system tells when a file is closed: what changes is not known to be open."""

    def __init__(
        self,
        root: Path,
        folders: Callable[[], Folders],
        hints: Hints,
        settled: Callable[[Mode], None],
        listen: Listen,
    ) -> None:
        self._root = root
        self._folders = folders
        self._hints = hints
        self._settled = settled
        self._listen = listen
        self._streams: list[Stream] = []

    def start(self) -> None:
        self.renew()

    def stop(self) -> None:
        streams, self._streams = self._streams, []
        _end(streams)

    def renew(self) -> None:
        """Listens anew, because the folder may be another one than before. The new begin before the old end."""
        before, self._streams = self._streams, []
        try:
            self._open(self._root, self._heard)
            git = git_folder(self._root)
            if git is not None and git.parent != Path(os.path.realpath(self._root)):
                self._open(git, self._heard_git)
        except OSError as error:
            self.stop()
            self._settled(GONE if not self._root.is_dir() else after(error))
        else:
            self._settled(EVENTS)
        finally:
            _end(before)

    def overflowed(self) -> None:
        self._hints.doubt("more changed at once than the system can tell")

    def failed(self, error: Exception) -> None:
        self._hints.doubt(f"the watcher failed: {type(error).__name__}: {error}")

    def ended(self, error: Exception) -> None:
        self._settled(after(error))

    def rested(self) -> None:
        """There are no watches to be made complete."""

    def _open(self, place: Path, heard: Callable[[Word | None], None]) -> None:
        stream = self._listen(place, self, heard)
        stream.start()
        self._streams.append(stream)

    def _heard_git(self, word: Word | None) -> None:
        if word is not None and word.path and b"/" not in word.path:
            self._hints.git()

    def _heard(self, word: Word | None) -> None:
        if word is None:
            self._settled(GONE)
            return
        above, _, name = word.path.rpartition(b"/")
        if not name:
            return
        if above == b".git" or word.path == b".git":
            self._hints.git()
            return
        folder = self._folders().of(above)
        if folder is None:
            return
        if word.folder is not True and (doubt := doubt_about(name, at_root=not above)):
            self._hints.doubt(doubt)
            return
        is_way = word.folder is not False and folder.folder(name)[0] is not None
        if is_way and word.came and self._brings_rules(word.path):
            self._hints.doubt(RULES_CHANGED)
        elif is_way and not word.came and self._is_folder(word.path):
            return  # something in it changed, and tells for itself; as a hint it would stand for all below
        elif is_way or (word.folder is not True and folder.file(name)[0]):
            self._hints.changed(word.path)

    def _brings_rules(self, path: bytes) -> bool:
        return any(os.path.lexists(os.path.join(self._place(path), name)) for name in RULE_FILES)

    def _is_folder(self, path: bytes) -> bool:
        place = self._place(path)
        return os.path.isdir(place) and not os.path.islink(place)

    def _place(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self._root), path)


def _end(streams: list[Stream]) -> None:
    for stream in streams:
        stream.stop()
    for stream in streams:
        stream.join()
