"""A pull that is stopped at any of its steps: outputs are here whole or not at all, and are accepted once."""

import random
import sys
from pathlib import Path

import pytest

from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Accepted
from sync.mailbox.view import look
from tests.support.mailboxes import LAPTOP, make_mailbox, publish_tree, queue_run
from tests.support.pulls import tree
from tests.support.scenarios import stopped_at_each_step, stopped_twice
from tests.support.stage import BASE, Stage, whole
from tests.support.stopping import Ended, How
from tests.support.trees import noise
from tests.support.workers import Worker

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]

FIRST = {"answer.txt": b"first", "deep/down/weights.bin": noise(200_000)}
SECOND = {"answer.txt": b"second"}
LOG = {"hybrid.log": b""}


class Pull:
    """Two shards that are done and one that is not, of one run, and a run without shards.

    While the pull lies dead, another worker finishes one of the shards too: the choice must stay as it was.
    """

    def begin(self, home: Path) -> Stage:
        stage = Stage(home / "stage")
        make_mailbox(stage.remote, BASE)
        state = publish_tree(stage.remote, BASE, {"a.py": b"print()"}).name
        queue_run(stage.remote, BASE, "many", state, shards=3)
        queue_run(stage.remote, BASE, "one", state)
        many = Worker(stage.remote, BASE, "many").claim()
        many.done(0, FIRST)
        many.done(1, FIRST)
        many.publish(many.start(2), {"so-far.txt": b"half the work"})
        one = Worker(stage.remote, BASE, "one").claim()
        one.publish(one.start(0), {"so-far.txt": b"half the work"})
        one.done(0, FIRST, n=2)
        return stage

    def act(self, play: Stage, stop_at: int = 0, how: How = "kill") -> Ended:
        return play.hybrid("pull", stop_at=stop_at, how=how)

    def check_stopped(self, play: Stage) -> None:
        for place in self.places(play):
            assert tree(place) in ({}, FIRST | LOG), f"{place} is here whole or not at all"
        accepted = self.accepted(play)
        assert all(self.place(play, run, shard).exists() for run, shard in accepted), "here before it is told"
        whole(play.remote, BASE)
        if not (play.mail / BASE / "runs" / "many" / "workeraa.hello").exists():
            Worker(play.remote, BASE, "many", "workeraa").claim(2).done(0, SECOND)

    def check_end(self, play: Stage) -> None:
        outputs = play.project / "outputs"
        assert sorted(path.name for path in outputs.iterdir()) == ["many", "one"]
        names = ["000/", "001/"]
        wanted = {name + path: data for name in names for path, data in (FIRST | LOG).items()}
        found = tree(outputs / "many")
        assert found.pop(".partial/002/so-far.txt") == b"half the work"
        assert found.pop(".partial/002/hybrid.log") == b""
        if tree(outputs / "many" / "000") == SECOND | LOG:  # it was stopped before it had chosen
            wanted |= {"000/answer.txt": b"second"}
            del wanted["000/deep/down/weights.bin"]
        assert found == wanted
        assert tree(outputs / "one") == FIRST | LOG
        accepted = self.accepted(play)
        assert accepted.keys() == {("many", 0), ("many", 1), ("one", 0)}
        restored = play.restored(accepted["many", 0].snapshot)
        assert {path.decode() for path in restored} == tree(outputs / "many" / "000").keys()
        (outputs / "one" / "answer.txt").write_bytes(b"edited")
        play.hybrid("pull")
        assert (outputs / "one" / "answer.txt").read_bytes() == b"edited"
        assert self.accepted(play) == accepted

    @staticmethod
    def place(play: Stage, run: str, shard: int) -> Path:
        top = play.project / "outputs" / run
        return top / f"{shard:03}" if run == "many" else top

    def places(self, play: Stage) -> list[Path]:
        one = self.place(play, "one", 0)
        return [self.place(play, "many", 0), self.place(play, "many", 1), *([one] if arrived(one) else [])]

    @staticmethod
    def accepted(play: Stage) -> dict[tuple[str, int], Accepted]:
        found = {}
        for run in ("many", "one"):
            folder = RunFolder(run)
            for shard in look(play.remote, BASE, folder).accepted:
                name = folder.in_folder(RunFolder.accepted(shard, LAPTOP))
                found[run, shard] = records.read(Accepted, play.remote, f"{BASE}/{name}")
        return found


def arrived(folder: Path) -> bool:
    """Whether there is more in the folder of a run without shards than what unfinished attempts have published."""
    return folder.is_dir() and any(path.name != ".partial" for path in folder.iterdir())


def test_a_pull_killed_before_any_step_is_completed_by_the_next(tmp_path: Path) -> None:
    assert stopped_at_each_step(Pull(), tmp_path) > 40


def test_a_pull_killed_twice_is_completed_by_the_third(tmp_path: Path) -> None:
    stopped_twice(Pull(), tmp_path, random.Random(2), times=10)


def test_a_pull_interrupted_at_any_step_cleans_up_and_is_completed_by_the_next(tmp_path: Path) -> None:
    stopped_at_each_step(Pull(), tmp_path, "interrupt", every=4)
