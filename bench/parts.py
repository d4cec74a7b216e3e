"""The parts of a push and a pull, timed one by one in this process, so that the next bottleneck is known.

Everything is warm: files are in the page cache, as they are for someone who works on them. The mailbox is a folder.
"""

import gc
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench import report, trees
from bench.machine import in_words, machine
from sync.clock import SystemClock
from sync.local.entry import Entry
from sync.local.index import compare
from sync.local.load_rules import load_rules
from sync.local.scan import scan
from sync.progress import Silent
from sync.push import Pushed
from sync.reading import read_chunks
from sync.remotes.folder import FolderRemote
from sync.store import chunker, codec
from sync.store.materialise import materialise, to_end
from sync.store.nouns import Entry as StoredEntry
from sync.store.pack import BLOCK
from sync.store.reader import Reader
from tests.support.laptop import Laptop
from tests.support.pushes import BASE, Desk, root_of, snapshots

T = TypeVar("T")

_SETTLE_S = 2.5
_MIB = 1024 * 1024
_SMALL = 200
"""Bytes of each of the many files: the cost of a file counts here, not that of its content."""


@dataclass(frozen=True)
class Part:
    """``seconds`` for each repeat; ``amount`` of ``unit`` was worked on in each."""

    name: str
    seconds: list[float]
    amount: float = 0.0
    unit: str = ""

    @property
    def rate(self) -> str:
        return f"{self.amount / median(self.seconds):,.0f} {self.unit}/s" if self.unit else ""


class Parts:
    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self.found: list[Part] = []

    def measure(
        self, name: str, what: Callable[[], T], amount: float = 0.0, unit: str = "", *, once: bool = False
    ) -> T:
        """Runs ``what`` and notes how long it took; returns what it returned last."""
        took = []
        for _ in range(1 if once else self._repeats):
            gc.collect()
            begun = time.perf_counter()
            result = what()
            took.append(time.perf_counter() - begun)
        self.found.append(Part(name, took, amount, unit))
        print(f"{name}: {report.seconds(median(took))} s", file=sys.stderr)
        return result


def start_up(parts: Parts, folder: Path) -> None:
    laptop = Laptop(folder / "laptop")
    laptop.write("hybrid.toml", f'[project]\nid = "bench"\n\n[remote]\nurl = "folder:{folder}/mailbox"\n')
    laptop.write("main.py", "print()\n")
    laptop.hybrid("push")
    parts.measure(
        "python -I -c pass", lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
    )
    parts.measure("hybrid --help", lambda: laptop.hybrid("--help"))
    parts.measure("hybrid status, mailbox in a folder", lambda: laptop.hybrid("status"))
    parts.measure("hybrid push, nothing changed in 2 files", lambda: laptop.hybrid("push"))
    script = "import sync.remotes.sftp, sync.ssh"
    command = [sys.executable, "-c", script]
    parts.measure("import of what speaks SSH", lambda: subprocess.run(command, check=True, env=laptop.env))


