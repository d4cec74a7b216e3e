"""Many shards come home side by side: nothing is asked for twice, nothing is told too early, one does not hold another."""

from collections import Counter
from pathlib import Path

import pytest

from sync.mailbox.records import Spec
from sync.pull import puller as pull
from sync.pull.filters import Filters
from sync.pull.pulled import Pulled
from sync.pull.puller import Puller
from sync.remotes.memory import MemoryRemote
from tests.support.counting import CountingRemote
from tests.support.mailboxes import LAPTOP, make_mailbox, publish_tree
from tests.support.pulls import BASE, Home, tree
from tests.support.trees import noise

SHARDS = 40
BIG = 3_000_000


class Counted(Home):
    """A mailbox in memory, whose calls of the laptop are counted from the first pull on."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.store = MemoryRemote()
        self.remote = self.store  # type: ignore[assignment]
        make_mailbox(self.store, BASE)
        self.snapshot = publish_tree(self.store, BASE, {"a.py": b"print()"}).name
        self.laptop = CountingRemote(self.store.store)

    def puller(self, into: Path | None = None, filters: Filters | None = None) -> Puller:
        return Puller(
            self.laptop,
            BASE,
            laptop=LAPTOP,
            outputs=into or self.outputs,
            choices=self.choices,
            filters=filters,
            older=[self.outputs],
        )

    def home(self, spec: Spec, *, dry_run: bool = False, into: Path | None = None) -> tuple[Pulled, int]:
        """What a pull says, and how many bytes it read."""
        before = self.laptop.bytes_read
        return self.puller(into).pull(spec, dry_run=dry_run), self.laptop.bytes_read - before


@pytest.fixture
def home(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def files(shard: int, size: int = 200) -> dict[str, bytes]:
    return {"answer": b"%d" % shard, "deep/noise": noise(size, shard)}


@pytest.mark.parametrize("size", [200, 400_000])
def test_nothing_is_read_twice_and_each_shard_is_told_of_once(home: Counted, size: int) -> None:
    spec = home.queue(shards=SHARDS)
    worker = home.worker().claim()
    for shard in range(SHARDS):
        worker.done(shard, files(shard, size))
    pulled, _ = home.home(spec)
    assert pulled.fetched == list(range(SHARDS))
    found = tree(home.outputs / "r1")
    assert {path: found[path] for path in found if "log" not in path} == {
        f"{shard:03}/{path}": data for shard in range(SHARDS) for path, data in files(shard, size).items()
    }
    assert max(Counter(home.laptop.reads).values()) == 1
    writes = [path for call, path in home.laptop.calls if call == "write"]
    assert sorted(writes) == sorted(set(writes)) and len(writes) == SHARDS
    assert [call for call, _ in home.laptop.calls].count("list_files") == 1


def test_a_run_of_one_snapshot_is_read_once_though_it_is_asked_for_early(home: Counted) -> None:
    spec = home.queue()
    content = {f"{n}": noise(400_000, n) for n in range(30)}
    home.worker().claim().done(0, content)
    size = sum(file.size for file in home.store.list_files(f"{BASE}/runs/r1"))
    pulled, read = home.home(spec)
    assert pulled.fetched == [0]
    assert read <= size
    assert {path: data for path, data in tree(home.outputs / "r1").items() if path != "hybrid.log"} == content


def test_what_the_filters_leave_out_is_not_read(home: Counted) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"big": noise(BIG), "small": b"1"})
    home.puller(filters=Filters(max_size=100)).pull(spec)
    assert home.laptop.bytes_read < 300_000


def test_an_older_snapshot_that_a_record_names_is_taken_though_a_newer_one_was_expected(
    home: Counted,
) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    first = worker.publish(worker.start(0), {"a": b"first"})
    worker.done(0, {"a": b"second"}, snapshot=first.name)
    assert home.home(spec)[0].fetched == [0]
    assert tree(home.outputs)["r1/000/a"] == b"first"


def test_many_shards_are_made_durable_in_one_go_and_told_of_only_then(
    home: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue(shards=SHARDS)
    worker = home.worker().claim()
    for shard in range(SHARDS):
        worker.done(shard, files(shard))
    told: list[list[str]] = []

    def settle(_: list[Path]) -> None:
        told.append([path for call, path in home.laptop.calls if call == "write"])
        assert len(home.choices.kept) == SHARDS, "what is chosen is written down before"
        assert not (home.outputs / "r1").exists(), "nothing arrives before"

    monkeypatch.setattr(pull, "settle", settle)
    home.home(spec)
    assert told == [[]]


def test_a_damaged_shard_does_not_hold_the_others(home: Counted) -> None:
    spec = home.queue(shards=SHARDS)
    worker = home.worker().claim()
    for shard in range(SHARDS):
        worker.done(shard, files(shard, 400_000))
    packs = [file for file in home.store.list_files(f"{BASE}/runs/r1") if file.name.endswith(".pack")]
    for file in packs[:3]:
        home.store.delete(f"{BASE}/runs/r1/{file.name}")
    pulled, _ = home.home(spec)
    assert len(pulled.incomplete) == 3
    assert len(pulled.fetched) == SHARDS - 3
    assert all(not (home.outputs / f"r1/{shard:03}").exists() for shard in pulled.incomplete)


def test_unfinished_outputs_lend_their_content_to_the_finished_ones(home: Counted) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    worker.publish(worker.start(), {"model": noise(BIG), "small": b"1"})
    home.home(spec)
    worker.done(0, {"model": noise(BIG) + b"more", "small": b"1"}, n=2)
    would, _ = home.home(spec, dry_run=True)
    pulled, read = home.home(spec)
    assert (would.fetched, would.bytes, would.reused) == (pulled.fetched, pulled.bytes, pulled.reused)
    assert pulled.bytes == BIG + 5
    assert pulled.reused > BIG * 0.3
    assert read < BIG * 0.7
    assert tree(home.outputs)["r1/model"] == noise(BIG) + b"more"


def test_a_newer_state_of_unfinished_outputs_is_fetched_in_part(home: Counted) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    attempt = worker.start()
    worker.publish(attempt, {"model": noise(4 * BIG)})
    assert home.home(spec)[1] > 4 * BIG
    worker.publish(attempt, {"model": noise(4 * BIG)[:-100] + noise(100, 2)})
    pulled, read = home.home(spec)
    assert pulled.partial == [0]
    assert read < BIG
    assert tree(home.outputs)["r1/.partial/000/model"][-100:] == noise(100, 2)


def test_a_pull_into_another_folder_takes_what_lies_in_the_outputs(home: Counted, tmp_path: Path) -> None:
    spec = home.queue(shards=2)
    home.worker().claim().done(0, {"model": noise(BIG)})
    home.home(spec)
    pulled, read = home.home(spec, into=tmp_path / "elsewhere")
    assert (pulled.fetched, pulled.reused) == ([0], BIG)
    assert read < 10_000
    assert tree(tmp_path / "elsewhere")["r1/000/model"] == noise(BIG)
    assert tree(home.outputs)["r1/000/model"] == noise(BIG)


def test_a_pull_says_how_the_run_stands_after_it(home: Counted) -> None:
    spec = home.queue(shards=2)
    home.worker().claim().done(0, {"a": b"1"})
    assert home.home(spec)[0].seen.accepted == {0}
