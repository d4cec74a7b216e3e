"""How few connections and round trips an SFTP mailbox needs, and that it gets over those that break."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.clock import ManualClock
from sync.errors import Transient, Unreachable
from sync.remotes import open_remote
from sync.remotes.sftp import SftpRemote
from sync.ssh.sftp import SftpSession
from sync.ssh.target import HostSpec
from tests.contracts.remote_contract import FOLDER, pattern
from tests.support.bad_line import bad_line
from tests.support.sshd import Sshd, make_key, running_sshd

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


@pytest.fixture
def mailbox(remote: SftpRemote) -> SftpRemote:
    remote.make_folders([FOLDER])
    return remote


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[SftpSession]:
    """Every session that is opened from now on."""
    opened: list[SftpSession] = []
    start = SftpSession.__init__

    def recording(self: SftpSession, *args: Any) -> None:
        start(self, *args)
        opened.append(self)

    monkeypatch.setattr(SftpSession, "__init__", recording)
    return opened


def test_small_files_cost_few_round_trips(sessions: list[SftpSession], mailbox: SftpRemote) -> None:
    [session] = sessions
    mailbox.write(f"{FOLDER}/warm", b"x")

    def waits(call: Callable[[], object]) -> int:
        before = session.wire.waits
        call()
        return session.wire.waits - before

    assert waits(lambda: mailbox.write(f"{FOLDER}/small", b"x" * 4096)) == 3
    assert waits(lambda: mailbox.read(f"{FOLDER}/small")) == 2
    assert waits(lambda: mailbox.list_files(FOLDER)) <= 3
    assert waits(lambda: mailbox.delete(f"{FOLDER}/small")) == 1
    assert waits(lambda: mailbox.make_folders(["a/b/c", "a/d", "e"])) == 1
    assert len(sessions) == 1


def test_large_files_are_pipelined(sessions: list[SftpSession], mailbox: SftpRemote) -> None:
    data = pattern(8_000_000)
    [session] = sessions
    before = session.wire.waits
    mailbox.write(f"{FOLDER}/large", data)
    assert session.wire.waits - before == 3
    assert mailbox.read(f"{FOLDER}/large") == data
    assert session.wire.is_quiet


def test_calls_of_many_threads_share_one_connection(sessions: list[SftpSession], mailbox: SftpRemote) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda n: mailbox.write(f"{FOLDER}/{n}", b"x" * 5_000_000), range(8)))
        listings = list(pool.map(mailbox.list_files, [FOLDER] * 20))
    assert {len(listing) for listing in listings} == {8}
    assert len(sessions) == 1, "on this line one carries all that several would"


def test_large_writes_get_connections_of_their_own_where_one_is_full(
    sessions: list[SftpSession], sshd: Sshd, root: Path, tmp_path: Path
) -> None:
    """On a long and fast line no more than the server's window is under way on one connection."""
    known = tmp_path / "known_hosts"
    with bad_line(sshd.port, rtt_s=0.25) as line:
        known.write_text("".join(f"{key}\n" for key in sshd.host_key_lines(line.port)))
        far = replace(spec(sshd), port=line.port, known_hosts=str(known))
        remote = SftpRemote(far, str(root), connections=3)
        remote.make_folders(["p"])
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda n: remote.write(f"p/{n}", b"x" * 5_000_000), range(8)))
        assert len(remote.list_files("p")) == 8
        assert 2 <= len(sessions) <= 3
        remote.close()


def test_a_server_that_is_not_known_is_asked_one_thing_after_another(sshd: Sshd, root: Path) -> None:
    remote = SftpRemote(spec(sshd), str(root))
    remote._links._early = False
    remote.make_folders(["p"])
    assert remote.write("p/f", pattern(600_000))
    assert remote.read("p/f") == pattern(600_000)
    remote.close()


def test_the_second_key_opens_where_the_first_is_refused(sshd: Sshd, root: Path, tmp_path: Path) -> None:
    """The first requests go with each key anew: those that went with the refused one were not taken."""
    wrong = make_key(tmp_path / "wrong")
    (tmp_path / "home" / ".ssh").mkdir()
    (tmp_path / "home" / ".ssh" / "config").write_text(
        f"Host lab\n HostName 127.0.0.1\n Port {sshd.port}\n User {sshd.user}\n"
        f" UserKnownHostsFile {sshd.known_hosts}\n IdentityFile {wrong}\n IdentityFile {sshd.key}\n"
    )
    remote = SftpRemote(HostSpec(host="lab"), str(root))
    assert remote.list_files("") == []
    assert remote._links._early, "it took one login"
    remote.close()


def test_a_broken_connection_is_transient_and_the_next_call_works(
    sessions: list[SftpSession], sshd: Sshd, mailbox: SftpRemote
) -> None:
    mailbox.write(f"{FOLDER}/a", b"1")
    sshd.drop_connections()
    failures = 0
    while True:
        try:
            assert mailbox.read(f"{FOLDER}/a") == b"1"
            break
        except Transient:
            failures += 1
            assert failures <= 1
    assert [session.wire.failure is None for session in sessions] == [False, True]


def test_a_connection_killed_in_the_middle_of_a_write_leaves_nothing_visible(
    sshd: Sshd, mailbox: SftpRemote, root: Path
) -> None:
    """The next write of this client also removes what the dead connection left."""
    data = bytes(48 * 1024 * 1024)
    result: list[object] = []

    def write() -> None:
        try:
            result.append(mailbox.write(f"{FOLDER}/big", data))
        except Transient as error:
            result.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while not list(root.rglob(".tmp-*")):
        assert thread.is_alive()
    sshd.drop_connections()
    thread.join()
    assert isinstance(result[0], Transient)
    assert mailbox.list_files(FOLDER) == []
    assert mailbox.write(f"{FOLDER}/big", b"again")
    assert mailbox.read(f"{FOLDER}/big") == b"again"
    assert list(root.rglob(".tmp-*")) == []


def test_work_goes_on_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "own") as server:
        remote = open_remote(
            server.url,
            clock=ManualClock(),
            base_dir=tmp_path,
            identity=str(server.key),
            known_hosts=str(server.known_hosts),
        )
        remote.make_folders(["p"])
        for number in range(5):
            assert remote.write(f"p/{number}", b"x")
            server.restart()
        assert len(remote.list_files("p")) == 5
        server.drop_connections()
        server.stop()
        with pytest.raises(Unreachable, match=str(server.port)):
            while True:
                remote.list_files("p")
        server.start()
        assert len(remote.list_files("p")) == 5
        remote.close()
