"""What goes into a mailbox comes out of it, and what is already there is not sent again."""

import hashlib
from dataclasses import replace

import pytest

from sync.errors import CorruptMailbox, HybridError, NotFound
from sync.store import chunker, writer
from sync.store import lines as lines_module
from sync.store import pack as pack_module
from sync.store.entries import TreeHash
from sync.store.fetch import LARGEST_READ
from sync.store.lines import blocks, lines
from sync.store.nouns import FILE, Entry
from sync.store.pack import read_index
from sync.store.reader import Reader
from sync.store.writer import SnapshotWriter
from tests.unit.sync.store.shelf import BASE, File, Folder, Link, Shelf, Tree, noise

PROJECT: Tree = {
    b"train.py": File(b"print('training')\n" * 40),
    b"run.sh": File(b"#!/bin/sh\n", executable=True),
    b"empty": File(),
    b"data/big.bin": File(noise(3_000_000)),
    b"data/copy.bin": File(noise(3_000_000)),
    b"data/latest": Link(b"big.bin"),
    b"out": Folder(),
    b"not \xff utf-8/\xc3\xa9": File(b"bytes"),
    b"a-b": File(b"1"),
    b"a/b": File(b"2"),
    b"a.b": File(b"3"),
}


def tree_hash(entries: list[Entry]) -> str:
    totals = TreeHash()
    for entry in entries:
        totals.add(entry)
    return totals.hexdigest()


def many_files(count: int, size: int = 200) -> dict[bytes, File | Link | Folder]:
    return {b"data/%02d/item-%06d.json" % (n % 40, n): File(noise(size, n)) for n in range(count)}


def test_a_tree_comes_back_from_the_mailbox_alone() -> None:
    shelf = Shelf()
    root = shelf.save(PROJECT)
    assert shelf.tree(root.name) == dict(PROJECT)


def test_the_root_that_was_written_is_the_root_that_is_read() -> None:
    shelf = Shelf()
    root = shelf.save(PROJECT)
    assert shelf.reader().root(root.name) == root
    assert (root.files, root.bytes) == (9, sum(len(i.data) for i in PROJECT.values() if isinstance(i, File)))
    assert root.meta == {"n": 1}


def test_an_empty_tree_is_a_tree() -> None:
    shelf = Shelf()
    assert shelf.tree(shelf.save({}).name) == {}


def test_a_snapshot_comes_after_the_packs_that_it_needs() -> None:
    shelf = Shelf()
    root = shelf.save({b"%d" % n: File(noise(100_000, n)) for n in range(60)})
    names = [name for name, _ in shelf.puts]
    assert len(names) > 3
    assert names[-1] == root.name
    assert all(name.startswith("packs/") for name in names[:-1])
    assert set(root.objects) == set(names[:-1])
    sizes = [size for name, size in shelf.puts if name.startswith("packs/")]
    assert max(sizes) < shelf.pack_size + 2 * chunker.FILES.largest


def test_every_object_is_named_by_its_hash() -> None:
    shelf = Shelf()
    shelf.save(PROJECT)
    for name, _ in shelf.puts:
        data = shelf.remote.read(f"{BASE}/{name}")
        assert hashlib.sha256(data).hexdigest() == name.rsplit(".", 1)[0][-64:]
        assert read_index(data, name)["writer"] == "laptop"


def test_a_small_save_is_one_object() -> None:
    shelf = Shelf()
    tree = dict(PROJECT)
    shelf.save(tree)
    tree[b"train.py"] = File(b"print('better')\n")
    shelf.save(tree)
    assert len(shelf.puts) == 1
    assert shelf.sent == len(b"print('better')\n")


def test_the_same_tree_sends_no_content_again() -> None:
    shelf = Shelf()
    first = shelf.save(PROJECT)
    second = shelf.save(PROJECT)
    assert (shelf.sent, len(shelf.puts)) == (0, 1)
    assert second.tree == first.tree
    assert shelf.tree(second.name) == dict(PROJECT)


def test_a_rename_sends_no_content() -> None:
    shelf = Shelf()
    shelf.save(PROJECT)
    renamed = {b"moved/" + path: item for path, item in PROJECT.items()}
    root = shelf.save(renamed)
    assert shelf.sent == 0
    assert shelf.tree(root.name) == renamed


def test_equal_files_are_sent_once() -> None:
    shelf = Shelf()
    shelf.save({b"%d" % n: File(noise(50_000)) for n in range(20)})
    assert shelf.sent == 50_000


def test_an_edit_in_a_large_file_sends_only_what_is_near_it() -> None:
    shelf = Shelf(pack_size=16 << 20)
    data = noise(12_000_000)
    shelf.save({b"big": File(data)})
    shelf.save({b"big": File(data[:6_000_000] + b"!" + data[6_000_000:])})
    assert shelf.sent <= (2 * chunker.FILES.largest if chunker.follows_content() else 7_000_000)


@pytest.mark.parametrize("size", [60, 1000])
def test_an_edit_among_20000_files_costs_less_than_64_kb(size: int) -> None:
    """The second snapshot is the hard one: what rode in the first is known by another reference from then on."""
    shelf = Shelf(pack_size=16 << 20)
    tree = many_files(20_000, size)
    shelf.save(tree)
    for n in range(3):
        tree[b"data/07/item-%06d.json" % (n * 5_000 + 7)] = File(noise(500, -1 - n))
        shelf.save(tree)
        assert shelf.sent == 500
        assert sum(stored for _, stored in shelf.puts) < 64 * 1024


