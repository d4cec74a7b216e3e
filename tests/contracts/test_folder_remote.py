"""A directory keeps the contract, and what is special about directories."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.errors import NotFound, QuotaExceeded, RemoteError, Transient, Unauthorised, Unreachable
from sync.remotes.base import Capabilities, Remote
from sync.remotes.folder import FolderRemote
from tests.contracts.remote_contract import FOLDER, RemoteContract

needs_posix = pytest.mark.skipif(os.name == "nt", reason="symlinks, FIFOs and modes of POSIX")


class TestFolderRemote(RemoteContract):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        return FolderRemote(str(tmp_path / "some" / "mailbox"))

    @pytest.fixture
    def another(self, tmp_path: Path) -> Callable[[], Remote]:
        return lambda: FolderRemote(str(tmp_path / "some" / "mailbox"))


class TestFolderWithoutHardLinks(RemoteContract):
    """exFAT sticks and several mounted drives have none."""

    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(source: str, target: str) -> None:
            raise OSError(errno.EPERM, "Operation not permitted", source, None, target)

        monkeypatch.setattr(os, "link", refuse)

    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        return FolderRemote(str(tmp_path))

    @pytest.fixture
    def another(self, tmp_path: Path) -> Callable[[], Remote]:
        return lambda: FolderRemote(str(tmp_path))

    @pytest.mark.platform
    @pytest.mark.skip(
        reason="without hard links two writers may both believe that they won; names have one writer"
    )
    def test_of_several_writers_of_one_name_exactly_one_wins(self) -> None: ...


@pytest.fixture
def mailbox(tmp_path: Path) -> FolderRemote:
    remote = FolderRemote(str(tmp_path / "mailbox"))
    remote.make_folders([FOLDER])
    return remote


def temporary_files(mailbox: FolderRemote) -> list[Path]:
    return list(Path(str(mailbox.capabilities.local_path)).rglob(".tmp-*"))


def test_the_directory_is_announced_and_slower_storage_can_be_described() -> None:
    path = os.path.abspath("some-place")
    slow = Capabilities(settle_s=300.0, strong_listing=False)
    assert FolderRemote(path).capabilities.local_path == path
    assert FolderRemote(path, slow).capabilities == Capabilities(
        settle_s=300.0, strong_listing=False, local_path=path
    )
    assert FolderRemote(path).url == f"folder:{path}"


def test_no_temporary_file_stays_behind(mailbox: FolderRemote) -> None:
    mailbox.write(f"{FOLDER}/a", b"1")
    mailbox.write(f"{FOLDER}/a", b"2")
    assert temporary_files(mailbox) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, QuotaExceeded),
        (errno.EROFS, QuotaExceeded),
        (errno.EACCES, Unauthorised),
        (errno.EIO, Transient),
        (errno.EINTR, Transient),
        (errno.ENOENT, NotFound),
    ],
)
def test_a_failed_write_is_classified_and_leaves_nothing(
    mailbox: FolderRemote, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[RemoteError]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind) as caught:
        mailbox.write(f"{FOLDER}/a", b"1")
    assert os.path.join("r-7", "a") in str(caught.value)
    assert temporary_files(mailbox) == []
    assert mailbox.list_files(FOLDER) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_disk_that_fills_up_is_a_quota_error(
    mailbox: FolderRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = os.open

    def open_full(path: str, flags: int, mode: int = 0o777) -> int:
        if ".tmp-" in str(path):
            os.close(really_open(path, flags, mode))
            return really_open("/dev/full", os.O_WRONLY)
        return really_open(path, flags, mode)

    monkeypatch.setattr(os, "open", open_full)
    with pytest.raises(QuotaExceeded, match="No space left"):
        mailbox.write(f"{FOLDER}/a", b"x" * 100_000)
    assert temporary_files(mailbox) == []


def test_a_write_whose_temporary_file_is_taken_away_can_be_made_again(mailbox: FolderRemote) -> None:
    def sweep() -> None:
        for file in mailbox.list_unfinished(FOLDER):
            mailbox.delete(f"{FOLDER}/{file.name}")

    with pytest.raises(Transient, match="was taken away"):
        mailbox.write(f"{FOLDER}/a", b"1", before=sweep)
    assert mailbox.write(f"{FOLDER}/a", b"1")
    with pytest.raises(NotFound):
        mailbox.write("no/such/folder/a", b"1")


@needs_posix
def test_planted_links_and_pipes_are_neither_listed_nor_read(mailbox: FolderRemote, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("private")
    folder = tmp_path / "mailbox" / FOLDER
    (folder / "link").symlink_to(secret)
    (folder / "folderlink").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert mailbox.list_files(FOLDER) == []
    assert mailbox.list_folders(FOLDER) == []
    for name in ("link", "pipe"):
        with pytest.raises(NotFound):
            mailbox.read(f"{FOLDER}/{name}")
    assert mailbox.write(f"{FOLDER}/link", b"overwritten?") is False
    mailbox.delete_folder(f"{FOLDER}/folderlink")
    assert secret.read_text() == "private"
    assert not (folder / "folderlink").exists()


@needs_posix
def test_names_no_mailbox_can_have_are_not_listed(mailbox: FolderRemote, tmp_path: Path) -> None:
    folder = tmp_path / "mailbox" / FOLDER
    for name in ("ä", "new\nline", "back\\slash"):
        (folder / name).touch()
        (folder / (name + ".d")).mkdir()
    assert mailbox.list_files(FOLDER) == []
    assert mailbox.list_folders(FOLDER) == []


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("not a folder")
    with pytest.raises(Unreachable, match="not a folder"):
        FolderRemote(str(tmp_path / "mailbox")).make_folders([])
    with pytest.raises(RemoteError):
        FolderRemote(str(tmp_path / "mailbox")).make_folders(["packs"])


def test_a_writer_killed_at_any_moment_leaves_the_file_whole_or_absent(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom sync.remotes.folder import FolderRemote\n"
        "remote = FolderRemote(sys.argv[1])\nremote.make_folders(['p'])\nprint('ready', flush=True)\n"
        "for n in range(10000): remote.write(f'p/{n}', b'%d' % (n % 10) * 300000)\n"
    )
    for _ in range(3):
        root = tmp_path / "mailbox"
        with subprocess.Popen(
            [sys.executable, "-c", program, str(root)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"ready"
            while not FolderRemote(str(root)).list_files("p"):
                pass
            process.kill()
        files = FolderRemote(str(root)).list_files("p")
        assert {file.size for file in files} == {300_000}
        FolderRemote(str(root)).delete_folder("")
        assert not root.exists()
