"""The parts, in the order in which a push and then a pull come to them."""

import hashlib
import random
from collections.abc import Callable, Sequence

from bench import trees
from bench.part import Part, Place
from sync.clock import SystemClock
from sync.local.load_rules import load_rules
from sync.local.scan import scan
from sync.progress import Silent
from sync.push.reading import read_chunks
from sync.remotes import open_remote
from sync.remotes.base import Remote
from sync.store import chunker, codec
from sync.store.materialise import materialise, to_end
from sync.store.reader import Reader
from tests.support.pushes import BASE, Desk, snapshots

Timed = Callable[[], object]
_MIB = 1024 * 1024
_BLOCK = 256 * 1024
"""What is compressed at a time, about as packs do it."""
_OBJECT = 16 * _MIB


def _rules(place: Place) -> Timed:
    tree = place.many
    return lambda: load_rules(tree)


def _scan(place: Place) -> Timed:
    tree, rules = place.many, load_rules(place.many)
    return lambda: scan(tree, rules, SystemClock())


def _ignore(place: Place) -> Timed:
    rules = load_rules(place.many)
    names = [
        (folder.name.encode(), [each.name.encode() for each in folder.iterdir()])
        for folder in place.many.iterdir()
        if folder.is_dir()
    ]
    own = {b".gitignore": (place.many / ".gitignore").read_bytes()}

    def judge() -> None:
        top, _ = rules.root().read(own)
        for name, files in names:
            folder, _ = top.folder(name)
            assert folder is not None
            for file in files:
                folder.file(file)

    return judge


def _read(place: Place) -> Timed:
    entries = scan(place.many, load_rules(place.many), SystemClock()).entries

    def read() -> None:
        for entry in entries:
            read_chunks(place.many, entry, _Hashes(), Silent())

    return read


