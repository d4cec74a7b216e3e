"""A folder behind a real OpenSSH server keeps the contract; what goes wrong on the way is told apart."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import NotFound, QuotaExceeded, Transient, Unauthorised, Unreachable
from sync.remotes import open_remote
from sync.remotes.base import Remote
from sync.remotes.sftp import SftpRemote
from sync.ssh.target import HostSpec
from tests.contracts.remote_contract import FOLDER, RemoteContract
from tests.support.sshd import Sshd, running_sshd

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the configuration nor the agent of whoever runs the tests."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def spec(sshd: Sshd) -> HostSpec:
    return HostSpec(
        host="127.0.0.1",
        port=sshd.port,
        user=sshd.user,
        identity=str(sshd.key),
        known_hosts=str(sshd.known_hosts),
    )


@pytest.fixture
def root(sshd: Sshd, tmp_path: Path) -> Path:
    return sshd.root / tmp_path.name / "mailbox"


@pytest.fixture
def another(sshd: Sshd, root: Path) -> Iterator[Callable[[], SftpRemote]]:
    opened: list[SftpRemote] = []

    def client() -> SftpRemote:
        opened.append(SftpRemote(spec(sshd), str(root)))
        return opened[-1]

    yield client
    for remote in opened:
        remote.close()


@pytest.fixture
def remote(another: Callable[[], SftpRemote]) -> SftpRemote:
    return another()


class TestSftpRemote(RemoteContract):
    """All promises of the contract over the wire."""


@pytest.fixture
def mailbox(remote: SftpRemote) -> SftpRemote:
    remote.make_folders([FOLDER])
    return remote


def test_no_temporary_file_stays_behind(mailbox: SftpRemote, root: Path) -> None:
    mailbox.write(f"{FOLDER}/a", b"1")
    assert mailbox.write(f"{FOLDER}/a", b"2") is False
    assert list(root.rglob(".tmp-*")) == []


def test_a_write_whose_temporary_file_is_taken_away_can_be_made_again(mailbox: SftpRemote) -> None:
    def sweep() -> None:
        for file in mailbox.list_unfinished(FOLDER):
            mailbox.delete(f"{FOLDER}/{file.name}")

    with pytest.raises(Transient, match="was taken away"):
        mailbox.write(f"{FOLDER}/a", b"1", before=sweep)
    assert mailbox.write(f"{FOLDER}/a", b"1")
    with pytest.raises(NotFound):
        mailbox.write("no/such/folder/a", b"1")


def test_a_home_relative_root_is_found_and_known_to_programs_there(tmp_path: Path) -> None:
    """The server starts a session in the home folder of the system's user, not in ``$HOME`` of the test."""
    home = tmp_path / "account"
    home.mkdir()
    with running_sshd(tmp_path / "own", f"Subsystem sftp internal-sftp -d {home}") as server:
        url = f"sftp://{server.user}@127.0.0.1:{server.port}/~/mail/box"
        wrapped = open_remote(
            url,
            clock=ManualClock(),
            base_dir=tmp_path,
            identity=str(server.key),
            known_hosts=str(server.known_hosts),
        )
        assert wrapped.url == url
        wrapped.make_folders(["p"])
        wrapped.write("p/f", b"x")
        assert (home / "mail/box/p/f").read_bytes() == b"x"
        wrapped.close()
        plain = SftpRemote(spec(server), "~/mail/box")
        assert plain.read("p/f") == b"x"
        plain.close()


def test_a_server_without_sftp_is_named(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "own", "Subsystem other internal-sftp") as server:
        remote = SftpRemote(spec(server), "/x")
        with pytest.raises(Unreachable, match="no SFTP") as caught:
            remote.list_files("")
        assert "Subsystem" in caught.value.hint
        remote.close()


def test_a_server_that_only_reads_refuses_writing(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "own", "Subsystem sftp internal-sftp -R") as server:
        remote = SftpRemote(spec(server), str(server.root))
        (server.root / "f").write_bytes(b"x")
        assert remote.read("f") == b"x"
        with pytest.raises(Unauthorised, match="Permission denied"):
            remote.write("g", b"x")
        with pytest.raises(Unauthorised, match="Permission denied"):
            remote.make_folders(["p"])
        remote.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not (sys.platform == "linux" and os.geteuid() == 0):
        pytest.skip("only root on Linux can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.platform
def test_a_full_disk_is_said_and_leaves_nothing(sshd: Sshd, small_disk: Path) -> None:
    remote = SftpRemote(spec(sshd), str(small_disk))
    with pytest.raises(QuotaExceeded, match="disk is full"):
        remote.write("a", bytes(5 * 1024 * 1024))
    assert list(small_disk.iterdir()) == []
    assert remote.write("b", bytes(1024 * 1024))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(QuotaExceeded, match="read-only"):
        remote.write("c", b"x")
    with pytest.raises(QuotaExceeded, match="read-only"):
        remote.make_folders(["p"])
    remote.close()


def test_a_file_where_a_folder_should_be_is_said(remote: SftpRemote, root: Path) -> None:
    root.parent.mkdir()
    root.write_text("not a folder")
    with pytest.raises(Unreachable, match="not a folder"):
        remote.make_folders(["packs"])


def test_planted_links_are_neither_listed_nor_followed_when_deleting(
    mailbox: SftpRemote, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("private")
    (root / FOLDER / "link").symlink_to(tmp_path / "secret")
    (root / FOLDER / "folderlink").symlink_to(tmp_path)
    assert mailbox.list_files(FOLDER) == []
    assert mailbox.list_folders(FOLDER) == []
    mailbox.delete_folder(f"{FOLDER}/folderlink")
    mailbox.delete_folder(FOLDER)
    assert (tmp_path / "secret").read_text() == "private"
    assert not (root / FOLDER).exists()


def test_a_url_without_a_user_or_port_leaves_them_to_the_configuration() -> None:
    remote = open_remote("sftp://lab/srv/mail%20box", clock=ManualClock(), base_dir="/")
    assert remote.url == "sftp://lab/srv/mail%20box"


def test_a_missing_file_names_the_machine(mailbox: Remote) -> None:
    with pytest.raises(NotFound, match=r"127\.0\.0\.1"):
        mailbox.read("nothing")
