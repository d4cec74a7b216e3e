"""Linux: one kernel queue, and a watch on each folder in which something may go.

The kernel watches folders, not trees, so each new folder needs a watch of its own. What was made in it before the watch was
there is found by listing it afterwards; a word about a folder stands for all below it. The tree of directories follows what
is heard, so a folder that moves is let go at its old place and found anew at its new one.
"""

import errno
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sync.local.folders import Folders

from .git import git_folder
from .hints import Hints
from .mode import EVENTS, GONE, Mode, after, of_mounts
from .rules import RULE_FILES, RULES_CHANGED, doubt_about

assert sys.platform == "linux"

from .directory import UNWATCHED, Bystander, Directory  # noqa: E402
from .library import Inotify, InotifyConstants, InotifyEvent  # noqa: E402

_ONLY_FOLDERS = InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_DONT_FOLLOW
_CAME = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_WENT = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_WRITES = InotifyConstants.IN_MODIFY | InotifyConstants.IN_CLOSE_WRITE
_SELF_WENT = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF
_ROOT_WENT = _SELF_WENT | InotifyConstants.IN_UNMOUNT
_ALL = _CAME | _WENT | _WRITES | InotifyConstants.IN_ATTRIB | InotifyConstants.IN_EXCL_UNLINK | _ONLY_FOLDERS
# Git makes a file aside and renames it; what it is in the middle of is over when a file went.
_GIT = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_TO | _ONLY_FOLDERS

# Gone meanwhile, or no folder any more: its parent's watch tells. Not to be listed: nothing in it can go.
_NOTHING_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}


