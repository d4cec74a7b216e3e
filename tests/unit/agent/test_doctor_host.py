"""``hybrid doctor`` with a real SSH server: the way there, its key, our login, SFTP, and the Python of the runner."""

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.doctor_findings import Finding, Status
from sync.clock import ManualClock
from tests.support.doctor import REPOSITORY, Patient, assert_fails, assert_warns
from tests.support.sshd import Sshd, make_key, running_sshd

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the server of these tests runs on POSIX")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def with_python(
    patient: Patient, server: Sshd, text: str, *, clock: ManualClock | None = None
) -> dict[str, Finding]:
    """What is found where the runner's Python on ``server`` is a program of this text."""
    python = patient.mail / "python"
    python.write_text(text)
    python.chmod(0o755)
    known = f'identity = "{server.key}"\nknown_hosts = "{server.known_hosts}"'
    machine = (
        f'[machines.box]\nhost = "{server.user}@127.0.0.1:{server.port}"\npython = "{python}"\n{known}\n'
    )
    patient.configure('url = "folder:../mail"', machine)
    return patient.examined(clock=clock)


def test_a_mailbox_over_sftp_is_checked_from_the_login_to_its_promises(patient: Patient, sshd: Sshd) -> None:
    patient.on(sshd)
    found = patient.examined()
    there = ("ssh", "host key", "login", "sftp", "python", "clock", "disk", "runner", "gpu")
    names = [f"{name} mailbox" for name in there]
    assert [found[name].status for name in [*names, "mailbox", "write once"]] == [Status.OK] * 11, found
    assert list(sshd.root.iterdir()) == []
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    table = page.split("| check | what it looks at |")[1].split("\n\n")[0]
    told = {name.replace("NAME", "mailbox") for name in re.findall(r"`([^`]+)`", table)}
    assert found.keys() - told == set(), "every check stands in the page on commands"


def test_a_host_where_nothing_listens_fails(patient: Patient, sshd: Sshd) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        patient.configure(f'url = "sftp://{sshd.user}@127.0.0.1:{unused.getsockname()[1]}/mail"')
        found = patient.examined()
    assert_fails(found["ssh mailbox"], "Nothing answers")
    assert not found.keys() & {"login mailbox", "mailbox", "write once"}


def test_an_address_that_is_none_fails_and_the_others_are_looked_at(patient: Patient, sshd: Sshd) -> None:
    patient.on(sshd, '[machines.box]\nhost = "a b:c/d"\n')
    found = patient.examined()
    assert_fails(found["ssh box"], "a b:c/d")
    assert found["write once"].status is Status.OK


@pytest.mark.parametrize("address", ["a b:c", "[bad", "me@host:99999"])
def test_a_mailbox_at_an_address_that_is_none_fails(patient: Patient, address: str) -> None:
    patient.configure(f'url = "sftp://{address}/mail"')
    found = patient.examined()
    assert_fails(found["ssh mailbox"], address)
    assert "mailbox" not in found


def test_an_unknown_host_key_fails_and_the_mailbox_is_not_asked(
    patient: Patient, sshd: Sshd, tmp_path: Path
) -> None:
    patient.on(sshd, known_hosts=tmp_path / "none")
    found = patient.examined()
    assert found["ssh mailbox"].status is Status.OK
    assert_fails(found["host key mailbox"], "is not known")
    assert not found.keys() & {"login mailbox", "mailbox", "write once"}


def test_a_host_key_that_is_another_than_known_fails(patient: Patient, sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    kind, blob = (tmp_path / "other.pub").read_text().split()[:2]
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {kind} {blob}\n")
    patient.on(sshd, known_hosts=known_hosts)
    assert_fails(patient.examined()["host key mailbox"], "has changed")


def test_a_key_that_the_host_does_not_take_fails(patient: Patient, sshd: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    patient.configure(f'url = "{sshd.url}"\nidentity = "{stranger}"\nknown_hosts = "{sshd.known_hosts}"')
    found = patient.examined()
    assert found["host key mailbox"].status is Status.OK
    assert_fails(found["login mailbox"], "Cannot log in")


def test_a_server_without_sftp_fails(patient: Patient, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "bare", "Subsystem another internal-sftp") as server:
        patient.on(server)
        found = patient.examined()
    assert found["login mailbox"].status is Status.OK
    assert_fails(found["sftp mailbox"], "offers no SFTP")
    assert "write once" not in found


def test_missing_python_there_fails(patient: Patient, sshd: Sshd) -> None:
    found = with_python(patient, sshd, "#!/nowhere/python3\n")
    assert_fails(found["python box"], "does not start there")
    assert "[machines.box]" in found["python box"].fix
    assert found["write once"].status is Status.OK, "the mailbox is another matter"


def test_old_python_there_fails(patient: Patient, sshd: Sshd) -> None:
    answer = """echo 'hybrid-doctor:{"python": [3, 8], "time": 1.0}'"""
    assert_fails(with_python(patient, sshd, f"#!/bin/sh\n{answer}\n")["python box"], "is Python 3.8 there")


def test_a_login_shell_that_prints_hides_nothing(patient: Patient, sshd: Sshd) -> None:
    found = with_python(
        patient, sshd, f'#!/bin/sh\necho "Welcome! {{}}"\n{sys.executable} "$@"\nprintf "Good bye"\n'
    )
    assert found["runner box"].status is Status.OK


def test_an_answer_that_makes_no_sense_fails(patient: Patient, sshd: Sshd) -> None:
    answer = """echo 'hybrid-doctor:{"python": "new"}'; echo 'hybrid-doctor:['; echo 'hybrid-doctor:[1]'"""
    assert_fails(with_python(patient, sshd, f"#!/bin/sh\n{answer}\n")["python box"], "does not start")


def test_a_python_there_without_zstd_fails(patient: Patient, sshd: Sshd) -> None:
    text = f"""#!{sys.executable}
import sys
for name in ("compression", "backports", "zstandard", "ctypes", "pyarrow"):
    sys.modules[name] = None
program, sys.argv = sys.argv[3], ["-c", sys.argv[4]]
exec(program)
"""
    assert_fails(with_python(patient, sshd, text)["runner box"], "no zstd codec")


def test_no_room_for_the_runner_there_fails(patient: Patient, sshd: Sshd) -> None:
    found = with_python(patient, sshd, f'#!/bin/sh\nulimit -f 1\nexec {sys.executable} "$@"\n')
    assert_fails(found["runner box"], "File too large")


def test_a_clock_there_that_is_apart_is_warned_about(patient: Patient, sshd: Sshd) -> None:
    late = ManualClock(wall=time.time() + 3600)
    found = with_python(patient, sshd, f'#!/bin/sh\nexec {sys.executable} "$@"\n', clock=late)
    assert_warns(found["clock box"], "behind this machine's")


def test_the_gpus_there_are_named(patient: Patient, sshd: Sshd) -> None:
    tool = patient.mail / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-1, Tesla T4, 15360, 15000'\n")
    tool.chmod(0o755)
    text = f'#!/bin/sh\nPATH={patient.mail}:$PATH exec {sys.executable} "$@"\n'
    assert with_python(patient, sshd, text)["gpu box"].what == "Tesla T4"
