"""``hybrid init``: a project is made once, and nothing of the user's is overwritten."""

import json
import re
from pathlib import Path

import pytest

from agent import config
from agent.cli import main
from agent.cli.init import project_id

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "My Plates (2)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "data"))
    return folder


def test_init_writes_settings_that_load(folder: Path, capsys: Capture) -> None:
    assert main(["init", "--remote", "folder:/mnt/mail"]) == 0
    found = config.load(folder / "hybrid.toml")
    assert re.fullmatch("my-plates-2-[a-z0-9]{4}", found.project.id)
    assert found.remote.url == "folder:/mnt/mail"
    captured = capsys.readouterr()
    assert found.project.id in captured.out
    assert captured.err == "Next: hybrid doctor\n"


def test_commented_examples_are_valid_settings(folder: Path) -> None:
    main(["init", "--remote", "folder:/mnt/mail"])
    path = folder / "hybrid.toml"
    text = re.sub(r"^# (\[|\w+ = )", r"\1", path.read_text(), flags=re.MULTILINE)
    found = config.parse(text, path)
    assert found.push.include == ("data/plates",)
    assert found.runs["train"].command == ".venv/bin/python train.py"


def test_without_a_remote_the_mailbox_is_a_folder_of_the_users_own(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["init"]) == 0
    url = config.load(folder / "hybrid.toml").remote.url
    assert url == f"folder:{(tmp_path / 'data' / 'mailbox').as_posix()}"
    assert "a folder on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["folder:mbox", "folder:.", "folder:deep/../a/b", "folder:../My Plates (2)/m"]
)
def test_mailbox_inside_the_project_is_refused(folder: Path, url: str, capsys: Capture) -> None:
    assert main(["init", "--remote", url]) == 2
    assert f"The mailbox {url} would lie inside the project" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert main(["init", "--remote", "folder:../mailbox"]) == 0


def test_mailbox_that_a_link_leads_into_the_project_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "inner").mkdir()
    try:
        (tmp_path / "link").symlink_to(folder / "inner")
    except OSError:
        pytest.skip("no symbolic links here")
    assert main(["init", "--remote", f"folder:{(tmp_path / 'link').as_posix()}/mbox"]) == 2


def test_result_as_json(folder: Path, capsys: Capture) -> None:
    assert main(["init", "--json", "--name", "x", "--remote", "folder:/mnt/mail"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.pop("project").startswith("x-")
    path = str(folder / "hybrid.toml")
    assert found == {"created": True, "path": path, "remote": "folder:/mnt/mail", "ignored": []}


def test_second_init_changes_nothing(folder: Path, capsys: Capture) -> None:
    main(["init", "--remote", "folder:/mnt/mail"])
    before = (folder / "hybrid.toml").read_bytes()
    capsys.readouterr()
    assert main(["init"]) == 0
    assert main(["init", "--remote", "folder:/mnt/mail"]) == 0
    assert capsys.readouterr().out.count("nothing changed") == 2
    assert (folder / "hybrid.toml").read_bytes() == before


def test_another_remote_for_a_project_is_refused(folder: Path, capsys: Capture) -> None:
    main(["init", "--remote", "folder:/mnt/mail"])
    before = (folder / "hybrid.toml").read_bytes()
    assert main(["init", "--remote", "folder:/mnt/other"]) == 2
    assert "folder:/mnt/mail" in capsys.readouterr().err
    assert (folder / "hybrid.toml").read_bytes() == before


@pytest.mark.parametrize("url", ["ftp://box/x", "/mnt/mail", "", "folder:"])
def test_url_that_no_remote_takes_is_refused_and_nothing_is_written(
    folder: Path, url: str, capsys: Capture
) -> None:
    assert main(["init", "--remote", url]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert not list(folder.iterdir())


def test_git_is_told_to_ignore_what_is_ours_once(folder: Path, capsys: Capture) -> None:
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_bytes(b"*.pyc\r\n/outputs")
    assert main(["init", "--remote", "folder:/mnt/mail"]) == 0
    assert (folder / ".gitignore").read_bytes() == b"*.pyc\r\n/outputs\r\n.hybrid/\r\n"
    assert "Added .hybrid/ to .gitignore." in capsys.readouterr().err
    (folder / "hybrid.toml").unlink()
    main(["init", "--remote", "folder:/mnt/mail"])
    assert (folder / ".gitignore").read_bytes().count(b"hybrid") == 1


def test_without_git_no_ignore_file_appears(folder: Path) -> None:
    main(["init", "--remote", "folder:/mnt/mail"])
    assert [each.name for each in folder.iterdir()] == ["hybrid.toml"]


def test_folder_inside_a_project_is_warned_about(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "hybrid.toml").write_text("")
    assert main(["init", "--remote", "folder:/mnt/mail"]) == 0
    assert f"inside another project, {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Plates", "plates"), ("--x__y--", "x-y"), ("数据", "project"), ("a" * 100, "a" * 40), ("", "project")],
)
def test_project_id_is_a_slug_and_four_characters(name: str, slug: str) -> None:
    found = project_id(name, lambda letters: letters[0])
    assert found == f"{slug}-aaaa"
    assert len(found) <= 48
