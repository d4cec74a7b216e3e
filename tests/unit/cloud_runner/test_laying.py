"""What in a folder is not of a snapshot, nor to be spared."""

import os
from pathlib import Path

import pytest

from cloud_runner.laying import beyond
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_all_is_too_much_but_entries_their_folders_and_what_is_spared(tmp_path: Path) -> None:
    entries = [
        Entry(path=b"a/b/file", kind=FILE),
        Entry(path=b"empty", kind=DIRECTORY),
        Entry(path=b"link", kind=LINK, target=b"a"),
        Entry(path=b"was/folder", kind=FILE),
    ]
    for folder in ("a/b/more", "empty", "env/bin", "env2", "was/folder/deep", "kept/one", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("a/b/file", "a/b/built.so", "a/file", "empty/file", "env/bin/python", "kept/two"):
        (tmp_path / file).touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "a" / "out").symlink_to(tmp_path / "elsewhere")
    spared = [b"env", b"a/b/built.so", b"kept/one"]
    assert beyond(tmp_path, entries, spared) == [
        b"a/b/more",
        b"a/file",
        b"a/out",
        b"elsewhere",
        b"empty/file",
        b"env2",
        b"kept/two",
    ]


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_a_link_where_a_folder_should_be_is_too_much_and_nobody_follows_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").symlink_to(outside)
    assert beyond(tree, [Entry(path=b"a/file", kind=FILE)]) == [b"a"]
