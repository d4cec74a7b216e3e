"""Whether now is a moment to publish: who writes, and what git does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.daemon.publish.git_process import is_at_work
from agent.daemon.publish.quiet import GitState, GitWatch, Seen, git_state, hold, wait_for_writers, watch
from agent.daemon.watch.hints import Heard
from tests.support.at_work import until

TIMES = st.floats(0, 1e6)
# Elsewhere any git of the machine counts, those of other tests too.
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where a process works")
LOCK = GitState(lock=Path("/p/.git/index.lock"), mark=(1, 1))


def heard(*, first: float = 0.0, last: float = 0.0, paths: int = 1, doubt: str = "", open: int = 0) -> Heard:
    names = [b"%d" % number for number in range(max(paths, open))]
    return Heard(
        paths=frozenset(names[:paths]), doubt=doubt, open=frozenset(names[:open]), first=first, last=last
    )


def git(root: Path, *words: str, code: int | None = 0) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "protocol.file.allow=always", *words],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_EDITOR": "true",
            "HOME": str(root),
        },
    )
    assert code is None or done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two branches that changed the same line, on ``main``."""
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for branch, text in (("main", "1"), ("other", "2"), ("main", "3")):
        git(root, "checkout", "-q", *(["-b"] if branch == "other" else []), branch, code=None)
        (root / "a").write_text(text)
        git(root, "add", "a")
        git(root, "commit", "-q", "-m", text)
    return root


@given(
    first=TIMES,
    span=st.floats(0, 1e4),
    after=st.floats(0, 1e4),
    paths=st.integers(1, 300),
    doubt=st.sampled_from(["", "lost"]),
    open=st.integers(0, 3),
)
def test_writers_hold_it_for_a_minute_at_most(
    first: float, span: float, after: float, paths: int, doubt: str, open: int
) -> None:
    last = first + span
    now = last + after
    seconds, why = wait_for_writers(heard(first=first, last=last, paths=paths, doubt=doubt, open=open), now)
    assert 0 <= seconds <= 10 and bool(why) == (seconds > 0)
    assert now + seconds <= max(now, first + 60.001)
    if after > 10:
        assert seconds == 0
    if seconds == 0 and now < first + 60:
        assert after >= 0.299 and (after >= 0.999 or (paths < 200 and not doubt))
        assert not open or after >= 9.999


def test_one_saved_file_waits_for_a_third_of_a_second() -> None:
    assert wait_for_writers(heard(first=5, last=5), 5.0)[0] == pytest.approx(0.3)
    assert wait_for_writers(heard(first=5, last=5), 5.31) == (0.0, "")
    assert wait_for_writers(heard(first=5, last=5, paths=200), 5.31)[0] == pytest.approx(0.69)


def test_a_file_that_is_written_is_named() -> None:
    assert "0 is still being written" in wait_for_writers(heard(open=1), 1.0)[1]
    assert "0 and 2 more are still" in wait_for_writers(heard(open=3), 1.0)[1]
    assert wait_for_writers(heard(open=3), 10.01) == (0.0, "")


@given(since=TIMES, after=st.floats(0, 1e5), operation=st.sampled_from(["", "a merge is not finished"]))
def test_git_holds_it_as_long_as_it_lasts(since: float, after: float, operation: str) -> None:
    state = GitState(operation=operation, lock=LOCK.lock, mark=LOCK.mark)
    found = hold(heard(first=since, last=since), Seen(state=state, since=since, asked=since), since + after)
    assert 0.1 <= found.seconds <= 30 and found.why and found.need is None


def test_a_lock_nobody_works_behind_is_told_and_holds_no_more() -> None:
    seen, asked = None, list[Path]()

    def at_work(lock: Path) -> bool:
        asked.append(lock)
        return False

    for now in range(0, 400, 10):
        seen = watch(seen, LOCK, now, at_work)
        found = hold(heard(), seen, now)
        assert (found.seconds == 0) == (now >= 180) == (found.need is not None)
    assert asked == [LOCK.lock] * 4
    assert found.need is not None and "index.lock" in found.need.what
    assert watch(seen, GitState(), 400, lambda _: False) is None
    another = watch(seen, GitState(lock=LOCK.lock, mark=(2, 2)), 400, lambda _: False)
    assert another is not None and another.since == 400 and not another.abandoned