def many_files(parts: Parts, folder: Path, count: int) -> None:
    """What every push does for each file of the project, changed or not."""
    remote = FolderRemote(str(folder / "mailbox"))
    desk = Desk(folder / "desk", remote, SystemClock())
    trees.small_files(desk.tree, count, _SMALL)
    time.sleep(_SETTLE_S)
    of = f"{count:,} files"

    rules = parts.measure("load_rules", lambda: load_rules(desk.tree))
    seen = parts.measure(f"scan, {of}", lambda: scan(desk.tree, rules, SystemClock()), count, "files")
    parts.measure(f"read and hash {of}", lambda: _read_all(desk.tree, seen.entries), count, "files")
    parts.measure(f"look and publish, first push of {of}", lambda: desk.push(), count, "files", once=True)
    with desk.index() as index:
        recorded = parts.measure(f"read the index of {of}", index.files, count, "files")
        parts.measure(f"compare {of}", lambda: compare(seen.entries, recorded), count, "files")
    parts.measure(f"look, nothing changed in {of}", desk.look, count, "files")

    victim = desk.tree / seen.entries[count // 2].path.decode()

    def edit_and_push() -> Pushed:
        victim.write_bytes(victim.read_bytes() + b"more\n")
        return desk.push()

    pushed = parts.measure(f"look and publish, one of {of} edited", edit_and_push, count, "files")
    assert pushed.changed == 1

    name = snapshots(remote)[-1]
    root = parts.measure("read a snapshot: its root", lambda: root_of(remote, name))
    entries = parts.measure(
        f"read a snapshot: {of}", lambda: _reader(remote, name).entries(root), count, "files"
    )
    _lay_out(parts, f"materialise {of}", remote, name, entries, folder / "laid", count, "files")
    _lay_out(
        parts, f"materialise {of} again, all there", remote, name, entries, folder / "laid", count, "files"
    )


def content(parts: Parts, folder: Path, mebibytes: int) -> None:
    """What is done to each byte."""
    dice = random.Random(3)
    pieces = [dice.randbytes(_MIB) for _ in range(mebibytes)]
    words = [trees.text(dice, _MIB)] * mebibytes
    mib = float(mebibytes)

    parts.measure(
        "cut into chunks", lambda: sum(1 for _ in chunker.chunks(pieces, chunker.FILES)), mib, "MiB"
    )
    parts.measure("SHA-256", lambda: [hashlib.sha256(piece).digest() for piece in pieces], mib, "MiB")
    hard, plain = _blocks(pieces), _blocks(words)
    parts.measure("compress random", lambda: [codec.compress(each) for each in hard], mib, "MiB")
    packed = parts.measure("compress text", lambda: [codec.compress(each) for each in plain], mib, "MiB")
    blocks = [(*pack, len(raw)) for pack, raw in zip(packed, plain, strict=True)]
    parts.measure("decompress text", lambda: [codec.decompress(*each) for each in blocks], mib, "MiB")

    remote = FolderRemote(str(folder / "mailbox"))
    desk = Desk(folder / "desk", remote, SystemClock())
    trees.big_file(desk.tree / "big.bin", mebibytes)
    time.sleep(_SETTLE_S)
    found = scan(desk.tree, load_rules(desk.tree), SystemClock()).entries
    parts.measure("read and hash one big file", lambda: _read_all(desk.tree, found), mib, "MiB")
    parts.measure("look and publish, first push of it", lambda: desk.push(), mib, "MiB", once=True)
    name = snapshots(remote)[-1]
    entries = _reader(remote, name).entries(root_of(remote, name))
    _lay_out(parts, "materialise it", remote, name, entries, folder / "laid", mib, "MiB")


def _blocks(pieces: list[bytes]) -> list[bytes]:
    """Cut as packs cut small files together."""
    return [piece[at : at + BLOCK] for piece in pieces for at in range(0, len(piece), BLOCK)]


def _read_all(root: Path, entries: list[Entry]) -> None:
    for entry in entries:
        read_chunks(root, entry.path, lambda data: hashlib.sha256(data).hexdigest(), Silent())


def _reader(remote: FolderRemote, name: str) -> Reader:
    """One that has the snapshot in memory, as whoever lays it out has."""
    reader = Reader(remote, BASE)
    reader.root(name)
    return reader


def _lay_out(
    parts: Parts,
    what: str,
    remote: FolderRemote,
    name: str,
    entries: list[StoredEntry],
    target: Path,
    amount: float,
    unit: str,
) -> None:
    reader = _reader(remote, name)
    laid = parts.measure(what, lambda: to_end(materialise(reader, entries, target)), amount, unit, once=True)
    assert not laid.problems and laid.written + laid.kept == len(entries)


def main() -> None:
    parser = report.arguments("Times the parts of a push and a pull.")
    parser.add_argument("--files", type=int, default=100_000, help="files in the tree [100000]")
    parser.add_argument("--mib", type=int, default=256, help="size of the content [256]")
    parser.add_argument("--repeats", type=int, default=3, help="medians are taken over so many [3]")
    given = parser.parse_args()

    parts = Parts(given.repeats)
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        folder = Path(name)
        measured_on = machine(folder)
        for part in ("start", "files", "content"):
            (folder / part).mkdir()
        start_up(parts, folder / "start")
        many_files(parts, folder / "files", given.files)
        content(parts, folder / "content", given.mib)
    rows = [[part.name, report.seconds(median(part.seconds)), part.rate] for part in parts.found]
    print(f"{in_words(measured_on)}\nMedians of {given.repeats}; what writes anew is measured once.")
    print("\n" + report.table(["part", "seconds", "rate"], rows))
    document = {
        "machine": measured_on,
        "settings": {"files": given.files, "mib": given.mib, "repeats": given.repeats},
        "zstd": getattr(codec.zstd(), "provider", "none"),
        "cuts_follow_content": chunker.follows_content(),
        "parts": [asdict(part) for part in parts.found],
    }
    report.save(given.json, document)


if __name__ == "__main__":
    main()
