"""The line to an SFTP mailbox breaks or stalls at any moment: through retries each call ends right, and nothing is torn."""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import Transient
from sync.remotes.retry import Retrying
from sync.remotes.sftp import SftpRemote
from sync.ssh.target import HostSpec
from tests.contracts.remote_contract import pattern
from tests.support.bad_line import BadLine, Fault, bad_line
from tests.support.sshd import Sshd, running_sshd

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")

SMALL, LARGE = pattern(3000), pattern(3_000_000)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def folder(sshd: Sshd, tmp_path: Path) -> Path:
    return sshd.root / tmp_path.name


@pytest.fixture
def mailbox(sshd: Sshd, folder: Path, tmp_path: Path) -> Iterator[Callable[[BadLine], Retrying]]:
    """A way to open the mailbox over a line, with the retries that every command has."""
    opened: list[Retrying] = []

    def through(line: BadLine) -> Retrying:
        known = tmp_path / "known_hosts"
        known.write_text("".join(f"{key}\n" for key in sshd.host_key_lines(line.port)))
        spec = HostSpec(
            host="127.0.0.1",
            port=line.port,
            user=sshd.user,
            identity=str(sshd.key),
            known_hosts=str(known),
        )
        opened.append(Retrying(SftpRemote(spec, str(folder)), ManualClock(), random.Random(1)))
        return opened[-1]

    yield through
    for remote in opened:
        remote.close()


def work(remote: Retrying) -> None:
    """All that a mailbox is used for, with its right results."""
    remote.make_folders(["p"])
    assert remote.write("p/small", SMALL)
    assert remote.write("p/large", LARGE)
    assert remote.read("p/small") == SMALL
    assert remote.read("p/large", 0, len(LARGE)) == LARGE
    assert sorted((file.name, file.size) for file in remote.list_files("p")) == [
        ("large", len(LARGE)),
        ("small", len(SMALL)),
    ]
    remote.delete("p/small")
    assert [file.name for file in remote.list_files("p")] == ["large"]


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def moments(total: int, login: int) -> list[int]:
    """Bytes at which to break off: many in handshake and login, some in what follows, some near the end."""
    early = [0, 1, 20, 60, *range(200, login, login // 8)]
    return [*early, *range(login, total - 2000, (total - login) // 7), *range(total - 1500, total, 400)]


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_line_that_is_cut_anywhere_is_ridden_out(
    sshd: Sshd, folder: Path, mailbox: Callable[[BadLine], Retrying], way: str
) -> None:
    with bad_line(sshd.port) as line:
        work(mailbox(line))
        total = line.passed[way]
    for after in moments(total, login=3000):
        (folder / "p" / "large").unlink()
        fault = Fault(kind="cut", way="up" if way == "up" else "down", after=after)
        with bad_line(sshd.port, fault) as line:
            work(mailbox(line))
        assert fault.happened or after > total - 2000, "what it comes to differs a little"
        assert files(folder) == {"large": len(LARGE)}, after


def last_answer(folder: Path, name: str) -> Callable[[], bool]:
    """Whether the file is there under its name: its rename was done, and the answer is on its way."""
    return lambda: (folder / "p" / name).exists()


def half_written(folder: Path) -> Callable[[], bool]:
    return lambda: any(size > 1_000_000 for name, size in files(folder).items() if name.startswith(".tmp-"))


@pytest.mark.parametrize("kind", ["cut", "stall"])
@pytest.mark.parametrize("moment", ["login", "half written", "renamed", "half read"])
def test_whatever_happens_to_the_line_a_call_ends_right(
    sshd: Sshd,
    folder: Path,
    mailbox: Callable[[BadLine], Retrying],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    moment: str,
) -> None:
    for name in ("sync.ssh.connection.STALL_S", "sync.ssh.transport.STALL_S", "sync.ssh.connection.LOGIN_S"):
        monkeypatch.setattr(name, 1.0)
    (folder / "p").mkdir(parents=True)
    (folder / "p" / "there").write_bytes(LARGE)
    fault = Fault(kind="cut" if kind == "cut" else "stall")
    if moment == "login":
        fault.after = 1800
    elif moment == "half written":
        fault.when = half_written(folder)
    elif moment == "renamed":
        fault.way, fault.when = "down", last_answer(folder, "new")
    else:
        fault.way, fault.after = "down", 1_000_000
    with bad_line(sshd.port, fault) as line:
        remote = mailbox(line)
        if moment == "half read":
            assert remote.read("p/there", 0, len(LARGE)) == LARGE
        else:
            assert remote.write("p/new", LARGE) is True
            assert (folder / "p" / "new").read_bytes() == LARGE
        assert fault.happened
        assert line.connections == 2
        assert not [name for name in files(folder) if name.startswith(".tmp-")]


def test_a_broken_line_fails_all_calls_on_it_and_each_is_made_again(
    sshd: Sshd, folder: Path, mailbox: Callable[[BadLine], Retrying]
) -> None:
    (folder / "p").mkdir(parents=True)
    fault = Fault(kind="cut", when=half_written(folder))
    with bad_line(sshd.port, fault) as line, ThreadPoolExecutor(6) as pool:
        remote = mailbox(line)
        written = [pool.submit(remote.write, f"p/{number}", LARGE) for number in range(4)]
        listed = [pool.submit(remote.list_files, "p") for _ in range(20)]
        assert [future.result() for future in written] == [True] * 4
        for future in listed:
            future.result()
        assert fault.happened
    assert files(folder) == {str(number): len(LARGE) for number in range(4)}


def test_a_line_that_never_holds_ends_in_the_last_error(
    sshd: Sshd, folder: Path, mailbox: Callable[[BadLine], Retrying]
) -> None:
    faults = [Fault(kind="cut", way="down", after=2500) for _ in range(20)]
    with bad_line(sshd.port, *faults) as line:
        with pytest.raises(Transient, match=r"127\.0\.0\.1"):
            mailbox(line).list_files("")
        assert line.connections == 8


def test_a_cold_call_over_a_long_line_takes_half_the_round_trips_of_a_careful_login(
    sshd: Sshd, mailbox: Callable[[BadLine], Retrying]
) -> None:
    """Keys, login, channel, SFTP and the call, each by itself, would be ten."""
    took = []
    # On a busy machine, what is sent without waiting may leave after an answer all the same.
    for _ in range(5):
        with bad_line(sshd.port, rtt_s=0.25) as line:
            assert mailbox(line).list_files("nowhere") == []
            assert line.connections == 1
            took.append(line.round_trips)
        if took[-1] <= 5:
            break
    assert min(took) <= 5
