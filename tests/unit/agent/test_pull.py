"""``hybrid pull``: which runs it pulls, what it tells of each, and how it ends."""

import os
from pathlib import Path

import pytest

from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Spec
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]
NOTHING = "Nothing to pull: all that this laptop's runs have finished was pulled before."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def done_run(project: Project, run: str = "r1", **fields: object) -> None:
    project.queue(run, **fields)
    project.worker(run=run).claim().done(files={"a.txt": b"answer"}, output=b"log\n")


def test_outputs_come_home_and_the_line_says_where(project: Project) -> None:
    done_run(project, sample=True)
    code, out, err = project.call("pull")
    assert code == 0
    assert (
        out
        == f"r1: done, a sample, 1 of 1 shard here; fetched and verified 2 files (10 B); in {project.outputs / 'r1'}\n"
    )
    assert err == ""
    assert (project.outputs / "r1/a.txt").read_bytes() == b"answer"


def test_second_pull_changes_nothing_and_says_so(project: Project) -> None:
    done_run(project)
    project.call("pull")
    code, out, err = project.call("pull")
    assert (code, out, err) == (0, f"{NOTHING}\n", "")
    code, out, _ = project.call("pull", "r1")
    assert code == 0
    assert out.startswith("r1: done, 1 of 1 shard here; nothing new; in ")


def test_all_open_runs_of_this_laptop_are_pulled_and_those_of_others_when_named(project: Project) -> None:
    done_run(project, "r1")
    done_run(project, "r2")
    foreign = Spec(
        run="20261120-223100-theirs-a1b2",
        laptop="laptop33",
        created=0,
        snapshot=project.snapshot,
        target="local",
        shards=1,
        name="theirs",
    )
    project.remote.make_folders([f"{BASE}/{RunFolder(foreign.run).path}"])
    project.remote.write(f"{BASE}/runs/{foreign.run}/spec.json", records.encode(foreign))
    project.worker(run=foreign.run).claim().done(files={"a": b"1"})
    code, _, err = project.call("pull")
    assert code == 0
    assert "Left alone: 1 run of other laptops" in err
    assert sorted(path.name for path in project.outputs.iterdir()) == ["r1", "r2"]
    assert project.json("pull", "theirs")["runs"][0]["fetched"] == [0]


def test_run_that_was_brought_home_and_removed_comes_back_only_when_named(project: Project) -> None:
    done_run(project)
    project.call("pull")
    (project.outputs / "r1").rename(project.outputs / "elsewhere")
    project.call("pull")
    assert not (project.outputs / "r1").exists()
    assert project.json("pull", "r1")["runs"][0]["fetched"] == [0]


def test_document_tells_what_came_and_what_did_not(project: Project) -> None:
    project.configure('[pull]\nexclude = ["*.bin"]\n')
    project.queue(shards=4, name="train")
    worker = project.worker().claim()
    worker.done(0, {"a.txt": b"1", "b.bin": b"12345"})
    worker.done(1, {"a.txt": b"1"}, snapshot=f"runs/r1/worker22.out-1.1-000001-{'0' * 64}.snap")
    worker.publish(worker.start(2), {"a.txt": b"so far"})
    [run] = project.json("pull", code=3)["runs"]
    assert (run["run"], run["name"], run["phase"], run["shards"]) == ("r1", "train", "running", 4)
    assert (run["fetched"], run["present"], run["partial"]) == ([0], [], [1, 2])
    assert (run["left_out"], run["left_out_bytes"]) == (1, 5)
    assert [each["shard"] for each in run["incomplete"]] == [1]
    assert run["folder"] == str(project.outputs / "r1")


def test_shard_that_is_not_whole_is_named_with_what_to_do(project: Project) -> None:
    project.queue()
    project.worker().claim().done(files={"a": os.urandom(400_000)})
    for pack in project.mail.glob("runs/r1/*.pack"):
        pack.unlink()
    code, out, err = project.call("pull")
    assert code == 3
    assert out.startswith("r1: done, 0 of 1 shard here")
    assert "shard 0 is not whole here: attempt 0.worker22.1" in err
    assert "if it stays so, its outputs are lost: hybrid run, again" in err


def test_what_is_in_the_way_is_to_be_moved_and_no_machine_is_to_be_started(project: Project) -> None:
    done_run(project)
    (project.outputs / "r1").mkdir(parents=True)
    (project.outputs / "r1/mine").write_bytes(b"mine")
    code, _, err = project.call("pull")
    assert code == 3
    assert "is in the way" in err
    assert err.endswith("Next: move away what is in the way, then: hybrid pull r1\n")


def test_failed_run_is_pulled_like_any_other(project: Project) -> None:
    project.queue(retries=0)
    project.worker().claim().failed(files={"a": b"1"})
    code, out, err = project.call("pull")
    assert code == 0
    assert out.startswith("r1: failed, 0 of 1 shard here")
    assert "unfinished outputs of 1 shard" in out
    assert err == "Next: hybrid logs r1\n"


def test_run_with_nothing_to_fetch_has_a_line_only_where_it_is_named(project: Project) -> None:
    project.queue()
    project.queue("r2")
    project.worker(run="r2").claim().broken(reason="exit code 1")
    code, out, err = project.call("pull")
    assert (code, out) == (0, "Nothing to pull yet.\n")
    assert err == "Nothing to fetch now from 2 runs: 1 queued, 1 setup failed.\nNext: hybrid status\n"
    code, out, err = project.call("pull", "r1")
    assert (code, out) == (0, "r1: queued, 0 of 1 shard here; nothing new\n")
    assert err == "Next: hybrid up --on local\n"
    assert project.call("pull", "r2")[1] == "r2: setup failed, 0 of 1 shard here; nothing new\n"
    assert [each["run"] for each in project.json("pull")["runs"]] == ["r1", "r2"]


