"""The runner's archive on a bare machine: any Python from 3.10, nothing installed, a hostile folder around it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent import ship
from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended
from sync.mailbox.view import look
from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader
from tests.support import mailboxes

BASE = "lab"


def bare_python() -> str:
    """The one that RUNNER_PYTHON names, or the system's own, which has none of our dependencies; else this one, isolated."""
    for name in filter(None, (os.environ.get("RUNNER_PYTHON"), "/usr/bin/python3", sys.executable)):
        found = shutil.which(name)
        old = "import sys; sys.exit(sys.version_info < (3, 10))"
        if found and subprocess.run([found, "-I", "-S", "-c", old], check=False).returncode == 0:
            return found
    raise AssertionError("no Python of 3.10 or newer")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "runner.pyz"
    path.write_bytes(ship.build().data)
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules have the names of ours, and of the standard library's."""
    folder = tmp_path / "hostile"
    for package in ("sync", "cloud_runner", "agent"):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("raise SystemExit('the wrong package was imported')\n")
    for module in ("json", "subprocess", "zstandard", "pyarrow", "pyfastcdc"):
        (folder / f"{module}.py").write_text("raise SystemExit('the wrong module was imported')\n")
    return folder


def run(archive: Path, hostile: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(hostile), "HOME": str(hostile.parent)}
    argv = [bare_python(), "-I", "-S", str(archive), *words]
    return subprocess.run(argv, cwd=hostile, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_archive_holds_only_what_the_runner_needs(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    assert not [
        name for name in names if "local/" in name or "sftp" in name or "ssh" in name or "agent" in name
    ]
    assert "cloud_runner/__main__.py" in names and "sync/store/reader.py" in names


def test_the_same_sources_give_the_same_archive(archive: Path) -> None:
    ship.build.cache_clear()
    assert ship.build().data == archive.read_bytes()


@pytest.mark.platform
def test_a_run_is_worked_off_with_nothing_but_the_archive(
    archive: Path, hostile: Path, tmp_path: Path
) -> None:
    remote = FolderRemote(str(tmp_path / "mailbox"))
    mailboxes.make_mailbox(remote, BASE)
    body = b"plates " * 100_000
    tree = mailboxes.publish_tree(
        remote, BASE, {"main.sh": b'cp data.bin "$HYBRID_OUTPUT"\n', "data.bin": body}
    )
    mailboxes.queue_run(remote, BASE, "r-1", tree.name, command=["sh", "main.sh"], shards=2)
    words = ["--mailbox", f"folder:{tmp_path / 'mailbox'}", "--project", BASE, "--target", "local"]
    words += ["--work", str(tmp_path / "work"), "--tick", "0.2", "--idle-exit", "0.2"]
    done = run(archive, hostile, *words)
    seen = look(remote, BASE, RunFolder("r-1"))
    if not seen.done:
        assert "no zstd codec" in done.stdout and "backports.zstd" in done.stdout, done.stdout + done.stderr
        pytest.skip("the system has no libzstd, and the runner said so")
    assert done.returncode == 0, done.stdout + done.stderr
    for attempt in seen.done:
        path = f"{BASE}/{RunFolder('r-1').in_folder(RunFolder.attempt('done', attempt))}"
        reader = Reader(remote, BASE)
        entries = reader.entries(reader.root(records.read(Ended, remote, path).snapshot))
        [data] = [entry for entry in entries if entry.path == b"data.bin"]
        pieces = {chunk.sha256: raw for chunk, raw in reader.fetch(data.chunks)}
        assert b"".join(pieces[chunk.sha256] for chunk in data.chunks) == body


def test_a_wrong_command_line_says_what_is_wanted(archive: Path, hostile: Path) -> None:
    done = run(archive, hostile, "--project", BASE)
    assert done.returncode == 2
    assert "--mailbox, --project and --target are needed" in done.stderr


def test_a_mailbox_that_is_no_url_is_one_clear_line(archive: Path, hostile: Path) -> None:
    done = run(archive, hostile, "--mailbox", "ftp:x", "--project", BASE, "--target", "local")
    assert done.returncode == 1
    assert "is not the URL of a mailbox" in done.stdout and "Traceback" not in done.stdout + done.stderr


def test_the_runner_and_what_it_shares_need_no_python_newer_than_3_10(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as files:
        files.extractall(tmp_path / "sources")
    vermin = Path(sys.executable).with_name("vermin")
    if not vermin.exists():
        pytest.skip("vermin is not installed")
    # A codec that Python 3.14 brings along is tried and may be missing.
    argv = [str(vermin), "-t=3.10-", "--no-tips", "--exclude", "compression", "--exclude", "compression.zstd"]
    argv.append(str(tmp_path / "sources"))
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
