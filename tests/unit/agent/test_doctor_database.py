"""``hybrid doctor`` with a state database that cannot be used: it says so, and leaves it where it is."""

import sqlite3
from pathlib import Path

import pytest

from agent.cli import main
from agent.doctor_findings import Status
from sync.local.database import VERSION
from tests.support.doctor import Patient, assert_fails, assert_warns


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


@pytest.fixture
def database(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state database after a push."""
    monkeypatch.chdir(patient.root)
    assert main(["push", "-q"]) == 0
    path = patient.root / ".hybrid" / "state.db"
    assert patient.examined(offline=True)["database"].status is Status.OK
    return path


def test_a_damaged_database_fails_and_stays_where_it_is(patient: Patient, database: Path) -> None:
    database.write_bytes(b"no database at all" * 1000)
    before = sorted(each.name for each in database.parent.iterdir())
    found = patient.examined(offline=True)
    assert_fails(found["database"], "cannot be read")
    assert "push" not in found
    assert sorted(each.name for each in database.parent.iterdir()) == before


def test_a_database_damaged_inside_fails(patient: Patient, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE rootpage > 0 LIMIT 1"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with open(database, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    found = patient.examined(offline=True)
    assert found["database"].status is Status.FAIL
    assert "push" not in found


def test_a_database_of_a_newer_version_fails(patient: Patient, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    assert_fails(patient.examined(offline=True)["database"], "newer hybrid")


def test_a_database_that_somebody_holds_fails(patient: Patient, database: Path) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        assert_fails(patient.examined(offline=True)["database"], "locked")
    finally:
        connection.close()


def test_another_programs_database_fails_and_stays(patient: Patient, database: Path) -> None:
    database.unlink()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = contents(database.parent)
    found = patient.examined(offline=True)
    assert_fails(found["database"], "another program's")
    assert str(database) in found["database"].fix
    assert "push" not in found
    assert contents(database.parent) == before


def test_a_database_of_an_older_version_is_warned_about_and_stays(patient: Patient, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
    connection.close()
    before = contents(database.parent)
    found = patient.examined(offline=True)
    assert_warns(found["database"], "older hybrid")
    assert "push" not in found
    assert contents(database.parent) == before


def test_a_row_that_cannot_be_true_fails_and_the_database_stays(patient: Patient, database: Path) -> None:
    (patient.root / "hybrid.toml").touch()  # to be read again, because it may have changed
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE files SET sum = sum + 1")
    connection.close()
    before = contents(database.parent)
    found = patient.examined(offline=True)
    assert_fails(found["push"], f"{database} is damaged")
    assert contents(database.parent) == before


def test_a_folder_in_its_place_fails(patient: Patient) -> None:
    (patient.root / ".hybrid" / "state.db").mkdir(parents=True)
    found = patient.examined(offline=True)
    assert_fails(found["database"], "cannot be read")
    assert "push" not in found


def test_a_database_that_is_not_there_is_not_made(patient: Patient) -> None:
    found = patient.examined(offline=True)
    assert found["push"].status is Status.OK
    assert "1 file to send" in found["push"].what
    assert [each.name for each in (patient.root / ".hybrid").iterdir()] == [".gitignore"]


def test_a_whole_database_is_left_as_it_was(patient: Patient, database: Path) -> None:
    before = contents(database.parent)
    assert "nothing to send" in patient.examined(offline=True)["push"].what
    assert contents(database.parent) == before


def contents(folder: Path) -> dict[str, bytes]:
    # Who reads makes the files beside it where they are missing, and they hold nothing then.
    return {
        each.name: each.read_bytes() for each in folder.iterdir() if not each.name.endswith(("-shm", "-wal"))
    }
