"""Two real OpenSSH servers, and a user whose own settings do not count."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.ssh.target import HostSpec
from tests.support.sshd import Sshd, running_sshd


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
    """Neither the configuration nor the agent of whoever runs the tests."""
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
