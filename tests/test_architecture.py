"""What holds for the code as a whole: its layers, its size, what travels to the GPU, and what it leans on."""

import ast
import configparser
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tokenize
import zipfile
from pathlib import Path

import pytest

from agent import doctor_machine, ship

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("agent", "cloud_runner", "local_grader", "sync")
SOURCES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
LONGEST = 300
# They speak to people, or to the log that a launcher reads, because that is what they are for.
SPEAKERS = (
    "agent/cli/",
    "agent/console.py",
    "agent/__main__.py",
    "cloud_runner/__main__.py",
    "cloud_runner/detached.py",
)
# Distributions whose module is not called as they are.
MODULES = {"backports.zstd": "backports", "desktop-notifier": "desktop_notifier"}


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def settings() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    return parser


def requirements() -> list[str]:
    """The distributions that hybrid needs to run, as ``setup.cfg`` names them."""
    lines = settings()["options"]["install_requires"].split("\n")
    return [re.split(r"[<>=;\s\[]", line)[0] for line in lines if line]


def imported() -> set[str]:
    """The top modules that our sources import, wherever in a file they do so."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "runner.pyz"
    path.write_bytes(ship.build().data)
    return path


def bare(python: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs ``python`` without anything that is installed beside it."""
    return subprocess.run(
        [python, "-I", "-S", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_imports_keep_to_the_layers() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(tool), "--no-logo", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_small() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES + TESTS}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [name(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert silent == []


def test_modules_are_named_after_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert [name(path) for path in SOURCES + TESTS if path.stem in vague or path.parent.name in vague] == []


def test_nothing_below_the_command_line_prints() -> None:
    printing = [
        f"{name(path)}:{node.lineno}"
        for path in SOURCES
        if not name(path).startswith(SPEAKERS)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_nothing_is_left_to_do_in_the_sources() -> None:
    notes = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{name(path)}:{token.start[0]}"
        for path in SOURCES + TESTS
        for token in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline)
        if token.type == tokenize.COMMENT and notes.search(token.string)
    ]
    assert found == []


def test_every_folder_with_code_is_installed() -> None:
    listed = settings()["options"]["packages"].split()
    folders = {".".join(path.parent.relative_to(REPOSITORY).parts) for path in SOURCES}
    assert sorted(listed) == sorted(folders)


def test_every_dependency_is_used_and_has_its_reason() -> None:
    text = (REPOSITORY / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.split("## What hybrid needs")[1].split("\n## ")[0]
    explained = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
    assert sorted(explained) == sorted(requirements())
    used = imported()
    assert [each for each in requirements() if MODULES.get(each, each) not in used] == []


def test_nothing_is_imported_that_is_not_listed() -> None:
    ours = {MODULES.get(each, each) for each in requirements()} | set(PACKAGES)
    # Used where the machine with the GPU happens to have them; never needed.
    welcome = {"compression", "torch", "zstandard"}
    # A part of jsonschema's interface; and of the extra ``statistics``, for types alone.
    welcome |= {"referencing", "numpy"}
    assert sorted(imported() - ours - welcome - set(sys.stdlib_module_names)) == []


def test_the_doctor_knows_every_dependency() -> None:
    elsewhere = {"backports.zstd", "pyfastcdc"}
    assert sorted(doctor_machine.MODULES) == sorted(set(requirements()) - elsewhere)


def test_the_archive_is_the_same_whenever_it_is_built() -> None:
    first = ship.build()
    ship.build.cache_clear()
    assert ship.build() == first
    assert hashlib.sha256(first.data).hexdigest() == first.sha256


def test_the_archive_starts_without_anything_installed(archive: Path) -> None:
    done = bare(sys.executable, str(archive), "--help")
    assert done.returncode == 0, done.stderr
    assert "--mailbox" in done.stdout


def test_every_module_of_the_archive_can_be_imported_from_it(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        files = [each for each in content.namelist() if each != "__main__.py"]
    modules = [each.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for each in files]
    lines = [
        f"import sys; sys.path[:0] = [{str(archive)!r}]",
        *(f"import {each}" for each in sorted(modules)),
    ]
    lines.append(f"assert sync.__file__.startswith({str(archive)!r}), sync.__file__")
    done = bare(sys.executable, "-c", "\n".join(lines))
    assert done.returncode == 0, done.stderr


@pytest.mark.platform
def test_the_archive_starts_on_the_oldest_python_that_a_machine_may_have(archive: Path) -> None:
    python = shutil.which("python3.10")
    if python is None or bare(python, "-c", "").returncode != 0:
        pytest.skip("there is no Python 3.10 here")
    done = bare(python, str(archive), "--help")
    assert done.returncode == 0, done.stderr