def test_reading_the_entries_touches_no_pack_of_content() -> None:
    shelf = Shelf()
    root = shelf.save({b"%d" % n: File(noise(100_000, n)) for n in range(60)})
    machine = shelf.another()
    reader = Reader(machine, BASE)
    reader.entries(reader.root(root.name))
    assert machine.calls == [("read", f"{BASE}/{root.name}")]


def test_one_file_is_read_without_the_rest() -> None:
    shelf = Shelf()
    root = shelf.save({b"%d" % n: File(noise(100_000, n)) for n in range(60)})
    machine = shelf.another()
    reader = Reader(machine, BASE)
    entry = next(e for e in reader.entries(reader.root(root.name)) if e.path == b"33")
    before = len(machine.calls)
    assert b"".join(data for _, data in reader.fetch(entry.chunks)) == noise(100_000, 33)
    assert len(machine.calls) == before + 1


def test_neighbouring_blocks_are_read_in_few_calls() -> None:
    shelf = Shelf(pack_size=64 << 20)
    root = shelf.save({b"%d" % n: File(noise(100_000, n)) for n in range(400)})
    machine = shelf.another()
    reader = Reader(machine, BASE)
    entries = reader.entries(reader.root(root.name))
    before = len(machine.calls)
    total = sum(len(data) for _, data in reader.fetch(c for e in entries for c in e.chunks))
    assert total == 40_000_000
    assert len(machine.calls) - before == -(-total // LARGEST_READ)


def test_a_snapshot_that_is_not_there_yet_is_not_found() -> None:
    shelf = Shelf()
    with pytest.raises(NotFound):
        shelf.reader().root(f"snapshots/laptop-00000001-{'0' * 64}.snap")


def test_a_missing_pack_is_not_found() -> None:
    shelf = Shelf()
    root = shelf.save({b"big": File(noise(3_000_000))})
    shelf.remote.delete(f"{BASE}/{root.objects[0]}")
    with pytest.raises(NotFound):
        shelf.tree(root.name)


def test_a_pack_that_is_cut_short_is_corrupt() -> None:
    shelf = Shelf()
    root = shelf.save({b"big": File(noise(3_000_000))})
    data = shelf.remote.read(f"{BASE}/{root.objects[0]}")
    shelf.remote.delete(f"{BASE}/{root.objects[0]}")
    shelf.remote.write(f"{BASE}/{root.objects[0]}", data[: len(data) // 2])
    with pytest.raises(CorruptMailbox):
        shelf.tree(root.name)


def test_a_flipped_bit_in_a_pack_is_corrupt() -> None:
    shelf = Shelf()
    root = shelf.save({b"big": File(noise(3_000_000))})
    data = bytearray(shelf.remote.read(f"{BASE}/{root.objects[0]}"))
    data[len(data) // 3] ^= 1
    shelf.remote.delete(f"{BASE}/{root.objects[0]}")
    shelf.remote.write(f"{BASE}/{root.objects[0]}", bytes(data))
    with pytest.raises(CorruptMailbox):
        shelf.tree(root.name)


def test_a_chunk_that_nobody_added_is_a_bug() -> None:
    shelf = Shelf()
    root = shelf.save({b"a": File(b"some text")})
    stranger = Shelf()
    writer = SnapshotWriter(stranger, writer="other", pack_folder="packs", pack_size=1000)
    with pytest.raises(KeyError):
        writer.finish(
            name="snapshots/x-{sha256}.snap",
            kind="tree",
            seq=1,
            tree=lambda place: blocks(lines(shelf.entries(root.name), place)),
            meta={},
        )


def test_the_tree_hash_says_what_differs() -> None:
    shelf = Shelf()
    entries = shelf.entries(shelf.save(PROJECT).name)
    assert tree_hash(entries) == shelf.save(PROJECT).tree
    changes = []
    for number, entry in enumerate(entries):
        others = [*entries[:number], *entries[number + 1 :]]
        changes.append(tree_hash(others))
        changes.append(tree_hash([*others, replace(entry, path=entry.path + b"x")]))
        if entry.kind == FILE:
            changes.append(tree_hash([*others, replace(entry, executable=not entry.executable)]))
    assert tree_hash(entries) not in changes


def test_the_tree_hash_does_not_depend_on_where_content_lies() -> None:
    one, two = Shelf(writer="laptop", pack_size=1 << 20), Shelf(writer="desktop", pack_size=64 << 20)
    two.save({b"x": PROJECT[b"train.py"]})
    assert one.save(PROJECT).tree == two.save(PROJECT).tree


def test_a_reader_can_forget_a_snapshot() -> None:
    shelf = Shelf()
    root = shelf.save(PROJECT)
    reader = Reader(shelf.remote, BASE)
    entries = reader.entries(reader.root(root.name))
    reader.forget(root.name)
    assert reader.entries(root) == entries


@pytest.mark.parametrize(
    ("module", "limit", "value"),
    [
        (writer, "MOST_ENTRIES", 100),
        (writer, "LARGEST_ENTRIES", 10_000),
        (pack_module, "LARGEST_INDEX", 10_000),
        (lines_module, "LONGEST_LINE", 300),
    ],
)
def test_what_no_reader_would_take_is_refused_before_a_snapshot_names_it(
    monkeypatch: pytest.MonkeyPatch, module: object, limit: str, value: int
) -> None:
    shelf = Shelf()
    tree = {b"big": File(noise(3_000_000)), **many_files(200)}
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(HybridError):
        shelf.save(tree)
    assert not shelf.remote.list_files(f"{BASE}/snapshots")


def test_index_of_a_pack_of_tiny_files_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_CHUNKS", 50)
    shelf = Shelf()
    tree = many_files(200, size=20)
    root = shelf.save(tree)
    assert len([name for name, _ in shelf.puts if name.startswith("packs/")]) == 4
    assert shelf.tree(root.name) == tree
