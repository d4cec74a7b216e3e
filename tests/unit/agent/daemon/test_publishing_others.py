"""Git, a person, and other commands are at work on the same project."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.tell.status import HELD, WATCHING
from tests.support.agent_sides import Life, life
from tests.support.trees import make_tree


def git(root: Path, *words: str, code: int = 0) -> None:
    own = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *own, *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    with life(tmp_path) as made:
        make_tree(made.root, {"a": "a", "b": "b", "c/d": "d", "c/e": "e"})
        git(made.root, "init")
        git(made.root, "add", "-A")
        git(made.root, "commit", "-m", "first")
        made.settle()
        yield made


def test_nothing_is_published_while_git_holds_its_lock(one: Life) -> None:
    lock = one.root / ".git" / "index.lock"
    lock.touch()
    one.write("a", "changed")
    one.settle(100)
    assert len(one.snapshots()) == 1 and one.status.state == HELD
    assert one.status.waiting is not None and one.status.waiting.why == "git is at work here"
    lock.unlink()
    one.hints.git()
    one.settle()
    assert one.there() == one.here() and one.status.state == WATCHING


def test_lock_that_git_left_behind_is_told_and_holds_nothing_up_for_ever(one: Life) -> None:
    (one.root / ".git" / "index.lock").touch()
    one.write("a", "changed")
    one.settle(400)
    assert one.there() == one.here()
    assert list(one.needs) == ["git-lock"]
    (one.root / ".git" / "index.lock").unlink()
    one.write("a", "again")
    one.settle()
    assert one.needs == {}


def test_merge_that_is_not_finished_is_not_published(one: Life) -> None:
    git(one.root, "checkout", "-b", "other")
    one.write("a", "theirs")
    git(one.root, "commit", "-am", "theirs")
    git(one.root, "checkout", "main")
    one.write("a", "ours")
    git(one.root, "commit", "-am", "ours")
    one.settle()
    before = len(one.snapshots())
    git(one.root, "merge", "other", code=1)
    one.hints.changed(b"a")
    one.settle(3600)
    assert len(one.snapshots()) == before and one.status.state == HELD
    assert one.status.waiting is not None and one.status.waiting.why == "a merge of git is not finished"
    one.write("a", "both")
    git(one.root, "commit", "-am", "merged")
    one.hints.git()
    one.settle(31)
    assert len(one.snapshots()) == before + 1 and one.there() == one.here()


def test_mass_deletion_stops_and_waits_for_a_person(one: Life) -> None:
    for name in ("a", "b", "c"):
        one.remove(name)
    one.settle(1000)
    assert len(one.snapshots()) == 1 and one.status.state == HELD
    [need] = one.status.needs
    assert (need.key, "hybrid push --accept-deletions" in need.how) == ("deletions", True)
    one.push(accept_deletions=True)
    one.write("new", "new")
    one.settle(61)
    assert one.status.state == WATCHING and one.status.needs == [] and one.status.waiting is None
    assert one.there() == one.here()


def test_what_was_gone_and_is_back_needs_nobody(one: Life) -> None:
    for name in ("a", "b", "c"):
        (one.root / name).rename(one.home / name)
        one.hints.changed(name.encode())
    one.settle()
    assert one.status.state == HELD
    for name in ("a", "b", "c"):
        (one.home / name).rename(one.root / name)
        one.hints.changed(name.encode())
    one.settle(61)
    assert one.status.state == WATCHING and one.status.needs == [] and len(one.snapshots()) == 1


def test_word_from_a_person_ends_the_wait_for_one(one: Life) -> None:
    for name in ("a", "b", "c"):
        one.remove(name)
    one.settle(10)
    one.push(accept_deletions=True)
    one.publishing.nudged()
    one.settle(3)
    assert one.status.state == WATCHING and one.status.needs == []


def test_command_at_work_is_waited_for(one: Life) -> None:
    with one.ground.project.lock("push"):
        one.write("a", "changed")
        one.clock.advance(1)
        assert one.turn() == 1.0
        assert one.status.state == HELD
        assert one.status.waiting is not None and "another hybrid command" in one.status.waiting.why
        assert one.status.trouble is None
    one.settle()
    assert one.there() == one.here() and one.status.state == WATCHING and one.status.waiting is None


def test_what_a_command_published_is_not_published_again(one: Life) -> None:
    one.write("a", "changed")
    one.push()
    one.settle()
    assert len(one.snapshots()) == 2 and one.status.published is not None
    assert one.status.published["seq"] == 2


@pytest.mark.parametrize("agent", ["the same", "a new one"])
@pytest.mark.parametrize("line", ["closed", "begun", "met"])
@pytest.mark.parametrize("folder", ["the same", "a clone"])
def test_nothing_leans_on_what_a_collection_has_removed_meanwhile(
    one: Life, agent: str, line: str, folder: str
) -> None:
    one.configure("[keep]\nsnapshots = 1\ndays = 0\n")
    one.settle()
    content = {f"c/{n}": random.Random(n).randbytes(200_000) for n in range(2)}
    for path, data in content.items():
        one.write(path, data)
    one.settle()
    for path in content:
        one.remove(path)
    one.settle()
    if agent == "a new one":
        one.begin()
        one.settle()
    if line != "met":
        one.publishing.doubt("the line is let go of")
        one.settle(100, alone=True)
        one.settle(100, alone=True)
    for path, data in content.items():
        one.write(path, data)
    if line == "begun":
        opened = one.opened
        assert one.turn() > 0
        while one.opened == opened:
            time.sleep(0.001)
    removed = one.collect(in_a_clone=folder == "a clone")
    assert any(path.endswith((".snap", ".pack")) for path in removed)
    one.settle()
    assert one.there() == one.here()
