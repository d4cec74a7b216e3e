"""One verified connection, tried against a real OpenSSH server: trust, keys, agent, jumps, commands."""

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync import ssh
from sync.errors import Transient, Unauthorised, Unreachable, UsageError
from sync.ssh import SshConnection
from sync.ssh_known_hosts import fingerprint, known_keys
from sync.ssh_target import HostSpec
from tests.support.sshd import Sshd, make_key, running_sshd, system_tool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("second")) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def spec(sshd: Sshd) -> HostSpec:
    return HostSpec(
        host="127.0.0.1",
        port=sshd.port,
        user=sshd.user,
        identity=str(sshd.key),
        known_hosts=str(sshd.known_hosts),
    )


def says(spec: HostSpec) -> bytes:
    connection = SshConnection.open(spec)
    try:
        return connection.run("echo hello").out
    finally:
        connection.close()


def refused(spec: HostSpec) -> Unauthorised:
    with pytest.raises(Unauthorised) as caught:
        SshConnection.open(spec)
    return caught.value


def configure(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_text(text)


def trust(home: Path, *servers: Sshd) -> None:
    (home / ".ssh" / "known_hosts").write_text(
        "".join(f"{line}\n" for server in servers for line in server.host_key_lines())
    )


def block(alias: str, server: Sshd, *more: str) -> str:
    lines = ["HostName 127.0.0.1", f"Port {server.port}", f"User {server.user}", *more]
    return f"Host {alias}\n" + "".join(f"  {line}\n" for line in lines)


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
    with pytest.raises(Transient, match=r"within 0\.2 s"):
        connection.run("sleep 20", timeout=0.2)
    assert connection.run("echo on").out == b"on\n"
    connection.close()


def test_a_connection_that_breaks_under_a_command_is_transient(spec: HostSpec, sshd: Sshd) -> None:
    connection = SshConnection.open(spec)
    timer = threading.Timer(0.3, sshd.drop_connections)
    timer.start()
    with pytest.raises(Transient, match="broke"):
        connection.run("sleep 20")
    timer.join()
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
    monkeypatch.setattr("sync.ssh.CONNECT_S", 1.0)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(Unreachable, match="said nothing") as caught,
    ):
        SshConnection.open(HostSpec(host="127.0.0.1", port=server.getsockname()[1]))
    assert "ssh -p" in caught.value.hint


