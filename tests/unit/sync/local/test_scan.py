import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import HybridError
from sync.local.entry import signature
from sync.local.held_back import measure_held_back
from sync.local.include import parse_include
from sync.local.rules import Rules
from sync.local.scan import Scan, scan
from tests.support.trees import FOLDER, Fingerprint, Script, fingerprint, make_fifo, make_tree, nasty_tree

POSIX = pytest.mark.skipif(os.name == "nt", reason="names and types that Windows does not have")


def look(root: Path, rules: Rules | None = None) -> Scan:
    return scan(root, rules or Rules(), ManualClock())


def shape(found: Scan) -> dict[bytes, tuple[str, bool, bytes]]:
    return {e.path: (e.kind, e.kind == "file" and e.signature.executable, e.target) for e in found.entries}


def expected(tree: Fingerprint) -> dict[bytes, tuple[str, bool, bytes]]:
    return {path: (kind, bit, what if kind == "link" else b"") for path, (kind, bit, what) in tree.items()}


@POSIX
def test_every_name_and_type_is_found_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    paths = nasty_tree(tmp_path)
    found = look(tmp_path)
    assert not found.problems and not found.held_back
    assert [entry.path for entry in found.entries] == paths
    assert shape(found) == expected(fingerprint(tmp_path))


@POSIX
def test_links_are_never_followed(tmp_path: Path) -> None:
    outside = make_tree(tmp_path / "outside", {"secret plans": "x"})
    root = make_tree(tmp_path / "root", {"a": ""})
    os.symlink(outside, root / "out")
    os.symlink(root, root / "self")
    assert [(e.path, e.kind) for e in look(root).entries] == [
        (b"a", "file"),
        (b"out", "link"),
        (b"self", "link"),
    ]


@POSIX
def test_a_root_that_is_a_link_is_the_folder_it_points_to(tmp_path: Path) -> None:
    make_tree(tmp_path / "real", {"a": "x"})
    os.symlink("real", tmp_path / "root")
    assert [entry.path for entry in look(tmp_path / "root").entries] == [b"a"]


@POSIX
def test_what_is_no_file_is_a_problem_and_the_rest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"a": "x"})
    make_fifo(tmp_path, "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock")
        found = look(tmp_path)
    assert [entry.path for entry in found.entries] == [b"a"]
    assert [(p.path, p.what) for p in found.problems] == [
        (b"pipe", "is a named pipe"),
        (b"sock", "is a socket"),
    ]


@pytest.mark.platform
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_and_folders_are_problems(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": "x", "file": "x", "folder/b": "x"})
    (tmp_path / "file").chmod(0)
    (tmp_path / "folder").chmod(0)
    try:
        found = look(tmp_path)
    finally:
        (tmp_path / "folder").chmod(0o755)
    assert [entry.path for entry in found.entries] == [b"a"]
    assert [problem.path for problem in found.problems] == [b"file", b"folder"]
    assert "ermission denied" in found.problems[1].what


def test_a_folder_that_cannot_be_listed_is_a_problem_not_an_empty_folder(tmp_path: Path) -> None:
    deep = os.fsencode(tmp_path)
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(25):  # deeper than one path can say
            os.mkdir(b"d" * 200, dir_fd=handle)
            inner = os.open(b"d" * 200, os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
    finally:
        os.close(handle)
    found = look(tmp_path)
    assert not found.entries and len(found.problems) == 1
    assert "cannot be read" in found.problems[0].what and deep not in found.problems[0].path
    shutil.rmtree(tmp_path / ("d" * 200))


def test_only_truly_empty_folders_are_entries(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {".gitignore": "*.log\nheld\n", "empty": FOLDER, "logs/a.log": "", "held": FOLDER, "x/y": FOLDER},
    )
    assert [entry.path for entry in look(tmp_path).entries] == [b".gitignore", b"empty", b"x/y"]


@POSIX
def test_the_exec_bit_is_the_owners(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": Script(b""), "b": ""})
    (tmp_path / "b").chmod(0o655)
    assert [entry.signature.executable for entry in look(tmp_path).entries] == [True, False]


def test_the_signature_is_what_an_open_file_says_too(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": "some content"})
    for when in (0, -(10**9), 2**31, 2**34):
        os.utime(tmp_path / "a", (when, when))
        with open(tmp_path / "a", "rb") as file:
            assert look(tmp_path).entries[0].signature == signature(os.fstat(file.fileno()))
        assert all(0 <= number < 2**63 for number in look(tmp_path).entries[0].signature[:4])


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_root_that_is_no_folder_is_an_error(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "root"
    if kind == "file":
        root.write_text("x")
    with pytest.raises(HybridError, match="project folder"):
        look(root)


class _RemovesTheProject:
    """A listener that takes the project away in the middle of a scan."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done = False

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        pass

    def advance(self, amount: int) -> None:
        if not self.done:
            self.done = True
            shutil.rmtree(self.root)
            self.replace()

    def replace(self) -> None:
        pass

    def finish(self) -> None:
        pass


class _ReplacesTheProject(_RemovesTheProject):
    def replace(self) -> None:
        self.root.with_name("new").rename(self.root)


@pytest.mark.parametrize("listener", [_RemovesTheProject, _ReplacesTheProject])
def test_a_root_that_goes_away_is_an_error_not_an_emptied_project(
    tmp_path: Path, listener: type[_RemovesTheProject]
) -> None:
    root = make_tree(tmp_path / "root", {"a/b/c": "x", "d/e": "x"})
    make_tree(tmp_path / "new", {"x": "y"})
    with pytest.raises(HybridError, match="project folder"):
        scan(root, Rules(), ManualClock(), listener(root))


def test_progress_counts_every_file(tmp_path: Path) -> None:
    class Count:
        def __init__(self) -> None:
            self.total = 0
            self.phases: list[str] = []

        def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
            self.phases.append(f"{label} {unit}")

        def advance(self, amount: int) -> None:
            self.total += amount

        def finish(self) -> None:
            self.phases.append("end")

    make_tree(tmp_path, {f"{i % 7}/{i}": "" for i in range(50)} | {"empty": FOLDER})
    count = Count()
    scan(tmp_path, Rules(), ManualClock(), count)
    assert (count.total, count.phases) == (50, ["scan files", "end"])


def test_what_is_held_back_is_measured_without_what_goes(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            ".gitignore": "data/\nm.bin\n",
            "data/in/1": "12345",
            "data/2": "123",
            "data/x/3": "1",
            "m.bin": "12",
        },
    )
    found = look(tmp_path, Rules(include=parse_include(["data/in"])))
    measured = {
        m.path: (m.size, m.files, m.complete)
        for m in measure_held_back(tmp_path, found.held_back, found.inside)
    }
    assert measured == {b"data": (4, 2, True), b"m.bin": (2, 1, True)}


def test_measuring_stops_at_its_limit(tmp_path: Path) -> None:
    make_tree(tmp_path, {".gitignore": "a/\nb/\n"} | {f"a/{i}": "1" for i in range(20)} | {"b/1": "1"})
    found = look(tmp_path)
    measured = measure_held_back(tmp_path, found.held_back, found.inside, limit=10)
    assert [(m.path, m.complete) for m in measured] == [(b"a", False), (b"b", False)]
    assert 0 < measured[0].files <= 10


def test_signatures_know_nothing_of_other_mode_bits(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": ""})
    before = look(tmp_path).entries[0].signature
    (tmp_path / "a").chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    assert look(tmp_path).entries[0].signature._replace(ctime_ns=0) == before._replace(ctime_ns=0)
