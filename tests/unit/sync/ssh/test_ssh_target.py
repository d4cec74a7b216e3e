"""Which machine a name means, decided from ssh's configuration."""

import getpass
from pathlib import Path

import paramiko
import pytest

from sync.errors import Unreachable, UsageError
from sync.ssh.target import HostSpec, parse_host, read_config, resolve

HOME = Path("/home/someone")


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("gpu", None, "gpu", None),
        ("me@gpu", "me", "gpu", None),
        ("gpu:2222", None, "gpu", 2222),
        ("me@gpu.example.org:2222", "me", "gpu.example.org", 2222),
        ("me@[::1]:22", "me", "::1", 22),
        ("[fe80::1%eth0]", None, "fe80::1%eth0", None),
        ("user.name@10.0.0.1", "user.name", "10.0.0.1", None),
    ],
)
def test_a_host_may_come_with_user_and_port(text: str, user: str | None, host: str, port: int | None) -> None:
    spec = parse_host(text)
    assert spec == HostSpec(host=host, user=user, port=port)
    assert parse_host(spec.address) == spec


@pytest.mark.parametrize(
    "text",
    ["", "@gpu", "gpu:", "gpu:x", "gpu:0", "gpu:65536", "a b", "-oProxyCommand=x", "-x@gpu", "a/b", "::1"],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_host(text)


def test_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(UsageError) as caught:
        parse_host("me:geheim@gpu")
    assert "geheim" not in str(caught.value) + caught.value.hint


def test_the_command_for_a_person_is_quoted_and_complete() -> None:
    spec = HostSpec(host="gpu", user="me", port=2222, identity="/my keys/id", known_hosts="/kh")
    assert spec.command == "ssh -p 2222 -i '/my keys/id' -o UserKnownHostsFile=/kh me@gpu"
    assert HostSpec(host="gpu").command == "ssh gpu"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(HOME))


def config(text: str) -> paramiko.SSHConfig:
    return paramiko.SSHConfig.from_text(text)


def test_without_configuration_the_defaults_of_ssh_hold() -> None:
    target = resolve(HostSpec(host="Gpu.example.org"), config(""), HOME)
    assert (target.host, target.port, target.user) == ("Gpu.example.org", 22, getpass.getuser())
    assert target.key_name == "gpu.example.org"
    assert target.identities[0] == f"{HOME}/.ssh/id_ed25519"
    assert target.known_hosts[0] == f"{HOME}/.ssh/known_hosts"
    assert "/etc/ssh/ssh_known_hosts" in target.known_hosts
    assert (target.jumps, target.identities_only) == ((), False)


def test_an_alias_stands_for_all_that_the_configuration_says() -> None:
    text = """
    Host gpu
      HostName 10.1.2.3
      Port 2222
      User lab
      IdentityFile ~/.ssh/one
      IdentityFile /keys/two
      IdentitiesOnly yes
      UserKnownHostsFile ~/.ssh/kh1 /kh2
      GlobalKnownHostsFile /kh3
      ProxyJump me@gate:2200,inner
    """
    target = resolve(HostSpec(host="gpu"), config(text), HOME)
    assert (target.host, target.port, target.user) == ("10.1.2.3", 2222, "lab")
    assert target.key_name == "[10.1.2.3]:2222"
    assert target.identities == (f"{HOME}/.ssh/one", "/keys/two")
    assert target.identities_only
    assert target.known_hosts == (f"{HOME}/.ssh/kh1", "/kh2", "/kh3")
    assert target.jumps == (HostSpec(host="gate", user="me", port=2200), HostSpec(host="inner"))


def test_what_was_said_explicitly_wins_over_the_configuration() -> None:
    text = (
        "Host gpu\n User lab\n Port 2222\n IdentityFile /keys/two\n UserKnownHostsFile /kh\n ProxyJump gate\n"
    )
    spec = HostSpec(host="gpu", user="me", port=2201, identity="~/key", known_hosts="/mine")
    target = resolve(spec, config(text), HOME)
    assert (target.user, target.port) == ("me", 2201)
    assert target.identities == (f"{HOME}/key",)
    assert target.identities_only
    assert target.known_hosts == ("/mine",)
    assert target.jumps == (HostSpec(host="gate", known_hosts="/mine"),)


