"""One worker with scripted children on a mailbox in memory: what it takes, starts and breaks, and what it leaves alone.

How it stops is in ``test_session_leaving.py``, what it writes in ``test_session_publishing.py``.
"""

import errno
from pathlib import Path

import pytest

from cloud_runner.child import Command
from cloud_runner.device import Device
from sync.errors import NotFound
from sync.mailbox import lease, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended
from sync.mailbox.state import Phase, phase, shards
from sync.remotes.faults import FaultPlan
from sync.store import codec
from tests.support import mailboxes
from tests.support.lab import BASE, DIR, Lab, writes
from tests.support.scripted import ScriptedChild


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_every_shard_is_done_once_with_what_its_child_wrote(lab: Lab) -> None:
    lab.queue(shards=3)
    lab.run(lab.worker(writes()))
    seen = lab.view()
    assert sorted(seen.done) == sorted(seen.starts) == [Attempt(n, "worker22", 1) for n in range(3)]
    for attempt in seen.done:
        files = lab.content(lab.ended("done", attempt).snapshot)
        assert files == {b"answer.txt": b"%d 42\n" % attempt.shard, b"hybrid.log": b"begun\n"}
    assert lease.holder(seen) is None, "the lease is given up at the end"
    assert phase(seen, shards(seen, 3, 1)) is Phase.DONE


def test_inputs_are_dealt_out_line_by_line(lab: Lab) -> None:
    given: list[bytes] = []

    def script(command: Command) -> ScriptedChild:
        given.append(Path(command.env["HYBRID_SHARD_INPUT"]).read_bytes())
        return writes()(command)

    lab.queue(shards=2, inputs={"kind": "lines", "path": "in.jsonl", "chunk": 2, "count": 3})
    lab.run(lab.worker(script))
    assert given == [b'{"n": 0}\n{"n": 1}\n', b'{"n": 2}\n']


def test_a_failing_shard_is_exhausted_after_its_retries_and_the_others_go_on(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        return writes(code=1 if command.env["HYBRID_SHARD"] == "1" else 0)(command)

    lab.queue(shards=3, retries=2)
    lab.run(lab.worker(script))
    seen = lab.view()
    assert sorted(seen.failed) == [Attempt(1, "worker22", n) for n in (1, 2, 3)]
    assert {attempt.shard for attempt in seen.done} == {0, 2}
    failure = lab.ended("failed", Attempt(1, "worker22", 1))
    assert (failure.exit, failure.reason, failure.log) == (1, "exit code 1", "begun\n")
    assert lab.content(failure.snapshot)[b"answer.txt"] == b"1 42\n", "what it made is there to look at"


def test_a_command_that_cannot_start_fails_as_often_as_any_other(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        raise FileNotFoundError("no such program")

    lab.queue(retries=1)
    lab.run(lab.worker(script))
    assert sorted(lab.view().failed) == [Attempt(0, "worker22", n) for n in (1, 2)]
    assert lab.ended("failed", Attempt(0, "worker22", 1)).exit == 127


@pytest.mark.parametrize(
    "inputs",
    [
        {"kind": "lines", "path": "in.jsonl", "chunk": 9, "count": 9},
        {"kind": "lines", "path": "absent", "chunk": 2, "count": 3},
        {"kind": "files", "path": "*.png", "chunk": 1, "count": 1},
        {"kind": "lines", "path": "in.jsonl", "chunk": "2", "count": 3},
        {"kind": "tea", "path": "in.jsonl", "chunk": 2, "count": 3},
    ],
)
def test_inputs_that_cannot_be_dealt_out_fail_the_attempt(lab: Lab, inputs: dict[str, object]) -> None:
    lab.queue(inputs=inputs, retries=0)
    lab.run(lab.worker(writes()))
    assert lab.view().failed == {Attempt(0, "worker22", 1)}
    assert lab.ended("failed", Attempt(0, "worker22", 1)).reason.startswith("cannot start: ")


def test_attempts_run_side_by_side_each_with_a_gpu_of_its_own(lab: Lab) -> None:
    devices = [Device(handle=str(n), uuid=f"GPU-{n}", name="T4", total_gb=16, free_gb=15) for n in range(2)]
    lab.queue(shards=4, gpu="T4")
    lab.run(lab.worker(writes(polls=10), devices=devices))
    assert [command.env["CUDA_VISIBLE_DEVICES"] for command in lab.commands] == ["0", "1", "0", "1"]
    assert {command.env["HYBRID_GPU"] for command in lab.commands} == {"T4"}


def test_a_run_that_needs_a_gpu_is_broken_at_once_where_there_is_none(lab: Lab) -> None:
    lab.queue(gpu="T4")
    lab.run(lab.worker(writes()))
    seen = lab.view()
    assert not seen.starts
    assert phase(seen, shards(seen, 1, 1)) is Phase.SETUP_FAILED
    broken = records.read(Ended, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.broken('worker22', 1))}")
    assert broken.reason == "the run needs a GPU (T4) and this machine shows none"
    assert not (lab.folder / "worker22" / BASE / "space" / "tree").exists(), "nothing was fetched for it"


def test_a_run_that_needs_another_gpu_is_broken_with_what_is_there(lab: Lab) -> None:
    devices = [Device(handle="0", uuid="GPU-0", name="NVIDIA L40S", total_gb=48, free_gb=47)]
    lab.queue(gpu="L40")
    lab.run(lab.worker(writes(), devices=devices))
    broken = records.read(Ended, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.broken('worker22', 1))}")
    assert broken.reason == "the run needs a GPU (L40) and this machine shows NVIDIA L40S"


