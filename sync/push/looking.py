"""Finds out what there is to push, without the mailbox: from ``stat``, and by reading what ``stat`` cannot decide."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ..clock import Clock
from ..errors import Problem, UsageError
from ..local.bulk import without_collections
from ..local.entry import Entry
from ..local.folders import Folders
from ..local.index import Index
from ..local.load_rules import load_rules, place_inside
from ..local.noted import Noted, noted_in, settled
from ..local.rules import Rules
from ..local.scan import Walk, is_folder
from ..progress import Progress, Silent
from ..remotes import open_remote
from ..store.entries import refusal
from .changes import Look, Published
from .compare import Compared, compare
from .reading import reread
from .unseen import kept

_FOLDS = sys.platform in ("darwin", "win32")
"""Whether names that are written differently may mean the same file here."""


class View:
    """A project as it is looked at, with its rules as they stood when this was made."""

    def __init__(
        self, root: Path, clock: Clock, *, url: str, include: Iterable[str] = (), outputs: str = "outputs"
    ) -> None:
        """``url`` is that of its mailbox; ``include`` and ``outputs`` as in ``hybrid.toml``. Raises UsageError where an
        include cannot be, or the project is its own mailbox."""
        self._root = root
        self._clock = clock
        self._url = url
        self._folds = _FOLDS
        self._listed: dict[bytes, frozenset[bytes]] = {}
        """Names in directories, of one near look."""
        self.rules: Rules = load_rules(root, include, outputs, _mailbox_inside(root, url, clock))

    @cached_property
    def folders(self) -> Folders:
        return Folders(self._root, self.rules)

    def look(
        self,
        index: Index,
        *,
        thorough: bool = False,
        on_change: Callable[[], None] = lambda: None,
        progress: Progress | None = None,
    ) -> Look:
        """Compares the whole tree with what was published last.

        Where only the content can tell whether there is anything to push, it is read up to the first difference;
        ``thorough`` reads all that is doubtful. What turns out to be the same is remembered with its new times.
        ``on_change`` is called as soon as it is certain that there is something to push. Raises HybridError where the
        folder is gone, or goes meanwhile.
        """
        progress = progress or Silent()
        walk = Walk(self._root, self.rules, self._clock, progress)
        with without_collections():
            found = compare(walk.files(), index.rows(), on_change)
        seen = self._seen(index, walk, found, index.others())
        return _without_the_same(self._root, index, seen, thorough, progress)

    def look_near(self, index: Index, paths: Iterable[bytes]) -> Look:
        """As ``look``, but only at these paths and what is below them; each may be anything, or nothing any more."""
        walk = Walk(self._root, self.rules, self._clock)
        self._listed.clear()
        found = Compared([], [], {})
        others = index.others()
        scope: dict[bytes, bytes] = {}
        for path in self._tops(index, others, frozenset(paths)):
            some = compare(self._files(walk, path), index.rows(path))
            found.changed.extend(some.changed)
            found.gone.extend(some.gone)
            found.recorded.update(some.recorded)
            scope.update((other, others[other]) for other in others if _is_at(other, path))
        found.changed.sort(key=lambda entry: entry.path)
        return _without_the_same(self._root, index, self._seen(index, walk, found, scope), False, Silent())

    def _files(self, walk: Walk, path: bytes) -> Iterator[list[Entry]]:
        """The files at and below a path, as a walk over the whole tree would find them."""
        parent, _, name = path.rpartition(b"/")
        above = self.folders.of(parent)
        if above is None or not self._is_spelled_so(parent, name):
            return
        if not self._is_folder(path):
            entry = walk.look(above, name)
            if entry is not None:
                yield [entry]
        elif (folder := self.folders.of(path)) is not None:
            yield from walk.files(folder)

    def _tops(
        self, index: Index, others: Mapping[bytes, bytes], paths: AbstractSet[bytes]
    ) -> Iterator[bytes]:
        """Where to look so that all that these paths tell is seen, sorted; none lies below another one.

        Not all that changed may be among the paths yet. So what is no folder with something in it, or was none when it was
        published, is looked at whole: or a snapshot could hold something below a file, a link or an empty folder.
        """
        leaves = others.keys() | index.contents({above for path in paths for above in _above(path)}).keys()
        last: bytes | None = None
        for path in sorted({self._top(path, leaves) for path in paths}, key=lambda path: path + b"/"):
            if last is None or not _is_at(path, last):
                last = path
                yield path

    def _top(self, path: bytes, leaves: AbstractSet[bytes]) -> bytes:
        """The path, or the first one above it that is no folder with something in it, or is among the ``leaves``."""
        top = next((each for each in _above(path) if each in leaves or not self._is_folder(each)), path)
        parent = top.rpartition(b"/")[0]
        return parent if parent and self._is_empty(parent) else top

    def _is_folder(self, path: bytes) -> bool:
        parent, _, name = path.rpartition(b"/")
        try:
            status = os.lstat(os.fsencode(self._root) + b"/" + path)
        except OSError:
            return False
        return is_folder(status) and self._is_spelled_so(parent, name)

    def _is_spelled_so(self, parent: bytes, name: bytes) -> bool:
        """Whether that is the name as it is listed: where upper and lower case, or two ways to write an accent, mean the
        same file, asking for one of them tells nothing about which it is."""
        if not self._folds:
            return True
        if parent not in self._listed:
            try:
                self._listed[parent] = frozenset(os.listdir(os.fsencode(self._root) + b"/" + parent))
            except OSError:
                self._listed[parent] = frozenset()
        return name in self._listed[parent]

    def _is_empty(self, path: bytes) -> bool:
        try:
            with os.scandir(os.fsencode(self._root) + b"/" + path) as listing:
                return next(listing, None) is None
        except OSError:
            return False

    def _seen(self, index: Index, walk: Walk, found: Compared, others: dict[bytes, bytes]) -> Look:
        """``others`` are the published ones of what was looked at."""
        paths = (*(entry.path for entry in found.changed), *(entry.path for entry in walk.others))
        refused = {path: why for path in paths if (why := refusal(path)) is not None}
        problems = [*walk.problems, *(Problem(path, why) for path, why in refused.items())]
        changed = [entry for entry in found.changed if entry.path not in refused]
        now = {entry.path: entry.target for entry in walk.others if entry.path not in refused}
        stays = {held.path for held in walk.held_back if not held.folder}
        unknown = {problem.path for problem in problems} - stays
        gone = (*found.gone, *(path for path in others if path not in now))
        unseen = set(kept(gone, (*now, *(entry.path for entry in changed)), unknown))
        removed = [path for path in found.gone if path not in unseen]
        moved = _moved(changed, removed, found.recorded, index)
        return Look(
            folder=walk.identity,
            started_ns=walk.started_ns,
            files=index.count(),
            recorded=found.recorded,
            changed=[entry for entry in changed if entry.path not in moved],
            moved=moved,
            removed=removed,
            others={path: target for path, target in now.items() if others.get(path) != target},
            others_gone=[path for path in others if path not in now and path not in unseen],
            problems=problems,
            held_back=walk.held_back,
            inside=walk.inside,
            folders=walk.folders,
            before=Published.load(index, self._url),
        )


def _without_the_same(root: Path, index: Index, seen: Look, thorough: bool, progress: Progress) -> Look:
    """Reads what is doubtful, where it matters, and remembers what is the same."""
    doubtful = seen.doubtful
    if not doubtful or not (thorough or seen.all_is_doubtful):
        return seen
    same: dict[bytes, Noted] = {}
    progress.start("read", sum(entry.signature.size for entry in doubtful))
    contents = index.contents(entry.path for entry in doubtful)
    for entry in doubtful:
        noted = reread(root, entry, contents[entry.path], seen.started_ns, progress)
        if noted is not None:
            same[entry.path] = noted
        elif not thorough:
            break
    progress.finish()
    index.note_files(same)
    return replace(seen, changed=[entry for entry in seen.changed if entry.path not in same])


def _moved(
    changed: list[Entry], removed: list[bytes], recorded: dict[bytes, Noted], index: Index
) -> dict[bytes, bytes]:
    """New paths of files that are gone from their old ones, because a folder that they lie in was renamed.

    That leaves a file's own signature as it was. Some file systems give inodes out anew, and know no time of change: so
    size and times must be those of one file only.
    """
    was = {recorded[path].signature: path for path in removed if _is_telling(recorded[path])}
    found = [entry for entry in changed if entry.signature in was]
    if not found:
        return {}
    times = Counter(noted_in(row).signature[:3] for row in index.rows())
    links = Counter(entry.signature for entry in found)
    return {
        entry.path: was[entry.signature]
        for entry in found
        if times[entry.signature[:3]] == links[entry.signature] == 1
    }


def _is_telling(noted: Noted) -> bool:
    return bool(noted.signature.inode) and settled(
        noted.signature.mtime_ns, noted.signature.ctime_ns, noted.scanned_ns
    )


def _above(path: bytes) -> list[bytes]:
    """The folders that the path lies in, the topmost first."""
    return [path[:at] for at, byte in enumerate(path) if byte == 0x2F]


def _is_at(path: bytes, top: bytes) -> bool:
    return path == top or path.startswith(top + b"/")


def _mailbox_inside(root: Path, url: str, clock: Clock) -> bytes:
    """Where in the project the mailbox lies; empty where it lies elsewhere. Each push would send it into itself."""
    if not url.startswith("folder:"):
        return b""
    folder = open_remote(url, clock=clock, base_dir=root).capabilities.local_path
    inside = place_inside(root, folder) if folder else None
    if inside == b"":
        raise UsageError(
            f"The mailbox {url} is the project folder itself.",
            "Name a folder outside the project under [remote] in hybrid.toml.",
        )
    return inside or b""
