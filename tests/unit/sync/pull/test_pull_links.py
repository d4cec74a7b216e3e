"""Links in the outputs lead no pull to where it would change what is the user's."""

import dataclasses
import os
from pathlib import Path

import pytest

from sync.errors import Problem
from tests.support.pulls import Home, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links of POSIX")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of the user's, outside."""
    folder = tmp_path / "data"
    (folder / "001").mkdir(parents=True)
    (folder / "001" / "mine").write_bytes(b"mine")
    return folder


@pytest.mark.parametrize("name", [".partial", ".PARTIAL"])
def test_outputs_of_a_run_without_shards_hold_nothing_where_unfinished_ones_are_shown(
    home: Home, name: str
) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    worker.done(0, {f"{name}/001/b": b"2", f"{name}/a": b"1", "answer": b"42"})
    pulled = home.pull(spec)
    assert pulled.fetched == [0]
    what = "would lie where unfinished outputs are shown"
    assert [problem for problem in pulled.problems if problem.what == what] == [
        Problem(f"{name}/{each}".encode(), what) for each in ("001/b", "a")
    ]
    assert {path.name for path in (home.outputs / "r1").iterdir()} == {"answer", "hybrid.log"}


def test_outputs_of_a_shard_may_be_named_so(home: Home) -> None:
    spec = home.queue(shards=2)
    home.worker().claim().done(0, {".partial/a": b"1"})
    assert home.pull(spec).problems == []
    assert tree(home.outputs)["r1/000/.partial/a"] == b"1"


def test_a_link_among_the_unfinished_outputs_does_not_lead_into_the_finished_ones(home: Home) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    worker.done(0, {"answer": b"42"})
    home.pull(spec)
    (home.outputs / "r1" / ".partial").mkdir()
    (home.outputs / "r1" / ".partial" / "001").symlink_to("..")
    worker.publish(worker.start(1), {"a": b"1"})
    home.pull(dataclasses.replace(spec, shards=2))
    found = tree(home.outputs / "r1")
    assert found["answer"] == b"42"
    assert found[".partial/001/a"] == b"1"
    assert not (home.outputs / "r1" / ".partial" / "001").is_symlink()


@pytest.mark.parametrize("planted", [".partial", ".partial/001"])
@pytest.mark.parametrize("finished", [False, True])
def test_nothing_changes_where_a_link_leads(home: Home, data: Path, planted: str, finished: bool) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    link = home.outputs / "r1" / planted
    link.parent.mkdir(parents=True)
    link.symlink_to(data)
    before = tree(data)
    if finished:
        worker.done(1, {"a": b"1"})
        worker.publish(worker.start(0), {"a": b"0"})
    else:
        worker.publish(worker.start(1), {"a": b"1"})
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.partial) == (([1], [0]) if finished else ([], [1]))
    assert tree(data) == before


def test_a_link_in_the_place_of_the_incoming_folder_is_taken_away(home: Home, data: Path) -> None:
    spec = home.queue(shards=2)
    home.worker().claim().done(1, {"001/mine": b"theirs"})
    home.outputs.mkdir()
    (home.outputs / ".r1.001.incoming").symlink_to(data)
    assert home.pull(spec).fetched == [1]
    assert tree(data) == {"001/mine": b"mine"}
    assert tree(home.outputs / "r1" / "001")["001/mine"] == b"theirs"
    assert not (home.outputs / "r1" / "001").is_symlink()
