"""``hybrid doctor``: every check can fail, says what to do then, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import doctor, doctor_machine, doctor_mailbox, doctor_project
from agent.cli import main
from agent.doctor import Finding, Status
from agent.project import Project
from sync.clock import ManualClock, SystemClock
from sync.errors import QuotaExceeded
from sync.mailbox.opening import make_mailbox
from sync.remotes.base import Capabilities, RemoteFile
from sync.remotes.folder import FolderRemote
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.ssh_target import HostSpec
from sync.store.codec import Zstd
from tests.support.sshd import Sshd, running_sshd

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    mail = tmp_path / "mail"
    mail.mkdir()
    return mail


@pytest.fixture
def root(tmp_path: Path, mail: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "plates"
    root.mkdir()
    (root / "hybrid.toml").write_text(
        f'[project]\nid = "plates"\n[remote]\nurl = "folder:{mail.as_posix()}"\n'
    )
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if os.name == "nt":
        pytest.skip("the server of these tests runs on POSIX")
    with running_sshd(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


def spec(server: Sshd, known_hosts: Path | None = None) -> HostSpec:
    return HostSpec(
        host="127.0.0.1",
        user=server.user,
        port=server.port,
        identity=str(server.key),
        known_hosts=str(known_hosts or server.known_hosts),
    )


def examined(root: Path, *, offline: bool = False) -> dict[str, Finding]:
    return {each.name: each for each in doctor.examine(root, SystemClock(), offline=offline)}


def assert_fails(finding: Finding, what: str, status: Status = Status.FAIL) -> None:
    assert finding.status is status
    assert what in finding.what
    assert finding.fix


def test_a_healthy_project_passes_every_check(root: Path, mail: Path, capsys: Capture) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert [each for each in found["checks"] if each["status"] == "fail"] == []
    assert {
        "python",
        "dependencies",
        "compression",
        "chunker",
        "git",
        "runner",
        "project",
        "state",
        "disk",
    } | {
        "clock",
        "push",
        "mailbox",
        "write once",
    } == {each["name"] for each in found["checks"]}
    assert list(mail.iterdir()) == []


def test_a_failed_check_is_exit_code_1_with_what_to_do(root: Path, capsys: Capture) -> None:
    (root / "hybrid.toml").write_text("[projekt]\n")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "fail  project" in out
    assert "hybrid.toml:1" in out
    assert "Try: " in out


def test_warnings_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "warn  project" in out
    assert "Try: hybrid init" in out


def test_offline_contacts_no_mailbox(root: Path) -> None:
    (root / "hybrid.toml").write_text(
        '[project]\nid = "plates"\n[remote]\nurl = "sftp://nowhere.invalid/mail"\n'
    )
    found = examined(root, offline=True)
    assert [name for name, each in found.items() if each.status is Status.FAIL] == []
    assert not found.keys() & {"mailbox", "write once", "ssh mailbox"}


def test_old_python_fails() -> None:
    assert_fails(doctor_machine.python_version((3, 9, 2)), "3.9.2")
    assert doctor_machine.python_version((3, 11, 0)).status is Status.OK


def test_a_package_that_cannot_be_imported_fails() -> None:
    assert_fails(doctor_machine.dependencies({"click": "click", "lost": "no_such_module"}), "lost")
    assert "click (" not in doctor_machine.dependencies({"click": "click", "lost": "no_such_module"}).what


def test_missing_or_broken_zstd_fails() -> None:
    def refuse(data: bytes) -> bytes:
        raise ValueError("no memory")

    assert_fails(doctor_machine.zstd(None), "no zstd")
    assert_fails(doctor_machine.zstd(Zstd("odd", lambda data: data, lambda data, limit: b"")), "odd")
    assert_fails(doctor_machine.zstd(Zstd("odd", refuse, lambda data, limit: data)), "no memory")


@pytest.mark.parametrize(("core", "what"), [("", "missing"), ("pyfastcdc.py.fastcdc", "not compiled")])
def test_missing_or_slow_chunker_is_warned_about(core: str, what: str) -> None:
    assert_fails(doctor_machine.cuts(core), what, Status.WARN)


def test_missing_git_is_warned_about() -> None:
    assert_fails(doctor_machine.git(None), "not installed", Status.WARN)


def test_a_python_that_cannot_start_the_runner_fails(tmp_path: Path) -> None:
    assert_fails(doctor_machine.runner(str(tmp_path / "nothing")), "could not be started")


@pytest.mark.skipif(os.name == "nt", reason="a script that is started by its first line")
def test_a_runner_that_ends_with_an_error_fails(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho too old >&2\nexit 3\n")
    python.chmod(0o755)
    found = doctor_machine.runner(str(python))
    assert_fails(found, "exit code 3")
    assert "too old" in found.what


def test_state_that_cannot_be_written_fails(root: Path) -> None:
    (root / ".hybrid").write_text("a file in the way")
    found = examined(root, offline=True)
    assert_fails(found["state"], "is no folder")
    assert "push" not in found


def test_little_disk_warns_and_hardly_any_fails(tmp_path: Path) -> None:
    assert_fails(doctor_project.disk(tmp_path, 500_000_000), "500 MB", Status.WARN)
    assert_fails(doctor_project.disk(tmp_path, 50_000_000), "50.0 MB")
    assert doctor_project.disk(tmp_path, 10**10).status is Status.OK


def test_a_clock_that_was_never_set_fails_and_one_apart_from_the_disk_warns() -> None:
    assert_fails(doctor_project.clocks(0.0, 0.0), "years behind")
    assert_fails(doctor_project.clocks(1_800_000_000.0, 1_800_000_900.0), "900 s", Status.WARN)
    assert doctor_project.clocks(1_800_000_000.0, 1_800_000_001.0).status is Status.OK


def test_a_project_without_a_mailbox_fails(root: Path) -> None:
    (root / "hybrid.toml").write_text('[project]\nid = "plates"\n')
    assert_fails(examined(root)["mailbox"], "does not say where")


def test_what_the_next_push_holds_back_is_named(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".gitignore").write_text("data/\n")
    (root / "data").mkdir()
    (root / "data" / "plate.txt").write_text("x")
    found = examined(root, offline=True)["push"]
    assert found.status is Status.OK
    assert "1 path held back" in found.what
    assert "data" in found.what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_path_that_cannot_be_pushed_is_warned_about(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert_fails(examined(root, offline=True)["push"], "pipe", Status.WARN)


def test_a_push_that_is_at_work_is_warned_about(root: Path) -> None:
    with Project.find(root).lock("push"):
        assert_fails(examined(root, offline=True)["push"], "at work", Status.WARN)


def test_a_bad_include_fails(root: Path) -> None:
    with open(root / "hybrid.toml", "a") as file:
        file.write('[push]\ninclude = ["../elsewhere"]\n')
    assert_fails(examined(root, offline=True)["push"], "elsewhere")


def test_a_mailbox_folder_that_is_not_there_is_warned_about_and_not_made(root: Path, mail: Path) -> None:
    mail.rmdir()
    assert_fails(examined(root)["mailbox"], "not there yet", Status.WARN)
    assert not mail.exists()


def test_a_mailbox_that_is_no_folder_fails(root: Path, mail: Path) -> None:
    mail.rmdir()
    mail.write_text("a file in the way")
    assert_fails(examined(root)["mailbox"], "is no folder")


def test_a_damaged_mailbox_fails_and_is_not_written_to(root: Path, mail: Path) -> None:
    (mail / "plates").mkdir()
    (mail / "plates" / "format.json").write_text("{}")
    found = examined(root)
    assert_fails(found["mailbox"], "no usable mailbox")
    assert "write once" not in found


def test_an_existing_mailbox_is_left_as_it_was(root: Path, mail: Path) -> None:
    make_mailbox(FolderRemote(str(mail)), "plates", lambda: "m" * 16)
    before = sorted(mail.rglob("*"))
    found = examined(root)
    assert found["mailbox"].what.endswith("format 1")
    assert found["write once"].status is Status.OK
    assert sorted(mail.rglob("*")) == before


class Overwriting(FolderRemote):
    """Keeps no promise: the last writer wins."""

    def write(self, path: str, data: bytes) -> bool:
        self.delete(path)
        return super().write(path, data)


class Forgetful(FolderRemote):
    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return super().read(path, offset, length)[:-1]


class Unlisting(FolderRemote):
    def list_files(self, folder: str) -> list[RemoteFile]:
        return []


class Refusing(FolderRemote):
    def write(self, path: str, data: bytes) -> bool:
        raise QuotaExceeded("the disk there is full", "make room")


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Overwriting, "overwritten"),
        (Forgetful, "something else"),
        (Unlisting, "does not list"),
        (Refusing, "is full"),
    ],
)
def test_a_remote_that_breaks_a_promise_fails_and_is_left_clean(
    tmp_path: Path, kind: type[FolderRemote], what: str
) -> None:
    found = doctor_mailbox.promises(kind(str(tmp_path / "mail")), "doctor-1", ManualClock())
    assert_fails(found, what)
    assert list((tmp_path / "mail").iterdir()) == []


def test_a_remote_whose_listings_lag_keeps_its_promises() -> None:
    clock = ManualClock()
    store = MemoryStore(clock=clock, lag=20, capabilities=Capabilities(settle_s=30, strong_listing=False))
    assert doctor_mailbox.promises(MemoryRemote(store), "doctor-1", clock).status is Status.OK


def test_ssh_login_and_the_python_there_are_checked(sshd: Sshd) -> None:
    found = list(doctor_mailbox.login("box", spec(sshd), sys.executable))
    assert [(each.name, each.status) for each in found] == [("ssh box", Status.OK), ("python box", Status.OK)]


def test_unknown_host_key_fails(sshd: Sshd, tmp_path: Path) -> None:
    (found,) = doctor_mailbox.login("box", spec(sshd, tmp_path / "none"), "python3")
    assert_fails(found, "host key")


def test_missing_python_on_the_other_machine_fails(sshd: Sshd) -> None:
    found = list(doctor_mailbox.login("box", spec(sshd), "/nowhere/python3"))
    assert_fails(found[1], "/nowhere/python3 does not start")


def test_old_python_on_the_other_machine_fails(sshd: Sshd, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho hybrid 3 8\n")
    python.chmod(0o755)
    assert_fails(list(doctor_mailbox.login("box", spec(sshd), str(python)))[1], "3.8")


def test_a_mailbox_over_sftp_is_checked_from_login_to_promises(root: Path, sshd: Sshd) -> None:
    (root / "hybrid.toml").write_text(
        f'[project]\nid = "plates"\n[remote]\nurl = "{sshd.url}"\n'
        f'identity = "{sshd.key}"\nknown_hosts = "{sshd.known_hosts}"\n'
    )
    found = examined(root)
    names = ["ssh mailbox", "python mailbox", "mailbox", "write once"]
    assert [found[name].status for name in names] == [Status.OK] * 4, found
    assert list(sshd.root.iterdir()) == []


def test_a_mailbox_that_refuses_the_login_is_not_asked_again(root: Path, sshd: Sshd, tmp_path: Path) -> None:
    (root / "hybrid.toml").write_text(
        f'[project]\nid = "plates"\n[remote]\nurl = "{sshd.url}"\nknown_hosts = "{tmp_path / "none"}"\n'
    )
    found = examined(root)
    assert_fails(found["ssh mailbox"], "host key")
    assert not found.keys() & {"mailbox", "write once"}
