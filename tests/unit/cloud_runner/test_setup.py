"""When a set-up has to run again."""

import os
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


def done(work: Path, *, project: str = "lab", space: str = "space") -> Done:
    return Done(work, project, work / project / space)


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


def test_every_file_counts_where_the_command_names_none() -> None:
    assert key("make", entries()) == key("make", entries())
    assert key("make", entries()) != key("make", entries(**{"main.py": "y"}))


def test_the_command_itself_counts() -> None:
    assert key("pip install numpy", entries()) != key("pip install numpy scipy", entries())


def test_a_success_is_remembered_for_this_machine_and_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = key("make", entries())
    done(tmp_path).add(one, [])
    assert done(tmp_path).made(one) == []
    assert done(tmp_path, space="space-2").made(one) == [], "all spaces share what lies in none of them"
    assert done(tmp_path).made(key("make all", entries())) is None
    assert done(tmp_path, project="other").made(one) is None
    monkeypatch.setenv("PATH", "/another/environment/bin")
    assert done(tmp_path).made(one) is None


def test_what_was_made_in_a_tree_counts_for_that_tree_while_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = key("make", entries())
    path = os.fsencode(tmp_path / "lab" / "space" / "tree") + b"/built"
    os.makedirs(path)
    name = os.path.basename(path)
    done(tmp_path).add(one, [name])
    assert done(tmp_path).made(one) == [name]
    assert done(tmp_path).made(key("make all", entries())) is None
    assert done(tmp_path, space="space-2").made(one) is None
    os.rmdir(path)
    assert done(tmp_path).made(one) is None
    os.mkdir(path)
    done(tmp_path).forget_made()
    assert done(tmp_path).made(one) is None
