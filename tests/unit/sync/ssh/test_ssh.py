"""One connection, tried against a real OpenSSH server: commands, jumps, what is not there, what is said of it."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync.errors import Transient, Unreachable, UsageError
from sync.ssh import connection as ssh
from sync.ssh.connection import SshConnection
from sync.ssh.target import HostSpec
from tests.support.ssh_words import block, configure, refused, trust
from tests.support.sshd import Sshd, make_key, running_sshd

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")


def test_commands_get_input_and_give_output_errors_and_status(spec: HostSpec) -> None:
    connection = SshConnection.open(spec)
    assert connection.alive
    done = connection.run("cat; echo problem >&2; exit 3", stdin=b"x" * 3_000_000)
    assert (done.rc, done.out, done.err) == (3, b"x" * 3_000_000, b"problem\n")
    assert connection.run("true", stdin=b"nobody reads this" * 100_000).rc == 0
    assert connection.run("head -c 5000000 /dev/zero | tee /dev/stderr").err == bytes(5_000_000)
    assert connection.run("kill -9 $$").rc == -1
    connection.close()
    connection.close()
    assert not connection.alive
    with pytest.raises(Transient):
        connection.run("true")
    with pytest.raises(Transient):
        connection.open_sftp()


def test_a_command_that_does_not_end_in_time_is_given_up(spec: HostSpec) -> None:
    connection = SshConnection.open(spec)
    with pytest.raises(Transient, match=r"within 3 s"):
        connection.run("sleep 600", timeout=3.0)
    assert connection.run("echo on").out == b"on\n"
    connection.close()


def test_a_connection_that_breaks_under_a_command_is_transient(
    spec: HostSpec, sshd: Sshd, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"

    def break_it() -> None:
        deadline = time.monotonic() + 50
        while not runs.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        sshd.drop_connections()

    connection = SshConnection.open(spec)
    thread = threading.Thread(target=break_it)
    thread.start()
    with pytest.raises(Transient, match="broke"):
        connection.run(f"touch '{runs}'; sleep 600", timeout=120)
    thread.join()
    assert runs.exists()
    assert not connection.alive
    connection.close()


def test_requests_leave_at_once(spec: HostSpec) -> None:
    connection = SshConnection.open(spec)
    transport = connection._transport
    assert transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert transport.local_cipher == transport.remote_cipher == "aes128-gcm@openssh.com"
    connection.close()


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"no host nowhere\.invalid"):
        SshConnection.open(HostSpec(host="nowhere.invalid"))
    with pytest.raises(Unreachable):
        SshConnection.open(HostSpec(host="x" * 70))


def test_a_port_where_nothing_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Unreachable, match=rf"127\.0\.0\.1 port {port}: Connection refused"):
            SshConnection.open(HostSpec(host="127.0.0.1", port=port))


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_hangs_up_or_speaks_otherwise_may_be_busy(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Transient, match="did not shake hands"):
            SshConnection.open(HostSpec(host="127.0.0.1", port=server.getsockname()[1]))
        thread.join()


def test_a_server_that_says_nothing_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.ssh.connection.CONNECT_S", 1.0)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(Unreachable, match="said nothing") as caught,
    ):
        SshConnection.open(HostSpec(host="127.0.0.1", port=server.getsockname()[1]))
    assert "ssh -p" in caught.value.hint


def test_a_machine_behind_another_is_reached_and_both_are_verified(
    home: Path, sshd: Sshd, second: Sshd
) -> None:
    with running_sshd(home / "third") as third:
        configure(
            home,
            block("gate", sshd, f"IdentityFile {sshd.key}")
            + block("inner", second, f"IdentityFile {second.key}", "ProxyJump gate")
            + block("deep", third, f"IdentityFile {third.key}", "ProxyJump gate,inner")
            + block("deeper", third, f"IdentityFile {third.key}", "ProxyJump inner"),
        )
        trust(home, sshd, second, third)
        for alias in ("inner", "deep", "deeper"):
            connection = SshConnection.open(HostSpec(host=alias))
            assert (
                connection.run("echo $SSH_CONNECTION").out.split()[3] == str(connection.target.port).encode()
            )
            session = connection.open_sftp()
            assert session.entries("/")
            session.close()
            connection.close()
        trust(home, second, third)
        assert f"[127.0.0.1]:{sshd.port} is not known" in str(refused(HostSpec(host="deep")))
        trust(home, sshd, second)
        assert f"[127.0.0.1]:{third.port} is not known" in str(refused(HostSpec(host="deep")))


def test_a_machine_that_the_jump_host_cannot_reach_is_unreachable(home: Path, sshd: Sshd) -> None:
    configure(
        home,
        block("gate", sshd, f"IdentityFile {sshd.key}")
        + "Host inner\n HostName 127.0.0.1\n Port 1\n ProxyJump gate\n",
    )
    trust(home, sshd)
    with pytest.raises(Unreachable, match="port 1 cannot be reached through"):
        SshConnection.open(HostSpec(host="inner"))


def test_jumps_that_go_in_a_circle_are_refused(home: Path) -> None:
    configure(home, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(UsageError, match="through itself"):
        SshConnection.open(HostSpec(host="a"))


class Heard(logging.Handler):
    """What a program that shows all logs would show."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def test_nothing_is_logged_where_a_person_would_see_it(
    spec: HostSpec, sshd: Sshd, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = SshConnection.open(spec)
    sshd.drop_connections()
    with pytest.raises(Transient):
        connection.run("true")
    connection.close()
    refused(replace(spec, identity=str(make_key(tmp_path / "wrong"))))
    assert heard.records == []
    assert capfd.readouterr() == ("", "")


def test_output_without_end_keeps_its_end_and_does_not_fill_the_memory(
    spec: HostSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "MOST_OUTPUT", 100_000)
    connection = SshConnection.open(spec)
    done = connection.run("head -c 5000000 /dev/zero | tee /dev/stderr; echo end")
    connection.close()
    assert (len(done.out), len(done.err)) == (100_000, 100_000)
    assert done.out.endswith(b"end\n")
