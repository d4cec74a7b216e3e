"""Our reader and the independent one let in the same snapshots, and find the same in them.

Where references to one chunk or block contradict one another, a reader may go by any of them: so all that a strict
reader lets in, ours must let in; and what ours lets in, a reader that tries them all must let in.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import HybridError
from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import honest, stocked
from tests.fuzz.test_mutations import edited, falsified
from tests.independent_reader.blocks import Refused
from tests.independent_reader.snapshots import Snapshot
from tests.unit.sync.store.forge import STORED, file, sha256

Found = list[tuple[Any, ...]] | None
"""What a reader finds; None where it lets nothing in."""


def ours(folder: Path, name: str) -> Found:
    reader = Reader(FolderRemote(str(folder)), "p")
    try:
        entries = reader.entries(reader.root(name))
        content = {c.sha256: data for c, data in reader.fetch(c for e in entries for c in e.chunks)}
    except HybridError:
        return None
    return [
        (e.kind, e.path, e.executable, e.size, e.target, b"".join(content[c.sha256] for c in e.chunks))
        for e in entries
    ]


def theirs(folder: Path, name: str, *, strict: bool) -> Found:
    try:
        found = Snapshot(folder / "p", name, strict)
        return [
            (e.kind, e.path, e.executable, e.size, e.target, b"".join(found.content(e.references)))
            for e in found.entries
        ]
    except (Refused, FileNotFoundError):
        return None


def agreed(data: bytes) -> Found:
    """Fails the test where they do not agree on the file."""
    with tempfile.TemporaryDirectory(prefix="hybrid-fuzz-") as top:
        name = f"snapshots/laptop-00000001-{sha256(data)}.snap"
        (Path(top) / "p" / "snapshots").mkdir(parents=True)
        (Path(top) / "p" / name).write_bytes(data)
        found = ours(Path(top), name)
        strict = theirs(Path(top), name, strict=True)
        assert found == strict or (strict is None and found == theirs(Path(top), name, strict=False))
        return found


def test_both_let_an_honest_snapshot_in() -> None:
    assert agreed(seeds("snapshot")[0])


def test_a_reference_that_is_not_true_may_stand_beside_one_that_is() -> None:
    """Each may refuse such a snapshot, or let it in; never with other content."""
    lines = honest()
    whole = agreed(stocked().data(lines))
    kind, path, executable, size, [true, _] = json.loads(lines[3])
    for n, wrong in [(2, 0), (2, 1000), (3, 1), (4, 1_000_000), (5, "stored"), (6, 0)]:
        false = [*true[:n], wrong, *true[n + 1 :]]
        for references in ([true, false], [false, true]):
            line = json.dumps([kind, path, executable, size, references]).encode() + b"\n"
            assert agreed(stocked().data([*lines[:3], line])) in (whole, None)


@pytest.mark.parametrize("line", range(4))
def test_they_agree_on_a_falsified_line(line: int) -> None:
    lines = honest()

    @settings(max_examples=150)
    @given(falsified(lines[line]))
    def check(text: bytes) -> None:
        agreed(stocked().data([*lines[:line], text + b"\n", *lines[line + 1 :]]))

    check()


@settings(max_examples=300)
@given(falsified(seeds("index")[0]))
def test_they_agree_on_a_falsified_root(text: bytes) -> None:
    forge = stocked()
    forge.data(honest())
    agreed(file(text, forge.blocks, codec=STORED))


@settings(max_examples=200)
@given(edited("entries"))
def test_they_agree_on_edited_lines(data: bytes) -> None:
    agreed(stocked().data([data] if data else []))


@settings(max_examples=200)
@given(edited("snapshot"))
def test_they_agree_on_edited_bytes(data: bytes) -> None:
    agreed(data)


PATHS = st.lists(
    st.sampled_from(["a", "a-", "b", "..", "é", "\udcff", "\udcc3\udca9", ""]), min_size=1, max_size=3
)


@settings(max_examples=200)
@given(st.lists(PATHS.map("/".join), min_size=1, max_size=4))
def test_they_agree_on_which_paths_go_together(paths: list[str]) -> None:
    agreed(stocked().data([["l", path, "x"] for path in paths]))
