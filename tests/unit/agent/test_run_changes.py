"""What changed between two runs is told as far as it can be had; what the mailbox does not give is said."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent import run_changes, runs, state
from agent.mailbox import Mailbox, opened
from agent.project import Project as AgentProject
from agent.run_changes import RunChanges
from agent.run_facts import FactsMemory, remember
from sync.clock import Clock, SystemClock
from sync.errors import Unreachable
from sync.mailbox import view
from sync.mailbox.layout import RunFolder
from tests.support.mailboxes import publish_tree
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]
BEFORE = {"a.py": b"one\ntwo\nthree\n", "data.bin": b"\0\1", "gone.txt": b"x", "same.txt": b"y"}
AFTER = {"a.py": b"one\n2\nthree\n", "data.bin": b"\0\2\3", "new.txt": b"z", "same.txt": b"y"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    made = Project(tmp_path, monkeypatch, capsys).make()
    for at, (run, files) in enumerate((("r1", BEFORE), ("r2", AFTER))):
        made.snapshot = publish_tree(made.remote, BASE, files, seq=at + 2).name
        fields = {"command": ["python3", "solve.py", f"--temperature={at}"], "env": {"SEED": str(at)}}
        made.queue(run, shards=1, gpu=("none", "T4")[at], **fields)
        made.worker(f"worker2{at}", run).claim(gpu=("", "Tesla T4")[at], vram_gb=15.0 * at, python="3.12.1")
        made.worker(f"worker2{at}", run).done()
        (made.outputs / run).mkdir(parents=True)
    return made


def look(project: Project, a: str = "r1", b: str = "r2", **more: object) -> RunChanges:
    warned: list[str] = []
    found = run_changes.between(
        AgentProject.find(project.root),
        SystemClock(),
        a,
        b,
        warn=warned.append,
        **more,  # type: ignore[arg-type]
    )
    assert not warned
    return found


@contextlib.contextmanager
def unreachable(project: AgentProject, clock: Clock) -> Iterator[Mailbox]:
    raise Unreachable("Nothing answers at box:22.")
    yield


def told(changes: RunChanges) -> Mapping[str, tuple[str, str]]:
    return {one.name: (one.a, one.b) for one in (*changes.parameters, *changes.machine)}


def test_files_are_told_by_path_with_sizes_and_small_texts_line_by_line(project: Project) -> None:
    code = look(project).code
    assert code is not None
    assert [(one.path, one.what, one.before, one.after) for one in code] == [
        ("a.py", "changed", 14, 12),
        ("data.bin", "changed", 2, 3),
        ("gone.txt", "removed", 1, None),
        ("new.txt", "added", None, 1),
    ]
    assert code[0].diff.splitlines() == [
        "--- a/a.py",
        "+++ b/a.py",
        "@@ -1,3 +1,3 @@",
        " one",
        "-two",
        "+2",
        " three",
    ]
    assert [bool(one.diff) for one in code[1:]] == [False, False, False]


def test_parameters_and_machines_are_told_where_they_differ(project: Project) -> None:
    assert told(look(project)) == {
        "command": ("python3 solve.py --temperature=0", "python3 solve.py --temperature=1"),
        "gpu": ("none", "T4"),
        "env SEED": ("0", "1"),
        "GPU": ("none", "Tesla T4"),
        "GPU memory": ("", "15 GB"),
    }


def test_runs_of_the_same_snapshot_have_the_same_code(project: Project) -> None:
    project.queue("r3")
    (project.outputs / "r3").mkdir()
    found = look(project, "r2", "r3")
    assert (found.code, found.unknown) == ([], [])


def test_what_was_seen_once_is_told_again_without_the_mailbox(project: Project) -> None:
    seen = look(project)
    again = look(project, opener=unreachable)
    assert (again.code, told(again)) == (seen.code, told(seen))
    assert again.unknown == ["The mailbox was of no help: Nothing answers at box:22."]


def test_what_was_pulled_is_known_without_the_mailbox(project: Project) -> None:
    assert project.call("pull")[0] == 0
    assert told(look(project, opener=unreachable))["GPU"] == ("none", "Tesla T4")


def test_a_run_whose_outputs_were_removed_here_is_known_all_the_same(project: Project) -> None:
    look(project)
    for run in ("r1", "r2"):
        (project.outputs / run).rmdir()
    assert "command" in told(look(project))


def test_a_run_that_cannot_be_remembered_is_pulled_all_the_same(project: Project) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise Unreachable("Nothing answers at box:22.")

    with opened(AgentProject.find(project.root), SystemClock()) as mailbox:
        spec, seen = runs.spec_of(mailbox, "r1"), view.look(mailbox.remote, BASE, RunFolder("r1"))
        with state.opened(mailbox.project, print) as kept:
            inner, mailbox.remote = mailbox.remote, Away()  # type: ignore[assignment]
            remember(mailbox, kept, spec, seen)
            mailbox.remote = inner
            assert FactsMemory(kept).get("r1") is None


def test_code_that_was_never_compared_is_unknown_without_the_mailbox(project: Project) -> None:
    project.snapshot = publish_tree(project.remote, BASE, {"c.py": b"3"}, seq=9).name
    project.queue("r3")
    (project.outputs / "r3").mkdir()
    look(project), look(project, "r2", "r3")
    found = look(project, "r1", "r3", opener=unreachable)
    assert found.code is None
    assert found.unknown[-1] == "How their code differs is not known here."
    assert "command" in told(found)


def test_what_was_never_seen_is_said_to_be_unknown(project: Project) -> None:
    found = look(project, opener=unreachable)
    assert (found.code, told(found)) == (None, {})
    assert found.unknown[-1] == "Nothing is remembered here of what was run as r1 and r2."


def test_a_run_that_was_removed_leaves_the_other_to_be_told(project: Project) -> None:
    project.remote.delete_folder(f"{BASE}/runs/r1")
    found = look(project)
    assert found.code is None
    assert found.unknown == [
        "r1 is not in the mailbox any more.",
        "Nothing is remembered here of what was run as r1.",
    ]


def test_a_mailbox_that_says_nothing_is_not_waited_for(project: Project) -> None:
    look(project)
    freed = threading.Event()

    @contextlib.contextmanager
    def silent(found: AgentProject, clock: Clock) -> Iterator[Mailbox]:
        freed.wait(60)
        with opened(found, clock) as mailbox:
            yield mailbox

    try:
        found = look(project, opener=silent, patience_s=0.05)
        assert found.unknown == ["The mailbox did not answer within 0.05 s."]
        assert found.code
        assert "command" in told(found)
    finally:
        freed.set()
        for thread in threading.enumerate():
            if thread.name == "what-changed":
                thread.join()


def test_a_bug_in_the_thread_is_not_swallowed(project: Project) -> None:
    @contextlib.contextmanager
    def broken(found: AgentProject, clock: Clock) -> Iterator[Mailbox]:
        raise RuntimeError("a bug")
        yield

    with pytest.raises(RuntimeError, match="a bug"):
        look(project, opener=broken)


def test_files_that_were_graded_by_hand_are_no_runs(project: Project) -> None:
    found = look(project, "r1", "By Hand")
    assert found.unknown == ["By Hand: graded from a file, so nothing is known of how it was made."]


def test_a_mailbox_cannot_fill_the_disk_with_what_is_remembered(project: Project) -> None:
    project.queue("r6", command=["x" * 2_000_000])
    with (
        opened(AgentProject.find(project.root), SystemClock()) as mailbox,
        state.opened(mailbox.project, print) as kept,
    ):
        spec, seen = runs.spec_of(mailbox, "r6"), view.look(mailbox.remote, BASE, RunFolder("r6"))
        remember(mailbox, kept, spec, seen)
        assert FactsMemory(kept).get("r6") is None


def test_a_long_difference_is_cut(project: Project) -> None:
    for at, run in enumerate(("r4", "r5")):
        lines = b"".join(b"%d %d\n" % (at, number) for number in range(2000))
        project.snapshot = publish_tree(project.remote, BASE, {"a.txt": lines}, seq=8 + at).name
        project.queue(run)
        (project.outputs / run).mkdir()
    (change,) = look(project, "r4", "r5").code or []
    assert len(change.diff.splitlines()) == 401 and change.diff.endswith("…")
