"""A runner that is killed at any of its steps: the next one on the same disk completes the run, and nothing is lost."""

import random
import sys
from pathlib import Path

import pytest

from cloud_runner.child import Command
from sync.clock import ManualClock
from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended as EndedRecord
from sync.mailbox.state import shards
from sync.mailbox.view import RunView, look
from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader
from tests.support import scripted
from tests.support.mailboxes import make_mailbox, publish_tree, queue_run
from tests.support.scenarios import stopped_at_each_step, stopped_twice
from tests.support.scripted import ScriptedChild
from tests.support.stage import BASE, Stage, whole
from tests.support.stopping import Ended, How, forked
from tests.support.trees import noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]

RUN = RunFolder("r1")
SHARDS = 2


class Runner:
    """Two shards whose children write outputs and a checkpoint; every process is another worker on the same disk."""

    def begin(self, home: Path) -> Stage:
        stage = Stage(home / "stage")
        make_mailbox(stage.remote, BASE)
        state = publish_tree(
            stage.remote, BASE, {"main.py": b"print()\n", "data/in.bin": noise(150_000)}
        ).name
        begun = stage.home / "begun"
        begun.mkdir()
        env = {"BEGUN": str(begun)}
        queue_run(stage.remote, BASE, "r1", state, command=["main"], shards=SHARDS, parallel=1, env=env)
        self.processes = 0
        return stage

    def act(self, play: Stage, stop_at: int = 0, how: How = "kill") -> Ended:
        self.processes += 1
        number = self.processes

        def work() -> int:
            clock = ManualClock()
            remote = FolderRemote(str(play.mail))
            place = scripted.place(remote, clock, play.home / "work", child, base=BASE, say=print)
            scripted.work_to_the_end(scripted.runner(place, scripted.hello(f"worker{number:06}")), clock)
            return 0

        return forked(work, play.home, stop_at=stop_at, how=how)

    def check_stopped(self, play: Stage) -> None:
        whole(play.remote, BASE)  # all that is published, and what a ``done`` names in particular
        started = {str(attempt) for attempt in view(play).starts}
        assert {path.name for path in (play.home / "begun").iterdir()} <= started, "no work goes unseen"
        for shard, content in outputs(play).items():
            assert content["answer.txt"] == b"%d" % shard

    def check_end(self, play: Stage) -> None:
        seen = view(play)
        states = shards(seen, SHARDS, 1)
        assert all(state.complete and not state.failed for state in states)
        assert outputs(play) == {
            shard: {
                "answer.txt": b"%d" % shard,
                "weights.bin": noise(80_000, shard),
                "hybrid.log": b"begun\n",
            }
            for shard in range(SHARDS)
        }
        started, ended = len(seen.starts), len(seen.done)
        assert ended == SHARDS, "work that is done is not done again"
        assert started <= SHARDS + self.processes - 1, "a death costs at most the attempt that it ended"
        play.hybrid("pull")
        for shard in range(SHARDS):
            assert (
                play.project / "outputs" / "r1" / f"{shard:03}" / "answer.txt"
            ).read_bytes() == b"%d" % shard


def child(command: Command) -> ScriptedChild:
    (Path(command.env["BEGUN"]) / command.env["HYBRID_ATTEMPT"]).touch()
    shard = int(command.env["HYBRID_SHARD"])
    assert (command.folder / "data" / "in.bin").read_bytes() == noise(150_000), "the snapshot is here whole"
    before = Path(command.env["HYBRID_CHECKPOINT"], "step")
    assert not before.exists() or before.read_bytes() == noise(3_000, shard), "a checkpoint is whole"
    files = {"answer.txt": b"%d" % shard, "weights.bin": noise(80_000, shard)}
    return ScriptedChild(command, 60, files, 0, checkpoint={"step": noise(3_000, shard)})


def view(play: Stage) -> RunView:
    return look(play.remote, BASE, RUN)


def outputs(play: Stage) -> dict[int, dict[str, bytes]]:
    """What each shard that is done has put out."""
    reader = Reader(play.remote, BASE)
    found: dict[int, dict[str, bytes]] = {}
    for attempt in view(play).done:
        path = f"{BASE}/{RUN.in_folder(RunFolder.attempt('done', attempt))}"
        root = reader.root(records.read(EndedRecord, play.remote, path).snapshot)
        found[attempt.shard] = {}
        for entry in reader.entries(root):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            found[attempt.shard][entry.path.decode()] = b"".join(pieces[c.sha256] for c in entry.chunks)
    return found


def test_a_runner_killed_before_any_step_is_followed_by_one_that_completes_the_run(tmp_path: Path) -> None:
    assert stopped_at_each_step(Runner(), tmp_path) > 60


def test_two_runners_killed_one_after_the_other_are_followed_by_one_that_completes_the_run(
    tmp_path: Path,
) -> None:
    stopped_twice(Runner(), tmp_path, random.Random(4), times=10)
