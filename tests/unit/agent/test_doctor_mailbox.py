"""``hybrid doctor`` with a mailbox that is missing, damaged, full, read-only, or breaks its promises."""

import os
import time
from pathlib import Path

import pytest

from agent import doctor_mailbox
from agent.cli import main
from agent.doctor_findings import Status
from agent.project import laptop_id
from sync.clock import ManualClock
from sync.remotes.base import Capabilities
from sync.remotes.folder import FolderRemote
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.support.careless_sftp import careless_sftp
from tests.support.doctor import Patient, assert_fails, assert_warns
from tests.support.mailboxes import make_mailbox
from tests.support.small_disk import mounted


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_a_mailbox_folder_that_is_not_there_is_warned_about_and_not_made(patient: Patient) -> None:
    patient.mail.rmdir()
    assert_warns(patient.examined()["mailbox"], "not there yet")
    assert not patient.mail.exists()


def test_a_mailbox_that_is_no_folder_fails(patient: Patient) -> None:
    patient.mail.rmdir()
    patient.mail.write_text("a file in the way")
    assert_fails(patient.examined()["mailbox"], "is no folder")


def test_a_damaged_mailbox_fails_and_is_not_written_to(patient: Patient) -> None:
    (patient.mail / "plates").mkdir()
    (patient.mail / "plates" / "format.json").write_text("{}")
    found = patient.examined()
    assert_fails(found["mailbox"], "no usable mailbox")
    assert "write once" not in found


def test_an_existing_mailbox_is_left_as_it_was(patient: Patient) -> None:
    make_mailbox(FolderRemote(str(patient.mail)), "plates")
    before = sorted(patient.mail.rglob("*"))
    found = patient.examined()
    assert found["mailbox"].what.endswith("format 1")
    assert found["write once"].status is Status.OK
    assert sorted(patient.mail.rglob("*")) == before


@pytest.mark.parametrize("pushed", [False, True])
def test_what_a_check_that_was_cut_short_left_behind_goes_with_gc(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, pushed: bool
) -> None:
    monkeypatch.chdir(patient.root)
    assert not pushed or main(["push", "-q"]) == 0
    with monkeypatch.context() as cut_short:
        cut_short.setattr(FolderRemote, "delete_folder", lambda *_: None)
        patient.examined()
    (left,) = (patient.mail / "plates" if pushed else patient.mail).glob("doctor-*")
    assert left.name.startswith(f"doctor-{laptop_id()}-")
    assert main(["push", "-q"]) == 0 and main(["gc", "-q"]) == 0
    assert not left.exists()


@pytest.mark.platform
def test_a_mailbox_for_reading_only_fails(patient: Patient) -> None:
    with mounted(patient.mail, "size=1m,ro"):
        assert_fails(patient.examined()["write once"], "Read-only")


@pytest.mark.platform
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_mailbox_that_this_user_may_not_write_fails(patient: Patient) -> None:
    patient.mail.chmod(0o555)
    try:
        assert_fails(patient.examined()["write once"], "ermission")
    finally:
        patient.mail.chmod(0o755)


@pytest.mark.platform
def test_a_full_mailbox_fails_and_is_left_clean(patient: Patient) -> None:
    with mounted(patient.mail, "size=64k"):
        assert_fails(patient.examined()["write once"], "No space left")
        assert list(patient.mail.iterdir()) == []


@pytest.mark.platform
def test_a_mailbox_with_little_room_fails(patient: Patient) -> None:
    with mounted(patient.mail, "size=4m"):
        found = patient.examined()
        assert found["write once"].status is Status.OK
        assert_fails(found["disk mailbox"], f"free at {patient.mail}")


def test_a_mailbox_whose_clock_is_apart_is_warned_about(patient: Patient) -> None:
    late = ManualClock(wall=time.time() + 3600)
    assert_warns(patient.examined(clock=late)["clock mailbox"], "away from this machine's")


@pytest.mark.skipif(os.name == "nt", reason="the server serves POSIX paths")
@pytest.mark.parametrize(
    ("vice", "what"),
    [
        ("overwrites", "it lets a file be overwritten"),
        ("shortens", "it gives back something else"),
        ("lists nothing", "it does not list a file"),
        ("takes nothing", "refused to write"),
    ],
)
def test_a_server_that_breaks_a_promise_fails_and_is_left_clean(
    patient: Patient, tmp_path: Path, vice: str, what: str
) -> None:
    with careless_sftp(tmp_path / "server", vice) as server:
        patient.configure(
            f'url = "{server.url}"\nidentity = "{server.identity}"\nknown_hosts = "{server.known_hosts}"'
        )
        assert_fails(patient.examined()["write once"], what)
        left = [] if vice != "lists nothing" else [each.name for each in server.root.rglob("probe")]
        assert [each.name for each in server.root.rglob("*") if each.is_file()] == left


def test_a_mailbox_whose_listings_lag_keeps_its_promises() -> None:
    clock = ManualClock()
    store = MemoryStore(clock=clock, lag=20, capabilities=Capabilities(settle_s=30, strong_listing=False))
    (found,) = doctor_mailbox.promises(MemoryRemote(store), "doctor-1", clock)
    assert found.status is Status.OK
