"""What is fuzzed: each target takes any bytes, and may end in nothing but what is expected of a hostile mailbox, or judge.

A target says whether it let the input in. It fails with any exception but HybridError, or with an assertion of its own.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sync.errors import HybridError
from sync.mailbox import inputs, layout, lease, records, state
from sync.mailbox.layout import Attempt, RunFolder, WorkerFile, WorkerSnapshot
from sync.mailbox.view import view
from sync.remotes.memory import MemoryRemote
from sync.store import codec, pack
from sync.store.materialise import materialise, to_end
from sync.store.nouns import FILE
from sync.store.reader import Reader
from tests.fuzz.judging import rubric, verdict
from tests.support.trees import fingerprint
from tests.unit.sync.store.forge import STORED, Forge, file, sha256

BASE = "p"
_IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CONTENT = (b"", b"a", b"text " * 50, bytes(5000))
"""What the files of ``tree`` may hold."""
KINDS = (
    records.Format,
    records.Spec,
    records.Hello,
    records.Tick,
    records.Ended,
    records.Accepted,
    records.Mark,
)


def snapshot(data: bytes) -> bool:
    """A snapshot's file, whole by its name, with everything that it names."""
    remote = MemoryRemote()
    remote.make_folders([f"{BASE}/snapshots"])
    name = f"snapshots/laptop-00000001-{sha256(data)}.snap"
    remote.write(f"{BASE}/{name}", data)
    reader = Reader(remote, BASE)
    try:
        entries = reader.entries(reader.root(name))
        assert all(_is_inside(entry.path) for entry in entries)
        assert sum(entry.size for entry in entries) < 2**50
        if sum(entry.size for entry in entries) < 1_000_000:
            for chunk, content in reader.fetch(chunk for entry in entries for chunk in entry.chunks):
                assert sha256(content) == chunk.sha256
    except HybridError as error:
        assert len(str(error)) < 1000
        return False
    return True


def _is_inside(path: bytes) -> bool:
    return os.path.normpath(path) == path and not path.startswith((b"/", b"..")) and path != b"."


def stocked() -> Forge:
    """A snapshot to be, with all content in it and no line yet."""
    forge = Forge()
    forge.content(*CONTENT[1:])
    return forge


def honest() -> list[bytes]:
    """Lines of entries that ``stocked`` has the content of."""
    [text] = stocked().content(CONTENT[2])
    lines = [
        ["d", "a"],
        ["f", "a-b", 1, len(CONTENT[2]), [text]],
        ["l", "b", "a-b"],
        ["f", "c/\udcff", 0, 2 * len(CONTENT[2]), [text, text]],
    ]
    return [json.dumps(line).encode() + b"\n" for line in lines]


def index(data: bytes) -> bool:
    """The JSON of an index, in a file that is whole otherwise, with the content and entries of an honest one."""
    forge = stocked()
    forge.data(honest())
    return snapshot(file(data, forge.blocks, codec=STORED))


def entries(data: bytes) -> bool:
    """The entry stream, with a root that tells the truth about it."""
    return snapshot(stocked().data([data] if data else []))


def block(data: bytes) -> bool:
    """A compressed block: the first byte chooses the codec, the next two say the size that it claims to have."""
    if len(data) < 3:
        return False
    size = int.from_bytes(data[1:3], "big") * 16 + 1
    try:
        raw = codec.decompress(codec.NAMES[data[0] % len(codec.NAMES)], data[3:], size)
    except HybridError:
        return False
    assert len(raw) == size
    return True


def footer(data: bytes) -> bool:
    """The end of a pack, of any size, and what it says of the index."""
    if len(data) < 8:
        return False
    size = int.from_bytes(data[:8], "big")
    try:
        at = pack.read_footer(data[8:36], size, "packs/x.pack")
        pack.decode_index(at, data[36:], "packs/x.pack")
    except HybridError:
        return False
    return True


def record(data: bytes) -> bool:
    """The JSON of a record, sealed; the first byte chooses the kind."""
    kind = KINDS[data[0] % len(KINDS)] if data else records.Mark
    body = data[1:] + b"\n"
    try:
        found = records.decode(kind, body + b"sha256:" + sha256(body).encode() + b"\n", "x")
    except HybridError as error:
        assert len(str(error)) < 1000
        return False
    assert records.decode(kind, records.encode(found), "x") == found
    if isinstance(found, records.Spec):
        try:
            spread = inputs.of(found)
        except ValueError:
            return False
        assert len(inputs.span(spread, 0)) <= max(0, spread.count)
        inputs.matching(spread.path[:40], [b"a/b", b"a"])
    return True


def seal(data: bytes) -> bool:
    """The bytes of a record's file as they are."""
    try:
        records.unseal(data, "x")
    except HybridError:
        return False
    assert b"sha256:" in data
    return True