class Tree:
    """``settled`` gets each mode that it comes to, from any of its threads. What cannot be watched is a mode, no error."""

    def __init__(
        self, root: Path, folders: Callable[[], Folders], hints: Hints, settled: Callable[[Mode], None]
    ) -> None:
        self._root = root
        self._folders = folders
        self._hints = hints
        self._settled = settled
        # Held while the tree of directories changes; never while another thread is waited for.
        self._lock = threading.RLock()
        self._inotify: Inotify | None = None
        self._base = b""  # the root as it was when it was last looked for, without links
        self._top: Directory | None = None
        self._bystanders: list[Bystander] = []
        self._incomplete = ""  # why there may be folders without a watch
        self._stopped = False

    def start(self) -> None:
        """Returns when all is watched that can be."""
        self.renew()

    def stop(self) -> None:
        self._stopped = True  # ends a walk, which holds the lock
        with self._lock:
            inotify, self._inotify = self._inotify, None
        if inotify is not None:
            inotify.stop()
            inotify.join()

    def renew(self) -> None:
        """Watches what is to be watched now. What stays watched is so all the time; what is new, from the return on."""
        with self._lock:
            if self._stopped:
                return
            before, outside = self._top, self._bystanders
            self._top, self._bystanders, self._incomplete = None, [], ""
            try:
                if self._inotify is None:
                    inotify = Inotify(self)
                    inotify.start()
                    self._inotify = inotify
                self._base = os.path.realpath(os.fsencode(self._root))
                is_there = self._grow(None, b"")
                self._look_around()
            except OSError as error:
                self._let_go(before, outside)
                self._give_up(error)
                return
            self._let_go(before, outside)
            self._settled(_mode_of(self._base) if is_there else GONE)

    def overflowed(self) -> None:
        self._miss("more changed at once than the system can tell")
        # That a file was closed may be among what was lost.
        if (heard := self._hints.peek()) is not None:
            self._hints.forget_open(heard.open)

    def failed(self, error: Exception) -> None:
        if isinstance(error, OSError):
            self._give_up(error)
        else:
            self._miss(f"the watcher failed: {type(error).__name__}: {error}")

    def ended(self, error: Exception) -> None:
        with self._lock:
            self._give_up(error)
            self._inotify = None

    def rested(self) -> None:
        # Not before: while more is lost than is told, each walk would be followed by the next.
        if why := self._incomplete:
            self.renew()
            # Who looked meanwhile may have looked at a folder before it was watched.
            self._hints.doubt(why)

    def heard(self, at: Directory, event: InotifyEvent) -> None:
        with self._lock:
            if at.number == UNWATCHED or self._stopped:
                return
            name, mask = event.name, event.mask
            if not name:
                if at is self._top and mask & _ROOT_WENT:
                    self._root_went()
            elif at is self._top and name == b".git":
                if mask & (_CAME | _WENT):
                    self._look_around()
                    self._hints.git()
            elif mask & InotifyConstants.IN_ISDIR:
                self._folder(at, name, mask)
            elif doubt := doubt_about(name, at_root=at is self._top):
                self._hints.doubt(doubt)
            elif at.rules.file(name)[0]:
                self._file(at.path() + b"/" + name if at.above else name, mask)

    def _file(self, path: bytes, mask: int) -> None:
        if mask & InotifyConstants.IN_MODIFY:
            self._hints.written(path)
        elif mask & InotifyConstants.IN_CLOSE_WRITE:
            self._hints.closed(path)
        else:
            if mask & _WENT:
                self._hints.forget_open(frozenset((path,)))
            self._hints.changed(path)

    def _folder(self, at: Directory, name: bytes, mask: int) -> None:
        if at.rules.folder(name)[0] is None:
            return
        known = at.below.get(name) if at.below else None
        if mask & _WENT:
            # What moved away takes its rules along, and says nothing of them.
            if self._forget(known):
                self._hints.doubt(RULES_CHANGED)
        elif mask & _CAME or known is None:
            self._grow(at, name, came=True)
        self._hints.changed(at.path() + b"/" + name if at.above else name)

    def _grow(self, above: Directory | None, name: bytes, came: bool = False) -> bool:
        """Watches the folder and all below it, if it was not watched before. ``came``: the rules below may have been read from another before."""
        first = self._watch(above, name)
        waiting = [first] if first else []
        while waiting and not self._stopped:
            at = waiting.pop()
            for below in self._folders_in(at):
                if (child := self._watch(at, below)) is not None:
                    waiting.append(child)
            if came and at.has_rules:
                self._hints.doubt(RULES_CHANGED)
        return first is not None

    def _watch(self, above: Directory | None, name: bytes) -> Directory | None:
        """The folder, if it is watched from now on and was not before."""
        assert self._inotify is not None
        if above is not None and above.rules.folder(name)[0] is None:
            return None
        place = above.path() + b"/" + name if above and above.above else name
        # The watch first: an ignore file that changes from here on is heard of.
        new = Directory(self, above, name)
        try:
            new.number = self._inotify.watch(
                self._base + b"/" + place, _ALL if above else _ALL | _SELF_WENT, new
            )
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise
        rules = self._folders().of(place)
        known = above.below.get(name) if above and above.below else None
        if rules is None or (known is not None and known.number == new.number):
            self._inotify.forget([(new.number, new)])
            return None
        self._forget(known)
        new.rules = rules
        if above is None:
            self._top = new
        elif above.below is None:
            above.below = {name: new}
        else:
            above.below[name] = new
        return new

    def _folders_in(self, at: Directory) -> list[bytes]:
        try:
            with os.scandir(os.path.join(self._base, at.path())) as listing:
                found = [(item.name, item.is_dir(follow_symlinks=False)) for item in listing]
        except OSError:
            return []  # gone or shut meanwhile: its parent's watch tells
        at.has_rules = any(name in RULE_FILES for name, _ in found)
        return [name for name, is_folder in found if is_folder]

    def _look_around(self) -> None:
        """Watches git's folder, and those above the project: a project that moves with one of them does not hear of it."""
        assert self._inotify is not None
        before, self._bystanders = self._bystanders, []
        base = Path(os.fsdecode(self._base))
        wanted = [(above, _SELF_WENT | _ONLY_FOLDERS, Bystander(self._above)) for above in base.parents]
        if (git := git_folder(base)) is not None:
            wanted.append((git, _GIT, Bystander(self._git)))
        for place, mask, bystander in wanted:
            try:
                bystander.number = self._inotify.watch(os.fsencode(place), mask, bystander)
            except OSError as error:
                if error.errno not in _NOTHING_THERE:
                    raise
            else:
                self._bystanders.append(bystander)
        self._let_go(None, before)

    def _git(self, event: InotifyEvent) -> None:
        if event.name:
            self._hints.git()

    def _above(self, event: InotifyEvent) -> None:
        if event.mask & _SELF_WENT:
            with self._lock:
                self._root_went()

    def _root_went(self) -> None:
        self._let_go(self._top, self._bystanders)
        self._top, self._bystanders = None, []
        self._settled(GONE)

    def _miss(self, why: str) -> None:
        self._incomplete = why
        self._hints.doubt(why)

    def _give_up(self, error: Exception) -> None:
        """No watch is kept: the limit is that of all programs of this user, and an editor may need them."""
        with self._lock:
            self._let_go(self._top, self._bystanders)
            self._top, self._bystanders = None, []
            if not self._stopped:
                self._settled(after(error))

    def _forget(self, gone: Directory | None) -> bool:
        """Returns whether there were ignore files in it."""
        if gone is None:
            return False
        if gone.above is not None and gone.above.below is not None:
            gone.above.below.pop(gone.name, None)
        return self._let_go(gone, [])

    def _let_go(self, top: Directory | None, outside: list[Bystander]) -> bool:
        had_rules = False
        watched: list[tuple[int, Directory | Bystander]] = [(each.number, each) for each in outside]
        waiting = [top] if top is not None else []
        while waiting:
            at = waiting.pop()
            had_rules = had_rules or at.has_rules
            watched.append((at.number, at))
            waiting.extend((at.below or {}).values())
        for _, each in watched:
            each.number = UNWATCHED
        if self._inotify is not None:
            self._inotify.forget([(number, each) for number, each in watched if number != UNWATCHED])
        return had_rules


def _mode_of(root: bytes) -> Mode:
    try:
        return of_mounts(Path("/proc/self/mountinfo").read_bytes(), root)
    except OSError:
        return EVENTS