def test_a_lock_somebody_works_behind_holds_for_hours() -> None:
    seen = None
    for now in range(0, 36_000, 30):
        seen = watch(seen, LOCK, now, lambda _: True)
        assert hold(heard(), seen, now).seconds > 0


def test_each_operation_is_seen_while_it_is_open(repository: Path) -> None:
    seen = []
    for words in (("merge", "other"), ("rebase", "other"), ("cherry-pick", "other"), ("revert", "HEAD~1")):
        assert git_state(repository) == GitState()
        git(repository, *words, code=None)
        seen.append(git_state(repository).operation)
        git(repository, words[0], "--abort")
    assert [each.split()[1] for each in seen] == ["merge", "rebase", "cherry-pick", "revert"]


def test_what_a_rebase_leaves_behind_does_not_hold(repository: Path) -> None:
    git(repository, "rebase", "other", code=1)
    (repository / "a").write_text("4")
    git(repository, "add", "a")
    git(repository, "rebase", "--continue")
    assert (repository / ".git" / "REBASE_HEAD").exists()
    assert git_state(repository) == GitState()


def test_a_bisection_does_not_hold(repository: Path) -> None:
    git(repository, "bisect", "start", "HEAD", "HEAD~1")
    assert (repository / ".git" / "BISECT_LOG").exists()
    assert git_state(repository) == GitState()


def test_worktrees_submodules_and_folders_below_are_looked_up(repository: Path, tmp_path: Path) -> None:
    below = repository / "x" / "y"
    below.mkdir(parents=True)
    (repository / ".git" / "index.lock").touch()
    assert git_state(below).lock == repository / ".git" / "index.lock"
    (repository / ".git" / "index.lock").unlink()
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"), "other")
    git(repository, "submodule", "add", "-q", str(repository), "sub")
    for tree in (tmp_path / "second", repository / "sub"):
        folder = Path(git(tree, "rev-parse", "--absolute-git-dir").strip())
        (folder / "index.lock").touch()
        found = git_state(tree).lock
        assert found is not None and found.samefile(folder / "index.lock")
        assert git_state(repository) == GitState()


def test_without_git_nothing_holds(tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(b"gitdir: \0\xff\n")
    assert git_state(tmp_path).operation == ""
    (tmp_path / ".git").write_bytes(b"something else")
    assert git_state(tmp_path).operation == ""
    assert GitWatch(tmp_path).hold(heard(), 1.0) == (0.0, "", None)


@pytest.mark.platform
@LINUX
@pytest.mark.parametrize("place", ["tree", "second", "tree/sub"])
def test_a_git_at_work_is_found_and_a_dead_one_is_not(repository: Path, tmp_path: Path, place: str) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"), "other")
    git(repository, "submodule", "add", "-q", str(repository), "sub")
    tree = tmp_path / place
    lock = Path(git(tree, "rev-parse", "--absolute-git-dir").strip()) / "index.lock"
    lock.touch()
    waiting = ("git", "hash-object", "--stdin")  # stays until its input ends
    with subprocess.Popen(waiting, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        until(lambda: is_at_work(lock), "git at work", 20)  # a program that has just begun has no name yet
        process.communicate(b"")
    assert not is_at_work(lock)
    with lock.open("wb"):
        assert is_at_work(lock)


@pytest.mark.platform
@LINUX
def test_a_git_that_only_serves_reads_does_not_count(repository: Path) -> None:
    lock = repository / ".git" / "index.lock"
    lock.touch()
    serving = ("git", "cat-file", "--batch")
    with subprocess.Popen(
        serving, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert not is_at_work(lock)
        process.communicate(b"")


def test_a_lock_in_a_real_repository_holds_until_it_is_gone_or_abandoned(repository: Path) -> None:
    watching = GitWatch(repository, at_work=lambda lock: False)
    assert watching.hold(heard(), 1.0).seconds == 0
    lock = repository / ".git" / "index.lock"
    lock.touch()
    assert watching.hold(heard(), 2.0).why == "git is at work here"
    assert watching.hold(heard(), 181.0).seconds > 0
    found = watching.hold(heard(), 182.0)
    assert found.seconds == 0 and found.need is not None and found.need.key == "git-lock"
    lock.unlink()
    assert watching.hold(heard(), 183.0) == (0.0, "", None)
    (repository / ".git" / "MERGE_HEAD").touch()
    assert "merge" in watching.hold(heard(), 184.0).why