def names(data: bytes) -> bool:
    """The names in a run's folder, one a line, and all that is concluded from them."""
    seen = view(data.decode("utf-8", "surrogateescape").split("\n"))
    for name in seen.names:
        match layout.parse_run_file(name):
            case WorkerFile(kind="tick") as found:
                assert name == RunFolder.tick(found.worker, found.number)
            case WorkerFile(attempt=Attempt() as attempt, kind=kind):
                assert name == RunFolder.attempt(kind, attempt)
            case WorkerSnapshot() as found:
                assert name.startswith(RunFolder.worker_snapshot(found.what, found.attempt, found.seq)[:-13])
    holder = lease.holder(seen)
    assert holder is None or seen.claims[holder] == lease.next_epoch(seen) - 1
    states = state.shards(seen, 3, 1)
    assert (state.phase(seen, states) is state.Phase.DONE) == all(each.complete for each in states)
    lease.Silence().observe(seen, 0.0)
    return any(map(layout.parse_run_file, seen.names))


# Parts of paths that mean something to some system, or are easily taken for one another.
PARTS = (
    "a",
    "A",
    "b",
    "a.",
    "é",
    "e\u0301",
    "..",
    ".",
    "",
    "...",
    "con",
    "a:b",
    "\\",
    "c\0",
    "\udcff",
    "~",
    "a ",
)


def _lines(data: bytes, forge: Forge) -> list[list[object]]:
    """Lines of entries from three bytes each and more: a kind, what it holds, the parts of its path."""
    lines: list[list[object]] = []
    rest = list(data)
    while len(rest) >= 3:
        kind, what, length = rest[0] % 4, rest[1], rest[2] % 4 + 1
        path = "/".join(PARTS[number % len(PARTS)] for number in rest[3 : 3 + length])
        rest = rest[3 + length :]
        if kind == 0:
            lines.append(["d", path])
        elif kind == 1:
            ups = "../" * (what % 4)
            tails = ("", "a", "b/..", "outside", "/", "a/b", ".", "\\x", "C:x", "é")
            lines.append(["l", path, ups + tails[what // 4 % len(tails)]])
        else:
            content = CONTENT[what % len(CONTENT)]
            references = forge.content(content) if content else []
            lines.append(["f", path, what >> 7, len(content), references])
    return lines


def tree(data: bytes) -> bool:
    """Two snapshots, one after the other into the same folder; nothing beside it may change.

    Lines are sorted, and of each path there is one, so that many of them are let in.
    """
    top = Path(tempfile.mkdtemp(prefix="hybrid-fuzz-", dir=_IN_MEMORY))
    let_in = False
    try:
        (top / "outside").mkdir()
        for name in ("outside/a", "a", "precious"):
            (top / name).write_bytes(b"mine")
        target = top / "in" / "target"
        target.parent.mkdir()
        before = fingerprint(top)
        half = len(data) // 2
        for part in (data[:half], data[half:]):
            let_in |= _lay(part, target)
            after = fingerprint(top)
            inside = {path for path in after if (path + b"/").startswith(b"in/target/")}
            assert {path: what for path, what in after.items() if path not in inside} == {
                path: what for path, what in before.items() if path != b"in" or not inside
            }
    finally:
        shutil.rmtree(top)
    return let_in


def _lay(data: bytes, target: Path) -> bool:
    forge = Forge()
    chosen = {str(line[1]).encode("utf-8", "surrogateescape"): line for line in _lines(data, forge)}
    made = forge.data([chosen[path] for path in sorted(chosen)])
    remote = MemoryRemote()
    remote.make_folders([f"{BASE}/snapshots"])
    name = f"snapshots/laptop-00000001-{sha256(made)}.snap"
    remote.write(f"{BASE}/{name}", made)
    reader = Reader(remote, BASE)
    try:
        found = reader.entries(reader.root(name))
        laid = to_end(materialise(reader, found, target, mirror=data[:1] < b"\x80"))
    except HybridError:
        return False
    odd = {problem.path for problem in laid.problems}
    for entry in found:
        path = os.fsencode(target) + b"/" + entry.path
        if entry.kind == FILE and entry.path not in odd:
            with open(path, "rb") as opened:
                assert len(opened.read()) == entry.size
            assert os.path.realpath(path).startswith(os.path.realpath(os.fsencode(target)) + b"/")
    return True


TARGETS: dict[str, Callable[[bytes], bool]] = {
    "snapshot": snapshot,
    "index": index,
    "entries": entries,
    "block": block,
    "footer": footer,
    "record": record,
    "seal": seal,
    "names": names,
    "tree": tree,
    "verdict": verdict,
    "rubric": rubric,
}
