"""Who is who: the host proves that it is known, and we prove who we are, with keys from files and from an agent."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync.ssh.known_hosts import fingerprint, known_keys
from sync.ssh.target import HostSpec
from tests.support.ssh_words import block, configure, refused, says, trust
from tests.support.sshd import Sshd, make_key, running_sshd, system_tool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")


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
