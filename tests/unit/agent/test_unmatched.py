"""An include that brings nothing in is told: by a push once, by a dry run and the doctor each time."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.projects import Project
from tests.support.trees import make_tree


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    make_tree(
        project.root,
        {
            ".gitignore": b"/data\n*.npz\n/empty\n",
            "a.py": b"print()",
            "data/plates/1.jpg": b"1",
            "data/deep/er/labels.csv": b"2",
            "x.npz": b"3",
            ".env": b"KEY=1",
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    return project


def configure(project: Project, *include: str) -> None:
    project.configure(f"[push]\ninclude = {json.dumps(include)}\n")


def told(project: Project, *words: str) -> list[str]:
    _, _, err = project.call("push", *words)
    return [text for text in err.splitlines() if "[push] include names" in text]


@pytest.mark.parametrize(
    "pattern",
    [
        "data",
        "data/",
        "./data/plates",
        "/data/plates/1.jpg",
        "data/*/1.jpg",
        "data/**",
        "**/labels.csv",
        "*.npz",
        "*.csv",
        ".env",
        "a.py",
    ],
)
def test_what_matches_something_is_not_told(project: Project, pattern: str) -> None:
    configure(project, pattern)
    assert told(project, "--dry-run") == [] and told(project) == []


@pytest.mark.parametrize("pattern", ["data/plats", "plates", "*.npy", "**/x.csv", "a.py/", "data/*/2.jpg"])
def test_what_matches_nothing_is_named(project: Project, pattern: str) -> None:
    configure(project, pattern, "data")
    assert len(told(project, "--dry-run")) == 1
    (text,) = told(project)
    assert f"[push] include names '{pattern}', and nothing that is pushed matches that." in text


def test_it_is_told_once_until_it_has_matched(project: Project) -> None:
    configure(project, "data/late", "nowhere")
    assert len(told(project)) == 2
    (project.root / "a.py").write_text("print(1)")
    assert told(project) == []
    make_tree(project.root, {"data/late/1": b"1"})
    assert told(project) == []
    (project.root / "data/late/1").unlink()
    (project.root / "data/late").rmdir()
    (text,) = told(project)
    assert "'data/late'" in text
    configure(project, "data/lat", "nowhere")
    (text,) = told(project)
    assert "'data/lat'" in text


def test_doctor_tells_it_each_time_before_the_first_push_and_after(project: Project) -> None:
    configure(project, "data/plats")
    for _ in range(2):
        _, out, _ = project.call("doctor")
        assert "[push] include names 'data/plats', and nothing that is pushed matches that" in out
        project.call("push")
