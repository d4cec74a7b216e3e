"""What a push would do, decided without the mailbox: from ``stat``, and by reading again what ``stat`` cannot decide."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..clock import Clock
from ..errors import ConfirmationNeeded, Problem, UsageError
from ..local.entry import FILE, Entry
from ..local.index import Index, Noted, is_unchanged, settled
from ..local.load_rules import load_rules, place_inside
from ..local.scan import Scan, identity, scan
from ..progress import Progress, Silent
from ..remotes import open_remote
from ..store.entries import refusal
from ..store.nouns import Root
from .known import is_snapshot
from .reading import reread
from .unseen import kept


@dataclass(frozen=True, kw_only=True)
class Published:
    """The last snapshot that this project folder published: what a no-op push answers with.

    url       the mailbox that it is in, and ``mailbox`` that mailbox's own id
    leans_on  the snapshots that hold content of it
    """

    snapshot: str
    seq: int
    tree: str
    files: int
    bytes: int
    url: str
    mailbox: str
    created: float
    leans_on: list[str]

    @classmethod
    def load(cls, index: Index, url: str) -> "Published | None":
        """What was published last to ``url``, if that is where the last push went."""
        text = index.meta_get("published")
        try:
            found = cls(**json.loads(text)) if text else None
        except (TypeError, ValueError):  # another version of hybrid wrote it, or it is damaged
            return None
        return found if found is not None and found.url == url else None

    @classmethod
    def of(cls, root: Root, *, url: str, mailbox: str) -> "Published":
        """What publishing ``root`` amounts to."""
        created = root.meta.get("created")
        return cls(
            snapshot=root.name,
            seq=root.seq,
            tree=root.tree,
            files=root.files,
            bytes=root.bytes,
            url=url,
            mailbox=mailbox,
            created=created if isinstance(created, int | float) else 0.0,
            leans_on=[name for name in root.objects if is_snapshot(name)],
        )

    def save(self, index: Index) -> None:
        index.meta_set("published", json.dumps(self.__dict__))


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a push would do.

    folder    identity of the project folder, as long as it is the same
    recorded  the files of the last published state
    others    what that had beside files, as ``Index.others``; ``same_others``: the tree has the same now
    changed   files to be read; all others of the scan are as they were
    moved     files that only have another path now, and the one that they had
    removed   paths that are gone; what lies in a folder that cannot be read is not
    """

    folder: tuple[int, int]
    scan: Scan
    recorded: dict[bytes, Noted]
    others: dict[bytes, bytes]
    same_others: bool
    changed: list[Entry]
    moved: dict[bytes, bytes]
    removed: list[bytes]
    before: Published | None

    @property
    def nothing_to_do(self) -> bool:
        return not self.changed and self._only_files_may_differ

    @property
    def all_is_doubtful(self) -> bool:
        """Whether there may be nothing to do, once the ``doubtful`` files were read."""
        return self._only_files_may_differ and len(self.doubtful) == len(self.changed)

    @property
    def _only_files_may_differ(self) -> bool:
        return self.before is not None and self.same_others and not self.removed and not self.moved

    @property
    def doubtful(self) -> list[Entry]:
        """Files that only differ in their times, or are too young for these to tell anything: content decides."""
        return [
            entry
            for entry in self.changed
            if (noted := self.recorded.get(entry.path)) is not None
            and noted.signature.size == entry.signature.size
            and noted.signature.executable == entry.signature.executable
        ]


