"""Bash itself is asked what it would offer: it takes words apart at colons, and the names of models have colons."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import cli

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="bash on Windows starts no Python script by its first line"),
    pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here"),
]

_ASK = """
compopt() { echo "compopt $*"; }
source completion.bash
COMP_LINE=$1 COMP_POINT=${2:-${#1}}
_hybrid_completion ./hybrid
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "hybrid"
    program.write_text(f"#!{sys.executable}\nfrom agent.cli import main\nraise SystemExit(main())\n")
    program.chmod(0o755)
    (tmp_path / "hybrid.toml").write_text(
        '[project]\nid = "p"\n[grade]\njudge = ["qwen3:4b", "qwen3:8b", "phi4-mini"]\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(cli.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    script = subprocess.run(
        [program, "completion", "bash"], capture_output=True, text=True, check=True, timeout=60
    )
    (tmp_path / "completion.bash").write_text(script.stdout)
    return tmp_path


def offered(line: str, *more: str) -> list[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", _ASK, "bash", line, *more],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "inserted"),
    [
        ("hybrid grade x --judge q", ["qwen3:4b", "qwen3:8b"]),
        ("hybrid grade x --judge qwen3:", ["4b", "8b"]),
        ("hybrid grade x --judge qwen3:4", ["4b"]),
        ("hybrid grade x --judge=qwen3:4", ["4b"]),
        ("hybrid grade x --judge phi4-mini --judge p", ["phi4-mini"]),
        ("hybrid grade x --judge 'qw", ["qwen3:4b", "qwen3:8b"]),
        ("hybrid gradin", ["gradings"]),
        ("hybrid grade x --rubric my", ["compopt", "-o", "default"]),
    ],
)
def test_bash_puts_in_what_is_still_missing(folder: Path, typed: str, inserted: list[str]) -> None:
    assert offered(typed) == inserted


def test_what_stands_behind_the_cursor_does_not_count(folder: Path) -> None:
    assert offered("hybrid repo --json", str(len("hybrid repo"))) == ["report"]