def test_a_key_alias_names_the_key_without_a_port() -> None:
    target = resolve(HostSpec(host="gpu", port=2222), config("Host *\n HostKeyAlias pods\n"), HOME)
    assert target.key_name == "pods"


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("", None),
        ("IdentityAgent SSH_AUTH_SOCK", None),
        ("IdentityAgent none", ""),
        ("IdentityAgent $MY_AGENT", "/run/mine"),
        ('IdentityAgent "~/vault/agent.sock"', f"{HOME}/vault/agent.sock"),
    ],
)
def test_another_agent_or_none_may_be_named(
    said: str, agent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_AGENT", "/run/mine")
    assert resolve(HostSpec(host="gpu"), config(f"Host gpu\n {said}\n"), HOME).agent == agent


@pytest.mark.parametrize("value", ["none", "NONE"])
def test_jumps_and_commands_can_be_switched_off(value: str) -> None:
    text = f"Host *\n ProxyJump {value}\n ProxyCommand {value}\n"
    assert resolve(HostSpec(host="gpu"), config(text), HOME).jumps == ()


def test_a_proxy_command_is_refused_rather_than_gone_around() -> None:
    with pytest.raises(Unreachable, match="ProxyCommand"):
        resolve(HostSpec(host="gpu"), config("Host gpu\n ProxyCommand nc %h %p\n"), HOME)


def test_a_port_that_is_no_number_is_the_configurations_fault() -> None:
    with pytest.raises(UsageError, match="'ssh'"):
        resolve(HostSpec(host="gpu"), config("Host gpu\n Port ssh\n"), HOME)


def written(home: Path, files: dict[str, str]) -> paramiko.SSHConfig:
    for name, text in files.items():
        path = home / ".ssh" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_config(home, home / ".ssh" / "system")


def test_the_users_word_counts_before_the_machines(tmp_path: Path) -> None:
    found = written(tmp_path, {"config": "Host gpu\n User mine\n", "system": "User theirs\nPort 99\n"})
    target = resolve(HostSpec(host="gpu"), found, tmp_path)
    assert (target.user, target.port) == ("mine", 99)


def test_included_files_count_and_the_block_goes_on_after_them(tmp_path: Path) -> None:
    files = {
        "config": "Include hosts.d/*.conf\nHost lab\n Include lab-user\n Port 2222\n",
        "hosts.d/a.conf": "Host gpu\n HostName 10.0.0.1\n",
        "hosts.d/b.conf": f"Include {tmp_path}/.ssh/more\n",
        "more": "Host other\n HostName 10.0.0.2\n",
        "lab-user": "User lab\n",
    }
    found = written(tmp_path, files)
    assert resolve(HostSpec(host="gpu"), found, tmp_path).host == "10.0.0.1"
    assert resolve(HostSpec(host="other"), found, tmp_path).host == "10.0.0.2"
    lab = resolve(HostSpec(host="lab"), found, tmp_path)
    assert (lab.user, lab.port) == ("lab", 2222)
    assert resolve(HostSpec(host="gpu"), found, tmp_path).port == 22


def test_a_file_that_includes_itself_ends(tmp_path: Path) -> None:
    found = written(tmp_path, {"config": "Include config\nHost gpu\n Port 7\n"})
    assert resolve(HostSpec(host="gpu"), found, tmp_path).port == 7


def test_no_configuration_at_all_is_fine(tmp_path: Path) -> None:
    assert resolve(HostSpec(host="gpu"), read_config(tmp_path, tmp_path / "none"), tmp_path).port == 22


def test_a_configuration_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    config = written(tmp_path, {"config": "Match nonsense\n"})
    with pytest.raises(UsageError, match="configuration"):
        config.lookup("gpu")


@pytest.mark.parametrize(
    ("text", "says_something"),
    [
        ("", False),
        ("Host *\n  SendEnv LANG\n\tServerAliveInterval=5\n# User me\n", False),
        ("Host *\n  SendEnv LANG\n  PORT=7\n", True),
        ("Match host gpu exec true\n", True),
        ("Include more\n", True),
    ],
)
def test_where_nothing_is_said_that_matters_nobody_is_asked(
    tmp_path: Path, text: str, says_something: bool
) -> None:
    config = written(tmp_path, {"config": text, "more": "Host gpu\n User me\n"})
    assert config.says_something is says_something
    if not says_something:
        through_paramiko = paramiko.SSHConfig.from_text(text).lookup("gpu")
        assert set(through_paramiko) & {"user", "port", "identityfile", "proxyjump", "hostkeyalias"} == set()
        assert resolve(HostSpec(host="gpu"), config, tmp_path).host == through_paramiko["hostname"] == "gpu"


@pytest.mark.parametrize("line", ['Include "hosts', 'UserKnownHostsFile "~/.ssh/known hosts'])
def test_a_quote_that_does_not_end_is_the_configurations_fault(line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="configuration"):
        resolve(HostSpec(host="gpu"), written(tmp_path, {"config": f"Host gpu\n {line}\n"}), tmp_path)