def look(
    root: Path,
    index: Index,
    clock: Clock,
    *,
    url: str,
    include: Iterable[str] = (),
    outputs: str = "outputs",
    thorough: bool = False,
    on_change: Callable[[], None] | None = None,
    progress: Progress | None = None,
) -> Look:
    """Scans the tree and compares it with what was published last to ``url``; ``include`` and ``outputs`` as in
    ``hybrid.toml``.

    Where only the content can tell whether there is anything to push, it is read up to the first difference;
    ``thorough`` reads all that is doubtful. What turns out to be the same is remembered with its new times.
    ``on_change`` is called as soon as it is certain that there is something to push. Raises UsageError where the
    project is its own mailbox.
    """
    progress = progress or Silent()
    folder = identity(root)
    recorded = index.files()
    told = False

    def watch(entries: list[Entry]) -> None:
        nonlocal told
        if not told and on_change and any(_is_certain(entry, recorded.get(entry.path)) for entry in entries):
            told = True
            on_change()

    rules = load_rules(root, include, outputs, _mailbox_inside(root, url, clock))
    found = _presentable(scan(root, rules, clock, progress, watch))
    seen = compared(found, folder, recorded, index.others(), Published.load(index, url))
    doubtful = seen.doubtful
    if not doubtful or not (thorough or seen.all_is_doubtful):
        return seen
    same: dict[bytes, Noted] = {}
    progress.start("read", sum(entry.signature.size for entry in doubtful))
    contents = index.contents(entry.path for entry in doubtful)
    for entry in doubtful:
        noted = reread(root, entry, contents[entry.path], found.started_ns, progress)
        if noted is not None:
            same[entry.path] = noted
        elif not thorough:
            break
    progress.finish()
    index.note_files(same)
    return replace(
        seen,
        recorded=seen.recorded | same,
        changed=[entry for entry in seen.changed if entry.path not in same],
    )


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


def _is_certain(entry: Entry, noted: Noted | None) -> bool:
    """Whether this alone is something to push."""
    return entry.kind == FILE and (noted is None or noted.signature.size != entry.signature.size)


def compared(
    found: Scan,
    folder: tuple[int, int],
    recorded: dict[bytes, Noted],
    others: dict[bytes, bytes],
    before: Published | None,
) -> Look:
    """A scan against the files, and all others, that were published last."""
    files = [entry for entry in found.entries if entry.kind == FILE]
    changed = [entry for entry in files if not is_unchanged(entry, recorded.get(entry.path))]
    unknown = {problem.path for problem in found.problems}
    here = {entry.path for entry in files}
    gone = [path for path in recorded if path not in here]
    unseen = set(kept((*gone, *others), (entry.path for entry in found.entries), unknown))
    removed = [path for path in gone if path not in unseen]
    moved = _moved(changed, removed, recorded)
    return Look(
        folder=folder,
        scan=found,
        recorded=recorded,
        others=others,
        same_others=others_in(found.entries) | {path: others[path] for path in others.keys() & unseen}
        == others,
        changed=[entry for entry in changed if entry.path not in moved],
        moved=moved,
        removed=removed,
        before=before,
    )


def _moved(changed: list[Entry], removed: list[bytes], recorded: dict[bytes, Noted]) -> dict[bytes, bytes]:
    """New paths of files that are gone from their old ones, because a folder that they lie in was renamed.

    That leaves a file's own signature as it was. Some file systems give inodes out anew, and know no time of change: so
    size and times must be those of one file only.
    """
    if not removed:
        return {}
    times = Counter(noted.signature[:3] for noted in recorded.values())
    gone = {
        noted.signature: path
        for path in removed
        if (noted := recorded[path]).signature.inode and settled(noted) and times[noted.signature[:3]] == 1
    }
    return {entry.path: gone[entry.signature] for entry in changed if entry.signature in gone}


def refuse_mass_deletion(seen: Look) -> None:
    """Raises ConfirmationNeeded where the tree was emptied, or has lost more than half of its files.

    What cannot be read now is not lost.
    """
    had = len(seen.recorded)
    new = sum(path not in seen.recorded for path in (*seen.moved, *(entry.path for entry in seen.changed)))
    has = had - len(seen.removed) + new
    if not had or (has and has * 2 >= had):
        return
    what = (
        "The project folder is empty"
        if not has
        else f"More than half of the project's files are gone ({had} before, {has} now)"
    )
    raise ConfirmationNeeded(
        f"{what}, so nothing was published.",
        "If that is meant: hybrid push --accept-deletions. If not, see whether a disk is missing.",
    )


def others_in(entries: Iterable[Entry]) -> dict[bytes, bytes]:
    """Links and empty folders as ``Index.others`` has them."""
    return {entry.path: entry.target for entry in entries if entry.kind != FILE}


def _presentable(found: Scan) -> Scan:
    """The scan without what no snapshot can hold, which becomes a problem."""
    bad = {entry.path: why for entry in found.entries if (why := refusal(entry.path)) is not None}
    if not bad:
        return found
    return replace(
        found,
        entries=[entry for entry in found.entries if entry.path not in bad],
        problems=[*found.problems, *(Problem(path, why) for path, why in bad.items())],
    )
