"""When a set-up has to run again."""

from pathlib import Path

import pytest

from cloud_runner.setup import Done, key
from sync.store.nouns import DIRECTORY, FILE, Entry
from sync.store.writer import placed_elsewhere


def entries(**content: str) -> list[Entry]:
    found = [Entry(path=b"empty", kind=DIRECTORY)]
    for name, text in {
        "requirements.txt": "numpy",
        "tools/setup.sh": "make",
        "main.py": "x",
        **content,
    }.items():
        found.append(Entry(path=name.encode(), kind=FILE, chunks=(placed_elsewhere(text.ljust(64, "0"), 1),)))
    return found


@pytest.mark.parametrize(
    "command",
    [
        "pip install -r requirements.txt",
        "pip install -rrequirements.txt && echo done",
        "pip install --requirement=./requirements.txt; true",
        "cat < 'requirements.txt'",
        "pip install .[gpu]",
        "don't parse requirements.txt",
    ],
)
def test_a_file_that_the_command_names_counts(command: str) -> None:
    assert key(command, entries()) == key(command, entries())
    assert key(command, entries()) != key(command, entries(**{"requirements.txt": "scipy"}))


@pytest.mark.parametrize(
    "command", ["tools/setup.sh", "./tools/setup.sh", "cd tools && ./setup.sh", "make -C tools"]
)
def test_a_file_named_from_its_folder_or_by_its_folder_counts(command: str) -> None:
    assert key(command, entries()) != key(command, entries(**{"tools/setup.sh": "cmake"}))


def test_other_files_do_not_count() -> None:
    command = "pip install -r requirements.txt"
    assert key(command, entries()) == key(command, entries(**{"main.py": "y", "tools/setup.sh": "cmake"}))


def test_the_command_itself_counts() -> None:
    assert key("pip install numpy", entries()) != key("pip install numpy scipy", entries())


def test_a_success_is_remembered_for_this_machine_and_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = key("make", entries())
    Done(tmp_path, "lab").add(one)
    assert Done(tmp_path, "lab").has(one)
    assert not Done(tmp_path, "lab").has(key("make all", entries()))
    assert not Done(tmp_path, "other").has(one)
    monkeypatch.setenv("PATH", "/another/environment/bin")
    assert not Done(tmp_path, "lab").has(one)