def test_set_up_runs_once_for_its_content_and_a_failing_one_breaks_the_run(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        return ScriptedChild(command, 2, {}, 1 if command.shell == "false" else 0)

    lab.queue(shards=2, setup="pip install -r main.py")
    mailboxes.queue_run(lab.laptop, BASE, "r-2", lab.tree.name, command=["x"], setup="pip install -r main.py")
    mailboxes.queue_run(lab.laptop, BASE, "r-3", lab.tree.name, command=["x"], setup="false")
    lab.run(lab.worker(script))
    assert [c.shell for c in lab.commands if c.shell] == ["pip install -r main.py", "false"]
    name = RunFolder("r-3").in_folder(RunFolder.broken("worker22", 1))
    broken = records.read(Ended, lab.laptop, f"{BASE}/{name}")
    assert (broken.exit, broken.reason) == (1, "the set-up ended with exit code 1")


class Maker:
    """Children that make things in the tree: a set-up an environment and a build, an attempt litter."""

    def __init__(self, lab: Lab, *, dies: bool = False) -> None:
        self.lab = lab
        self.dies = dies
        self.set_ups: list[str] = []
        self.found: list[set[str]] = []

    def script(self, command: Command) -> ScriptedChild:
        tree = command.folder
        if command.shell:
            self.set_ups.append(command.shell)
            assert not (tree / ".venv").exists(), "it starts in a clean tree"
            (tree / ".venv" / "bin").mkdir(parents=True)
            (tree / ".venv" / "bin" / "python").write_text("an interpreter")
            (tree / "lib" / "built.so").write_text("built")
            if self.dies:
                self.dies = False
                raise KeyboardInterrupt  # stands for the death of the process
            return ScriptedChild(command, 2, {}, 0)
        self.found.append({path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()})
        (tree / "litter").mkdir(exist_ok=True)
        (tree / "lib" / "litter.txt").write_text("left by an attempt")
        return writes()(command)

    def run(self, run: str, main: bytes, setup: str) -> None:
        files = {"main.py": main, "Makefile": b"all:", "lib/source.c": b"int one;"}
        tree = mailboxes.publish_tree(self.lab.laptop, BASE, files, seq=len(self.set_ups) + 50)
        mailboxes.queue_run(self.lab.laptop, BASE, run, tree.name, command=["x"], setup=setup)
        self.lab.run(self.lab.worker(self.script))


SENT = {"main.py", "Makefile", "lib/source.c"}
MADE = {".venv/bin/python", "lib/built.so"}


def test_what_a_set_up_made_in_the_tree_is_there_for_later_runs_and_what_attempts_left_is_not(
    lab: Lab,
) -> None:
    maker = Maker(lab)
    maker.run("r-1", b"one", "make -f Makefile")
    maker.run("r-2", b"two", "make -f Makefile")
    assert maker.set_ups == ["make -f Makefile"]
    assert maker.found == [SENT | MADE] * 2


def test_another_set_up_or_none_starts_in_a_clean_tree(lab: Lab) -> None:
    maker = Maker(lab)
    maker.run("r-1", b"one", "make")
    maker.run("r-2", b"one", "make all")
    maker.run("r-3", b"one", "")
    maker.run("r-4", b"one", "make all")
    assert maker.set_ups == ["make", "make all", "make all"]
    assert maker.found == [SENT | MADE, SENT | MADE, SENT, SENT | MADE]


def test_a_set_up_that_was_killed_starts_again_in_a_clean_tree(lab: Lab) -> None:
    maker = Maker(lab, dies=True)
    with pytest.raises(KeyboardInterrupt):
        maker.run("r-1", b"one", "make")
    lab.clock.advance(60)
    maker.run("r-2", b"one", "make")
    assert maker.set_ups == ["make"] * 2
    assert maker.found == [SENT | MADE] * 2


def test_a_machine_without_the_codec_says_what_is_missing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.tree = mailboxes.publish_tree(lab.laptop, BASE, {"plates.csv": b"well," * 9999}, seq=2)
    lab.queue()
    monkeypatch.setattr(codec, "zstd", lambda: None)
    lab.run(lab.worker(writes()))
    name = DIR.in_folder(RunFolder.broken("worker22", 1))
    reason = records.read(Ended, lab.laptop, f"{BASE}/{name}").reason
    assert "no zstd codec" in reason and "backports.zstd" in reason
    assert lease.holder(lab.view()) is None


def test_a_full_disk_breaks_the_run_here_and_leaves_it_to_others(lab: Lab) -> None:
    def script(command: Command) -> ScriptedChild:
        raise OSError(errno.ENOSPC, "No space left on device")

    lab.queue(setup="make")
    lab.run(lab.worker(script))
    assert lab.view().broken == {"worker22": 1}
    assert lease.holder(lab.view()) is None
    lab.run(lab.worker(writes(), "worker33"))
    assert lab.view().done == {Attempt(0, "worker33", 1)}


def test_a_snapshot_that_becomes_visible_late_is_waited_for(lab: Lab) -> None:
    plan = FaultPlan().fail("read", NotFound("not yet"), path="/snapshots/")
    lab.queue()
    lab.run(lab.worker(writes(), plan=plan))
    plan.verify_all_fired()
    assert lab.view().done and not lab.view().broken


def test_a_snapshot_that_is_not_there_breaks_the_run(lab: Lab) -> None:
    lab.queue()
    lab.laptop.delete(f"{BASE}/{lab.tree.name}")
    lab.run(lab.worker(writes()))
    assert lab.view().broken == {"worker22": 1} and not lab.view().starts


def test_a_damaged_snapshot_breaks_the_run_and_the_reason_says_how_to_mend_it(lab: Lab) -> None:
    lab.queue()
    path = f"{BASE}/{lab.tree.name}"
    data = lab.laptop.read(path, 0, 1_000_000)
    lab.laptop.delete(path)
    lab.laptop.write(path, data[:-1] + bytes([data[-1] ^ 1]))
    lab.run(lab.worker(writes()))
    broken = records.read(Ended, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.broken('worker22', 1))}")
    assert f"{lab.tree.name} does not match" in broken.reason and ".;" not in broken.reason
    assert broken.reason.endswith("; delete that file, then: hybrid push --check")


def test_a_snapshot_that_this_disk_cannot_hold_breaks_the_run_and_says_why(lab: Lab) -> None:
    """A child without all its inputs would come to a wrong end, and that would be accepted."""
    lab.tree = mailboxes.publish_tree(lab.laptop, BASE, {"main.py": b"x", "y" * 300: b"z"}, seq=2)
    lab.queue()
    lab.run(lab.worker(writes()))
    assert lab.view().broken == {"worker22": 1} and not lab.view().starts
    broken = records.read(Ended, lab.laptop, f"{BASE}/{DIR.in_folder(RunFolder.broken('worker22', 1))}")
    assert "yyy" in broken.reason and not broken.reason.endswith(".")


def test_a_run_for_another_target_is_left_alone(lab: Lab) -> None:
    lab.queue(target="colab")
    lab.run(lab.worker(writes()))
    assert not lab.view().claims


def test_the_oldest_run_comes_first(lab: Lab) -> None:
    mailboxes.queue_run(lab.laptop, BASE, "r-0", lab.tree.name, command=["x"])
    lab.queue()
    lab.run(lab.worker(writes()))
    assert [command.env["HYBRID_RUN"] for command in lab.commands] == ["r-0", "r-1"]