def test_pulled_runs_that_are_gone_from_here_are_told_with_what_brings_them_back(project: Project) -> None:
    done_run(project)
    done_run(project, "r2")
    project.call("pull")
    (project.outputs / "r1").rename(project.root / "away")
    code, out, _ = project.call("pull")
    gone = (
        f"1 run was pulled before and is not in {project.outputs} now: r1; hybrid pull RUN fetches it again."
    )
    assert (code, out) == (0, f"{NOTHING}\n{gone}\n")
    assert project.json("pull")["gone"] == ["r1"]
    assert project.json("pull", "--into", "elsewhere")["gone"] == []
    (project.outputs / "r2").rename(project.root / "away2")
    assert "2 runs were pulled before and are not in " in project.call("pull")[1]


def test_named_run_brings_a_deleted_shard_back_and_a_deleted_file_only_elsewhere(project: Project) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    for shard in range(2):
        worker.done(shard, files={"a": b"1"})
    project.call("pull")
    (project.outputs / "r1/000").rename(project.root / "away")
    (project.outputs / "r1/001/a").unlink()
    run = project.json("pull", "r1")["runs"][0]
    assert (run["fetched"], run["present"]) == ([0], [1])
    assert not (project.outputs / "r1/001/a").exists()
    project.call("pull", "r1", "--into", "elsewhere")
    assert (project.root / "elsewhere/r1/001/a").read_bytes() == b"1"


def test_grading_is_suggested_where_a_scorer_is_set_and_it_finds_the_outputs(project: Project) -> None:
    project.configure('[grade]\nscorer = "exact"\n')
    done_run(project)
    done_run(project, "r2")
    assert project.call("pull", "r1")[2] == "Next: hybrid grade r1\n"
    assert project.call("pull", "r2", "--into", "elsewhere")[2] == ""


def test_into_another_folder_from_where_one_stands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done_run(project)
    project.call("pull")
    deep = project.root / "deep"
    deep.mkdir()
    monkeypatch.chdir(deep)
    assert project.json("pull", "r1", "--into", "here")["runs"][0]["fetched"] == [0]
    assert (deep / "here/r1/a.txt").read_bytes() == b"answer"


def test_dry_run_and_no_partial_write_nothing(project: Project) -> None:
    done_run(project)
    project.queue("r2")
    worker = project.worker(run="r2").claim()
    worker.publish(worker.start(), {"a": b"so far"})
    code, out, _ = project.call("pull", "--dry-run")
    assert code == 0
    assert "r1: done, 0 of 1 shard here; would fetch 2 files (10 B)\n" in out
    assert not project.outputs.exists()
    project.call("pull", "r2", "--no-partial")
    assert not project.outputs.exists()


@pytest.mark.platform
def test_path_that_this_disk_cannot_hold_is_skipped_and_named(project: Project) -> None:
    project.queue()
    project.worker().claim().done(files={"x" * 300: b"1", "good": b"2"})
    code, _, err = project.call("pull")
    assert code == 3
    assert f"Skipped in r1: {'x' * 300} " in err
    assert (project.outputs / "r1/good").exists()


def test_spec_of_another_run_leads_nowhere(project: Project) -> None:
    done_run(project)
    project.queue("r2")
    evil = Spec(
        run="../../evil", laptop="laptop22", created=0, snapshot=project.snapshot, target="local", shards=1
    )
    (project.mail / "runs/r2/spec.json").write_bytes(records.encode(evil))
    document = project.json("pull", code=3)
    assert [each["run"] for each in document["runs"]] == ["r1"]
    assert [each["run"] for each in document["unreadable"]] == ["r2"]
    assert project.call("pull", "r2")[0] == 16
    assert not (project.root.parent / "evil").exists()


def test_damaged_spec_does_not_keep_the_others_from_coming(project: Project) -> None:
    done_run(project)
    project.queue("r0")
    (project.mail / "runs/r0/spec.json").write_bytes(b"{}")
    assert project.json("pull", code=3)["runs"][0]["fetched"] == [0]


def test_unknown_run_and_missing_mailbox_are_usage_errors(project: Project) -> None:
    done_run(project)
    assert project.call("pull", "nonsense")[0] == 2
    project.configure("[project2]\n")
    assert project.call("pull")[0] == 2


def test_lost_local_state_is_no_reason_to_pull_again(project: Project) -> None:
    done_run(project)
    project.call("pull")
    for path in (project.root / ".hybrid").glob("state.db*"):
        path.unlink()
    (project.outputs / "r1/a.txt").write_bytes(b"mine")
    run = project.json("pull")["runs"][0]
    assert (run["fetched"], run["present"]) == ([], [0])
    assert (project.outputs / "r1/a.txt").read_bytes() == b"mine"


def test_completion_offers_runs_of_a_mailbox_on_this_machine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.cli.complete import run_ids
    from agent.cli.pull import pull

    done_run(project, "r1")
    done_run(project, "r22")
    offered = run_ids(pull.make_context("pull", []), pull.params[0], "r2")
    assert [each.value for each in offered] == ["r22"]
    monkeypatch.chdir(project.root.parent)
    assert run_ids(pull.make_context("pull", []), pull.params[0], "") == []
