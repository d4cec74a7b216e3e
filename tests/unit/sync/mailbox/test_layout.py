"""Every name is understood by who reads it, says the same as who made it, and nothing else is taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import CorruptMailbox
from sync.mailbox import layout
from sync.mailbox.layout import (
    CHECKPOINT,
    OUTPUTS,
    Attempt,
    LaptopFile,
    RunFolder,
    SnapshotName,
    WorkerFile,
    WorkerSnapshot,
    is_pack,
    parse_attempt,
    parse_run_file,
    parse_snapshot,
)
from sync.remotes.names import checked
from sync.store.entries import reference

HASH = "5f1c" * 16
ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=16)
numbers = st.integers(1, 999_999_999)
shards = st.integers(0, 999_999)
attempts = st.builds(Attempt, shards, ids, st.integers(1, 999_999))
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(ids, numbers)
def test_names_of_a_lease_come_back(worker: str, number: int) -> None:
    for kind, make in (
        ("claim", RunFolder.claim),
        ("yield", RunFolder.yields),
        ("broken", RunFolder.broken),
        ("tick", RunFolder.tick),
    ):
        assert parse_run_file(make(worker, number)) == WorkerFile(kind=kind, worker=worker, number=number)
    assert parse_run_file(RunFolder.hello(worker)) == WorkerFile(kind="hello", worker=worker)


@given(attempts)
def test_names_of_attempts_come_back(attempt: Attempt) -> None:
    assert parse_attempt(str(attempt)) == attempt
    for kind in ("start", "done", "failed", "left"):
        found = parse_run_file(RunFolder.attempt(kind, attempt))
        assert found == WorkerFile(kind=kind, worker=attempt.worker, attempt=attempt)


@given(attempts, st.integers(0, 999_999), hashes, st.sampled_from([OUTPUTS, CHECKPOINT]))
def test_names_of_worker_snapshots_come_back(attempt: Attempt, seq: int, sha256: str, what: str) -> None:
    name = RunFolder.worker_snapshot(what, attempt, seq).format(sha256=sha256)
    assert parse_run_file(name) == WorkerSnapshot(what=what, attempt=attempt, seq=seq, name=name)
    assert reference(RunFolder("run").in_folder(name)) == sha256[:16]


@given(ids, shards)
def test_names_of_a_laptop_come_back(laptop: str, shard: int) -> None:
    assert parse_run_file(RunFolder.stop(laptop)) == LaptopFile(kind="stop", who=laptop)
    assert parse_run_file(RunFolder.released(laptop)) == LaptopFile(kind="released", who=laptop)
    accepted = LaptopFile(kind="accepted", who=laptop, shard=shard)
    assert parse_run_file(RunFolder.accepted(shard, laptop)) == accepted


@given(ids, st.integers(0, 99_999_999), hashes)
def test_names_of_snapshots_come_back(laptop: str, seq: int, sha256: str) -> None:
    path = layout.snapshot(laptop, seq).format(sha256=sha256)
    assert parse_snapshot(path.removeprefix("snapshots/")) == SnapshotName(laptop, seq, sha256)
    assert SnapshotName(laptop, seq, sha256).path == path
    assert reference(path) == sha256[:16]


@given(ids, ids, attempts, numbers)
def test_two_writers_never_make_one_name(one: str, two: str, attempt: Attempt, number: int) -> None:
    def names(worker: str) -> set[str]:
        mine = Attempt(attempt.shard, worker, attempt.n)
        made = {make(worker, number) for make in (RunFolder.claim, RunFolder.yields, RunFolder.tick)}
        return made | {RunFolder.attempt("done", mine), RunFolder.hello(worker), RunFolder.stop(worker)}

    assert (one == two) == bool(names(one) & names(two))


@given(attempts, hashes)
def test_every_name_is_a_path_that_any_remote_takes(attempt: Attempt, sha256: str) -> None:
    folder = RunFolder("a-run")
    for name in (
        layout.FORMAT,
        layout.spec("a-run"),
        layout.runner(sha256),
        layout.snapshot(attempt.worker, 1).format(sha256=sha256),
        folder.in_folder(RunFolder.attempt("done", attempt)),
        folder.in_folder(RunFolder.worker_snapshot(OUTPUTS, attempt, 1).format(sha256=sha256)),
    ):
        assert checked(name) == name
        assert len(name) <= 240


@settings(max_examples=300)
@given(
    st.from_regex(r"[a-z0-9]{4}\.(claim|tick|done|out)-[0-9.-]{1,12}(\.json|-[0]{64}\.snap)", fullmatch=True)
)
def test_what_was_parsed_is_spelled_in_one_way(name: str) -> None:
    """Else two files would say the same, and a name made from what a name said would be that of another file."""
    match parse_run_file(name):
        case WorkerFile(kind="claim", worker=worker, number=number):
            assert name == RunFolder.claim(worker, number)
        case WorkerFile(kind="tick", worker=worker, number=number):
            assert name == RunFolder.tick(worker, number)
        case WorkerFile(kind=kind, attempt=Attempt() as attempt):
            assert name == RunFolder.attempt(kind, attempt)
        case WorkerSnapshot(what=what, attempt=attempt, seq=seq):
            assert name == RunFolder.worker_snapshot(what, attempt, seq).format(sha256="0" * 64)


def test_no_snapshot_gets_a_number_that_no_name_holds() -> None:
    assert parse_snapshot(layout.snapshot("k3f9", 99_999_999).format(sha256=HASH)[len("snapshots/") :])
    with pytest.raises(CorruptMailbox, match="99999999"):
        layout.snapshot("k3f9", 100_000_000)


@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=40), st.from_regex(r"[a-z0-9]{4,6}\.[a-z]+-?[0-9.]*\.json", fullmatch=True))
)
def test_what_is_not_known_is_ignored_and_what_is_known_is_ascii(name: str) -> None:
    if parse_run_file(name) is not None:
        assert name.isascii()
    assert parse_snapshot(name) is None
    assert not is_pack(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "spec.json",
        f"{HASH}.pack",
        ".tmp-k3f9-1",
        "k3f9.hello",
        "k3f9.hello.json.part",
        "k3f9.hello (1).json",
        "k3f9.later-1.json",
        "k3f9.claim-.json",
        "k3f9.claim--1.json",
        "k3f9.claim-٣.json",
        "k3f9.claim-1.json\n",
        "k3.claim-1.json",
        "K3F9.claim-1.json",
        "../k3f9.claim-1.json",
        "k3f9.done-1.json",
        "k3f9.done-1.2.3.json",
        f"k3f9.out-0.1-1-{HASH}.snap",
        f"k3f9.out-0.1-000001-{HASH[:-1]}.snap",
        f"k3f9.other-0.1-000001-{HASH}.snap",
        "accepted-k3f9.json",
        "stop-.json",
        "k3f9.claim-0.json",
        "k3f9.claim-01.json",
        "k3f9.claim-1000000000.json",
        "k3f9.tick-1.json",
        "k3f9.tick-0000001.json",
        "k3f9.done-00.1.json",
        "k3f9.done-0.01.json",
        "k3f9.done-0.0.json",
        f"k3f9.out-01.1-000001-{HASH}.snap",
        "accepted-00-k3f9.json",
    ],
)
def test_other_names_mean_nothing(name: str) -> None:
    assert parse_run_file(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.k3f9",
        "0.k3f9.1.2",
        "-1.k3f9.1",
        "0.K3F9.1",
        "٣.k3f9.1",
        "0.k3f9.1 ",
        "00.k3f9.1",
        "0.k3f9.01",
        "0.k3f9.0",
    ],
)
def test_what_is_no_attempt_is_none(text: str) -> None:
    assert parse_attempt(text) is None