def test_an_unknown_host_key_is_shown_and_never_accepted(spec: HostSpec, sshd: Sshd, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    error = refused(replace(spec, known_hosts=str(empty)))
    [key] = known_keys([str(sshd.known_hosts)], f"[127.0.0.1]:{sshd.port}")
    assert fingerprint(key.blob) in str(error)
    assert f"[127.0.0.1]:{sshd.port}" in str(error)
    assert f"ssh -p {sshd.port}" in error.hint
    assert empty.read_bytes() == b""
    empty.write_text(error.hint.rpartition("the line: ")[2] + "\n")
    assert says(replace(spec, known_hosts=str(empty))) == b"hello\n"


def test_a_changed_host_key_names_the_line_that_disagrees(
    spec: HostSpec, sshd: Sshd, second: Sshd, tmp_path: Path
) -> None:
    stale = tmp_path / "known_hosts"
    other = second.host_key_lines()[0].split()[1:]
    stale.write_text(f"# mine\n[127.0.0.1]:{sshd.port} {' '.join(other)}\n")
    error = refused(replace(spec, known_hosts=str(stale)))
    assert "has changed" in str(error)
    assert f"{stale} line 2" in str(error)
    assert f"-R '[127.0.0.1]:{sshd.port}'" in error.hint


def test_a_revoked_host_key_is_refused_although_it_is_known(
    spec: HostSpec, sshd: Sshd, tmp_path: Path
) -> None:
    line = sshd.host_key_lines()[0]
    file = tmp_path / "known_hosts"
    file.write_text(f"{line}\n@revoked {line}\n")
    assert "revoked" in str(refused(replace(spec, known_hosts=str(file))))


@pytest.mark.parametrize("known", ["ed25519", "ecdsa", "rsa"])
def test_of_several_host_keys_the_known_one_is_asked_for(tmp_path: Path, known: str) -> None:
    with running_sshd(tmp_path / "own", host_keys=("rsa", "ecdsa", "ed25519")) as server:
        file = tmp_path / "one"
        file.write_text("".join(f"{line}\n" for line in server.host_key_lines() if known in line.split()[1]))
        spec = HostSpec(
            host="127.0.0.1",
            port=server.port,
            user=server.user,
            identity=str(server.key),
            known_hosts=str(file),
        )
        assert says(spec) == b"hello\n"


def test_a_refused_key_is_named_with_user_and_host(spec: HostSpec, sshd: Sshd, tmp_path: Path) -> None:
    wrong = make_key(tmp_path / "wrong")
    error = refused(replace(spec, identity=str(wrong)))
    for part in (sshd.user, "127.0.0.1", str(sshd.port), str(wrong)):
        assert part in str(error)
    assert "authorized_keys" in error.hint


def test_a_key_that_is_missing_or_no_key_is_said(spec: HostSpec, tmp_path: Path) -> None:
    assert "is not there" in str(refused(replace(spec, identity=str(tmp_path / "missing"))))
    (tmp_path / "text").write_text("not a key\n")
    assert "not a private key" in str(refused(replace(spec, identity=str(tmp_path / "text"))))


def test_without_any_key_the_advice_is_to_make_one(spec: HostSpec) -> None:
    error = refused(replace(spec, identity=None))
    assert "no key to try" in str(error)
    assert "ssh-keygen" in error.hint


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_with_a_passphrase_asks_for_ssh_add(spec: HostSpec, tmp_path: Path, kind: str) -> None:
    locked = make_key(tmp_path / "locked", kind, passphrase="geheim")
    error = refused(replace(spec, identity=str(locked)))
    assert str(locked) in str(error)
    assert f"ssh-add {locked}" in error.hint


def test_a_locked_default_key_does_not_hide_a_usable_one(spec: HostSpec, sshd: Sshd, home: Path) -> None:
    make_key(home / ".ssh" / "id_ed25519", passphrase="geheim")
    (home / ".ssh" / "id_rsa").write_bytes(sshd.key.read_bytes())
    assert says(replace(spec, identity=None)) == b"hello\n"


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("a") / "s"
    process = subprocess.Popen([system_tool("ssh-agent"), "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    while not place.exists():
        assert process.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    yield place
    process.terminate()
    process.wait(10)


def add(key: Path) -> None:
    key.chmod(0o600)
    subprocess.run([system_tool("ssh-add"), "-q", str(key)], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.usefixtures("agent")
def test_the_agent_unlocks_what_has_a_passphrase(
    spec: HostSpec, sshd: Sshd, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    add(sshd.key)
    assert says(replace(spec, identity=None)) == b"hello\n"
    locked = tmp_path / "locked"
    locked.write_bytes(sshd.key.read_bytes())
    locked.chmod(0o600)
    subprocess.run(
        [system_tool("ssh-keygen"), "-q", "-p", "-P", "", "-N", "geheim", "-f", str(locked)], check=True
    )
    Path(f"{locked}.pub").write_bytes(Path(f"{sshd.key}.pub").read_bytes())
    assert says(replace(spec, identity=str(locked))) == b"hello\n"
    assert says(replace(spec, identity=f"{locked}.pub")) == b"hello\n"


@pytest.mark.usefixtures("agent")
def test_many_keys_in_the_agent_do_not_use_up_the_tries_when_one_is_named(
    spec: HostSpec, sshd: Sshd, home: Path, tmp_path: Path
) -> None:
    for number in range(8):
        add(make_key(tmp_path / f"k{number}"))
    trust(home, sshd)
    plain = HostSpec(host="gpu")
    configure(home, block("gpu", sshd, f"IdentityFile {sshd.key}"))
    error = refused(plain)
    assert "hung up" in str(error)
    assert "ssh-agent" in str(error)
    configure(home, block("gpu", sshd, f"IdentityFile {sshd.key}", "IdentitiesOnly yes"))
    assert says(plain) == b"hello\n"
    add(sshd.key)
    configure(home, block("gpu", sshd, f"IdentityFile {sshd.key}"))
    assert says(plain) == b"hello\n"
    assert says(spec) == b"hello\n"


def test_the_configuration_may_name_the_agent(
    agent: Path, home: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(sshd.key)
    monkeypatch.delenv("SSH_AUTH_SOCK")
    trust(home, sshd)
    configure(home, block("gpu", sshd))
    assert "no key" in str(refused(HostSpec(host="gpu")))
    configure(home, block("gpu", sshd, f"IdentityAgent {agent}"))
    assert says(HostSpec(host="gpu")) == b"hello\n"


def test_an_agent_that_is_gone_is_no_obstacle(spec: HostSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    assert says(spec) == b"hello\n"


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


def test_a_second_factor_is_said(tmp_path: Path) -> None:
    settings = ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes")
    with running_sshd(tmp_path / "own", *settings) as server:
        spec = HostSpec(
            host="127.0.0.1",
            port=server.port,
            user=server.user,
            identity=str(server.key),
            known_hosts=str(server.known_hosts),
        )
        assert "keyboard-interactive as well as" in str(refused(spec))


def test_a_server_that_takes_no_keys_is_said(tmp_path: Path) -> None:
    with running_sshd(
        tmp_path / "own", "PubkeyAuthentication no", "PasswordAuthentication yes", "PermitRootLogin yes"
    ) as server:
        spec = HostSpec(
            host="127.0.0.1",
            port=server.port,
            user=server.user,
            identity=str(server.key),
            known_hosts=str(server.known_hosts),
        )
        assert "accepts no keys" in str(refused(spec))


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
