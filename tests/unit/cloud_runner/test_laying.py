"""Laying out a snapshot where something lies already, some of it to be spared."""

import os
from pathlib import Path

import pytest

from cloud_runner.laying import beyond, lay_out
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.nouns import FILE, Entry
from sync.store.reader import Reader
from tests.support import mailboxes

SENT = {"a/b/file": b"1", "was/folder": b"2"}


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_all_goes_but_entries_and_what_is_spared_with_all_that_lies_below(tmp_path: Path) -> None:
    remote = MemoryRemote(MemoryStore())
    mailboxes.make_mailbox(remote, "lab")
    reader = Reader(remote, "lab")
    entries = reader.entries(mailboxes.publish_tree(remote, "lab", {**SENT, "kept/now-sent": b"3"}))
    tree = tmp_path / "tree"
    for folder in ("a/b/more", "empty", "env/bin", "env2", "was/folder/deep", "kept/one", "elsewhere"):
        (tree / folder).mkdir(parents=True)
    for file in (
        "a/b/built.so",
        "a/file",
        "empty/file",
        "env/bin/python",
        "kept/one/two",
        "lib/a.so",
        "lib/b",
    ):
        (tree / file).parent.mkdir(exist_ok=True)
        (tree / file).touch()
    (tree / "a" / "out").symlink_to(tree / "elsewhere")
    spared = [b"env", b"a/b/built.so", b"kept", b"lib/a.so"]
    for _ in lay_out(reader, entries, tree, spared):
        pass
    assert {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()} == {
        *SENT,
        "a/b/built.so",
        "env/bin/python",
        "kept/now-sent",
        "kept/one/two",
        "lib/a.so",
    }
    assert {path.name for path in tree.iterdir()} == {"a", "env", "kept", "lib", "was"}


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_a_link_where_a_folder_should_be_is_too_much_and_nobody_follows_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").symlink_to(outside)
    assert beyond(tree, [Entry(path=b"a/file", kind=FILE)]) == [b"a"]
