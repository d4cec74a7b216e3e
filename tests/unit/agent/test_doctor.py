"""``hybrid doctor`` as a command: what it shows, when, how it ends, and that it never hangs."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import main
from agent.doctor_findings import Examiner, fail, ok, warn, worst
from sync.progress import Silent
from tests.support.doctor import REPOSITORY, Patient, assert_fails

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    patient = Patient(tmp_path)
    monkeypatch.chdir(patient.root)
    return patient


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


LIMITS_S = (3, 12, 48)
"""A limit holds for all checks. Where even a good one does not keep to it, because the machine is busy, the next is tried."""


def test_a_healthy_project_passes_every_check_and_nothing_stays_behind(
    patient: Patient, capsys: Capture
) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert [each for each in found["checks"] if each["status"] == "fail"] == []
    machine = {"python", "dependencies", "compression", "chunker", "git", "user folders", "runner"}
    project = {"config", "state", "database", "disk", "clock", "push"}
    mailbox = {"mailbox", "write once", "disk mailbox"}
    assert {each["name"] for each in found["checks"]} - {"watching"} == machine | project | mailbox
    assert list(patient.mail.iterdir()) == []


def test_a_failed_check_is_exit_code_1_with_what_to_do(patient: Patient, capsys: Capture) -> None:
    (patient.root / "hybrid.toml").write_text("[projekt]\n")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "fail  config" in out
    assert "hybrid.toml:1" in out
    assert "Try: " in out


def test_the_end_says_what_to_do_first(patient: Patient, capsys: Capture) -> None:
    patient.configure("")
    assert main(["doctor"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert "1 failed" in last
    assert "First, mailbox: Write under [remote]" in last
    main(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["first"] == "mailbox"


def test_a_failure_comes_before_a_warning_and_what_others_lean_on_before_them() -> None:
    light, grave, later = (
        warn("a", "slow", "wait."),
        fail("b", "broken", "mend it."),
        fail("c", "lost", "look."),
    )
    assert worst([ok("x", "fine"), light, grave, later]) == grave
    assert worst([ok("x", "fine"), light]) == light
    assert worst([ok("x", "fine")]) is None


def test_warnings_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "warn  project" in out
    assert out.endswith("1 warning. First, project: hybrid init\n")


def test_findings_are_shown_as_they_are_made(patient: Patient, silent_server: int) -> None:
    patient.configure(f'url = "sftp://me@127.0.0.1:{silent_server}/mail"')
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "doctor", "--limit", "60"],
        cwd=patient.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            # The server holds up a later check for many seconds; these lines are there before it is done.
            seen = iter(process.stdout.readline, "")
            assert any(line.startswith("ok    disk") for line in seen)
            assert process.poll() is None
        finally:
            process.kill()


def test_a_check_that_hangs_is_given_up_and_the_others_are_made(
    patient: Patient, silent_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.ssh.connection.CONNECT_S", 600.0)
    patient.configure(
        'url = "folder:../mail"',
        f'[machines.box]\nhost = "me@127.0.0.1:{silent_server}"\nknown_hosts = "{patient.root / "none"}"\n',
    )
    for limit_s in LIMITS_S:
        found = patient.examined(limit_s=limit_s)
        if [name for name, each in found.items() if each.status.value == "fail"] == ["ssh box"]:
            break
    assert_fails(found["ssh box"], f"no answer within {limit_s} s")
    assert found["write once"].what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_what_can_never_be_read_to_its_end_does_not_hold_up_ours(patient: Patient) -> None:
    path = patient.root / "hybrid.toml"
    path.unlink()
    os.mkfifo(path)
    for limit_s in LIMITS_S:
        done = subprocess.run(
            [sys.executable, "-m", "agent", "doctor", "--json", "--limit", str(limit_s)],
            cwd=patient.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "")
        found = json.loads(done.stdout)
        if found["first"] == "config":
            break
    assert found["first"] == "config"
    assert f"no answer within {limit_s} s" in found["checks"][-1]["what"]


def test_a_bug_in_a_check_is_not_taken_for_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        Examiner(Silent()).make("sums", lambda: [ok("sums", str(1 // 0))])


def test_offline_contacts_no_mailbox(patient: Patient) -> None:
    patient.configure('url = "sftp://nowhere.invalid/mail"')
    found = patient.examined(offline=True)
    assert [name for name, each in found.items() if each.status.value == "fail"] == []
    assert not found.keys() & {"mailbox", "write once", "ssh mailbox"}


def test_a_project_without_a_mailbox_fails(patient: Patient) -> None:
    patient.configure("")
    assert_fails(patient.examined()["mailbox"], "does not say where")
