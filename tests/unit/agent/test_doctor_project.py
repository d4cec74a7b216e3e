"""``hybrid doctor`` in a project that something is wrong with: settings, state, disk, clock, tree."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent import doctor_machine, doctor_project
from agent.cli import main
from agent.doctor_findings import Status
from agent.project import Project
from sync.clock import ManualClock
from tests.support.doctor import Patient, assert_fails, assert_warns
from tests.support.small_disk import mounted


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_settings_that_cannot_be_used_fail_with_their_line(patient: Patient) -> None:
    patient.configure('url = "folder:/tmp/m"', "[push]\nincludes = []\n")
    found = patient.examined()
    assert_fails(found["config"], "hybrid.toml:6")
    assert "push" not in found


def test_state_that_cannot_be_written_fails(patient: Patient) -> None:
    (patient.root / ".hybrid").write_text("a file in the way")
    found = patient.examined(offline=True)
    assert_fails(found["state"], "is no folder")
    assert "push" not in found


@pytest.mark.platform
def test_state_on_a_disk_for_reading_only_fails(patient: Patient) -> None:
    with mounted(patient.root / ".hybrid", "size=1m,ro"):
        found = patient.examined(offline=True)
        assert_fails(found["state"], "Read-only")
        assert "push" not in found


@pytest.mark.platform
def test_a_disk_with_hardly_any_room_fails(patient: Patient) -> None:
    with mounted(patient.root, "size=1m"):
        patient.configure('url = "folder:../mail"')
        assert_fails(patient.examined(offline=True)["disk"], f"are free at {patient.root}")


@pytest.mark.platform
def test_a_disk_that_takes_few_more_files_is_warned_about(patient: Patient) -> None:
    with mounted(patient.root, "size=1g,nr_inodes=500"):
        patient.configure('url = "folder:../mail"')
        assert_warns(patient.examined(offline=True)["files"], "files more")


def test_little_room_is_worth_a_word() -> None:
    assert_warns(doctor_machine.disk("disk", "/here", 500_000_000), "500 MB")
    assert_fails(doctor_machine.disk("disk", "/here", 50_000_000), "50.0 MB")
    assert doctor_machine.disk("disk", "/here", 10**10).status is Status.OK


def test_a_clock_that_was_never_set_fails(patient: Patient) -> None:
    assert_fails(patient.examined(offline=True, clock=ManualClock(wall=0.0))["clock"], "years behind")


def test_a_clock_apart_from_the_disks_is_warned_about(patient: Patient) -> None:
    late = ManualClock(wall=time.time() + 900)
    assert_warns(patient.examined(offline=True, clock=late)["clock"], "s away from this machine's")


def test_what_the_next_push_holds_back_is_named(patient: Patient) -> None:
    subprocess.run(["git", "init", "-q", str(patient.root)], check=True)
    (patient.root / ".gitignore").write_text("data/\n")
    (patient.root / "data").mkdir()
    (patient.root / "data" / "plate.txt").write_text("x")
    found = patient.examined(offline=True)["push"]
    assert found.status is Status.OK
    assert "1 path held back" in found.what
    assert 'include = ["data/"]' in found.what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_path_that_cannot_be_pushed_is_warned_about(patient: Patient) -> None:
    os.mkfifo(patient.root / "pipe")
    assert_warns(patient.examined(offline=True)["push"], "pipe")


def test_a_push_that_is_at_work_is_warned_about(patient: Patient) -> None:
    with Project.find(patient.root).lock("push"):
        assert_warns(patient.examined(offline=True)["push"], "at work")


def test_a_bad_include_fails(patient: Patient) -> None:
    patient.configure('url = "folder:../mail"', '[push]\ninclude = ["../elsewhere"]\n')
    assert_fails(patient.examined(offline=True)["push"], "elsewhere")


def test_a_project_that_was_emptied_fails(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(patient.root)
    for number in range(30):
        (patient.root / f"{number}.py").write_text("x")
    assert main(["push", "-q"]) == 0
    for number in range(30):
        (patient.root / f"{number}.py").unlink()
    assert_fails(patient.examined(offline=True)["push"], "")


def test_more_folders_than_can_be_watched_are_warned_about(tmp_path: Path) -> None:
    (tmp_path / "max_user_watches").write_text("8192\n")
    (found,) = doctor_project.watching(5000, tmp_path)
    assert_warns(found, "8,192")
    assert "fs.inotify.max_user_watches=524288" in found.fix
    (found,) = doctor_project.watching(400, tmp_path)
    assert found.status is Status.OK


@pytest.mark.platform
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this limit")
def test_the_systems_own_limit_is_read(patient: Patient) -> None:
    limit = int((doctor_project.INOTIFY / "max_user_watches").read_text())
    assert f"{limit:,}" in patient.examined(offline=True)["watching"].what


def test_a_system_without_such_a_limit_says_nothing(tmp_path: Path) -> None:
    assert list(doctor_project.watching(5000, tmp_path / "nothing")) == []