class _Hashes:
    """A sink that keeps nothing."""

    def holds(self, sha256: str) -> bool:
        return True

    def add_chunk(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def add_hashed(self, sha256: str, data: bytes) -> None:
        pass


def _edit(place: Place) -> Timed:
    """Every push of it finds the same file changed once more."""
    desk = place.pushed
    edited = next(path for path in sorted(place.many.rglob("*.txt")))

    def push() -> None:
        edited.write_bytes(edited.read_bytes() + b"more\n")
        assert desk.push().changed

    return push


def _random(place: Place) -> list[bytes]:
    dice = random.Random(3)
    return [dice.randbytes(_MIB) for _ in range(place.mebibytes)]


def _compress(pieces: Sequence[bytes]) -> Timed:
    blocks = _blocks(pieces)
    return lambda: [codec.compress(each) for each in blocks]


def _words(place: Place) -> list[bytes]:
    dice = random.Random(3)
    return [trees.text(dice, _MIB) for _ in range(place.mebibytes)]


def _decompress(place: Place) -> Timed:
    packed = [(*codec.compress(each), len(each)) for each in _blocks(_words(place))]
    return lambda: [codec.decompress(*each) for each in packed]


def _blocks(pieces: Sequence[bytes]) -> list[bytes]:
    return [piece[at : at + _BLOCK] for piece in pieces for at in range(0, len(piece), _BLOCK)]


def _chunk(place: Place) -> Timed:
    pieces = _random(place)
    return lambda: sum(1 for _ in chunker.chunks(pieces, chunker.FILES))


def _sha256(place: Place) -> Timed:
    pieces = _random(place)
    return lambda: [hashlib.sha256(piece).digest() for piece in pieces]


def _upload(place: Place, remote: Remote) -> Timed:
    data = b"".join(_random(place))
    folder = place.new().name
    remote.make_folders([folder])  # also connects

    def upload() -> None:
        for at in range(0, len(data), _OBJECT):
            remote.write(f"{folder}/{at}", data[at : at + _OBJECT])

    return upload


def _download(place: Place, remote: Remote) -> Timed:
    data = b"".join(_random(place))
    folder = place.new().name
    remote.make_folders([folder])
    names = []
    for at in range(0, len(data), _OBJECT):
        names.append(f"{folder}/{at}")
        remote.write(names[-1], data[at : at + _OBJECT])
    return lambda: [remote.read(name) for name in names]


def _folder(place: Place) -> Remote:
    return place.closing(_opened(f"folder:{place.new()}", place))


def _sftp(place: Place) -> Remote:
    return place.closing(_opened(f"{place.server.url}/{place.new().name}", place))


def _opened(url: str, place: Place) -> Remote:
    keys = (str(place.server.key), str(place.server.known_hosts)) if url.startswith("sftp:") else (None, None)
    return open_remote(url, clock=SystemClock(), base_dir=place.folder, identity=keys[0], known_hosts=keys[1])


def _reader(desk: Desk) -> tuple[Reader, str]:
    """One that has the newest snapshot in memory, as whoever lays it out has."""
    reader = Reader(desk.remote, BASE)
    name = snapshots(desk.remote)[-1]
    reader.root(name)
    return reader, name


def _entries(desk: Desk) -> Timed:
    reader, name = _reader(desk)
    return lambda: reader.entries(reader.root(name))


def _lay_out(place: Place, desk: Desk, *, again: bool = False) -> Timed:
    reader, name = _reader(desk)
    entries = reader.entries(reader.root(name))
    target = place.new()

    def lay_out() -> None:
        laid = to_end(materialise(reader, entries, target))
        assert not laid.problems and laid.written + laid.kept == len(entries)

    if again:
        lay_out()
    return lay_out


PARTS = (
    Part("python", "an empty Python", lambda place: place.python("-I", "-c", "pass")),
    Part("help", "`hybrid --help`", lambda place: place.python("-m", "agent", "--help")),
    Part(
        "status", "`hybrid status`, mailbox in a folder", lambda place: place.python("-m", "agent", "status")
    ),
    Part(
        "noop", "`hybrid push`, nothing changed in 2 files", lambda place: place.python("-m", "agent", "push")
    ),
    Part("ssh", "import of what speaks SSH", lambda place: place.python("-c", "import sync.remotes.sftp")),
    Part("rules", "load the ignore rules", _rules),
    Part("ignore", "judge {files:,} names by them", _ignore, "files"),
    Part("scan", "scan {files:,} files, judged too", _scan, "files"),
    Part(
        "look",
        "scan and compare, nothing changed in {files:,} files",
        lambda place: place.pushed.look,
        "files",
    ),
    Part("read", "read and hash {files:,} files", _read, "files"),
    Part(
        "publish",
        "first push of {files:,} files",
        lambda place: place.desk(place.many).push,
        "files",
        fresh=True,
    ),
    Part("edit", "push of {files:,} files, one edited", _edit, "files"),
    Part("chunk", "cut {mebibytes:,} MiB into chunks", _chunk, "MiB"),
    Part("hash", "SHA-256 of {mebibytes:,} MiB", _sha256, "MiB"),
    Part("compress", "compress {mebibytes:,} MiB of text", lambda place: _compress(_words(place)), "MiB"),
    Part(
        "compress-random",
        "compress {mebibytes:,} MiB, random",
        lambda place: _compress(_random(place)),
        "MiB",
    ),
    Part(
        "publish-big",
        "first push of {mebibytes:,} MiB",
        lambda place: place.desk(place.big).push,
        "MiB",
        fresh=True,
    ),
    Part(
        "upload-folder",
        "write {mebibytes:,} MiB into a folder, durably",
        lambda place: _upload(place, _folder(place)),
        "MiB",
        fresh=True,
    ),
    Part(
        "upload-sftp",
        "write {mebibytes:,} MiB by SFTP, one object after the other",
        lambda place: _upload(place, _sftp(place)),
        "MiB",
        fresh=True,
    ),
    Part(
        "download-sftp", "read {mebibytes:,} MiB by SFTP", lambda place: _download(place, _sftp(place)), "MiB"
    ),
    Part("entries", "read a snapshot of {files:,} files", lambda place: _entries(place.pushed), "files"),
    Part("decompress", "decompress {mebibytes:,} MiB of text", _decompress, "MiB"),
    Part(
        "materialise",
        "lay out {files:,} files",
        lambda place: _lay_out(place, place.pushed),
        "files",
        fresh=True,
    ),
    Part(
        "materialise-again",
        "lay them out again, all there",
        lambda place: _lay_out(place, place.pushed, again=True),
        "files",
    ),
    Part(
        "materialise-big",
        "lay out one file of {mebibytes:,} MiB",
        lambda place: _lay_out(place, place.big_pushed),
        "MiB",
        fresh=True,
    ),
)
