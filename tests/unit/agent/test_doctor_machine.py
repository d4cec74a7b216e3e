"""``hybrid doctor`` on a machine that lacks something: for real, in a process of its own where that can be."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import doctor_machine
from agent.doctor_findings import Examiner, Status
from sync.progress import Silent
from sync.store.codec import Zstd
from tests.support.doctor import Patient, assert_fails, assert_warns


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_old_python_fails() -> None:
    assert_fails(doctor_machine.python_version((3, 9, 2)), "3.9.2")
    assert doctor_machine.python_version((3, 11, 0)).status is Status.OK


def test_a_package_that_cannot_be_imported_fails_and_is_named(patient: Patient) -> None:
    found = patient.without("pyarrow", "rich")["dependencies"]
    assert_fails(found, "pyarrow (No module named 'pyarrow')")
    assert "rich (" in found.what
    assert "click (" not in found.what


@pytest.mark.platform
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from Python 3.14 on, zstd is a part of it")
def test_missing_zstd_fails(patient: Patient) -> None:
    found = patient.without("backports.zstd", "zstandard", "ctypes", "pyarrow")
    assert_fails(found["compression"], "no zstd codec")


def test_broken_zstd_fails() -> None:
    def refuse(data: bytes) -> bytes:
        raise ValueError("no memory")

    assert_fails(doctor_machine.zstd(Zstd("odd", lambda data: data, lambda data, limit: b"")), "odd")
    assert_fails(doctor_machine.zstd(Zstd("odd", refuse, lambda data, limit: data)), "no memory")


def test_missing_chunker_is_warned_about(patient: Patient) -> None:
    assert_warns(patient.without("pyfastcdc")["chunker"], "pyfastcdc is missing")


def test_chunker_that_is_not_compiled_is_warned_about(patient: Patient) -> None:
    core = doctor_machine.cutting_module()
    assert core.startswith("pyfastcdc.cy"), "here it is compiled"
    assert_warns(patient.without("pyfastcdc.cy", core)["chunker"], "not compiled")


def test_missing_git_is_warned_about(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(patient.mail))
    assert_warns(patient.examined(offline=True)["git"], "not installed")


@pytest.mark.parametrize("variable", ["HYBRID_CONFIG_DIR", "HYBRID_DATA_DIR"])
def test_a_file_where_the_users_folder_should_be_fails(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (patient.mail / "file").write_text("in the way")
    monkeypatch.setenv(variable, str(patient.mail / "file" / "hybrid"))
    found = patient.examined(offline=True)["user folders"]
    assert_fails(found, "it is no folder")
    assert variable in found.fix


def test_a_damaged_laptop_id_fails(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    (patient.mail / "laptop-id").write_text("?")
    monkeypatch.setenv("HYBRID_CONFIG_DIR", str(patient.mail))
    assert_fails(patient.examined(offline=True)["user folders"], "does not hold an id")


def test_a_python_that_cannot_start_the_runner_fails(tmp_path: Path) -> None:
    assert_fails(doctor_machine.runner(str(tmp_path / "nothing")), "cannot be started")


@pytest.mark.skipif(os.name == "nt", reason="a script that is started by its first line")
def test_a_runner_that_ends_with_an_error_fails(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho too old >&2\nexit 3\n")
    python.chmod(0o755)
    found = doctor_machine.runner(str(python))
    assert_fails(found, "exit code 3")
    assert "too old" in found.what


@pytest.mark.skipif(os.name == "nt", reason="a script that is started by its first line")
def test_a_runner_that_hangs_ends_with_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 600\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    # On a busy machine the script may not even begin in so little time.
    for limit_s in (3, 15, 60):
        found = {each.name: each for each in doctor_machine.examine(Examiner(Silent(), limit_s=limit_s))}
        if (tmp_path / "pid").exists() and "does not start it" in found["runner"].what:
            break
    assert_fails(found["runner"], f"does not start it within {0.8 * limit_s:g} s")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(os.name == "nt", reason="there are no limits of a process")
def test_no_room_for_temporary_files_fails(patient: Patient) -> None:
    found = patient.without(before=_files_of_at_most(1000))
    assert_fails(found["runner"], "File too large")
    assert "temporary" in found["runner"].fix


@pytest.mark.skipif(os.name == "nt", reason="there are no limits of a process")
def test_no_room_for_the_state_fails(patient: Patient) -> None:
    assert_fails(patient.without(before=_files_of_at_most(1000))["state"], "File too large")


def _files_of_at_most(size: int) -> Callable[[], None]:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit
