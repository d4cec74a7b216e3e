"""A collection that is stopped at any of its steps: nothing names what is gone, and the next one removes the rest."""

import random
import sys
from pathlib import Path

import pytest

from sync.mailbox import layout
from tests.support.mailboxes import LAPTOP, queue_run
from tests.support.scenarios import stopped_at_each_step, stopped_twice
from tests.support.stage import BASE, Stage, whole
from tests.support.stopping import Ended, How
from tests.support.trees import make_tree, noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]


class Collection:
    """Five states of a project, of which an open run needs the second; and one push that was cut short."""

    def begin(self, home: Path) -> Stage:
        stage = Stage(home / "stage", "[keep]\nsnapshots = 1\ndays = 0\n")
        for n in range(5):
            # A file of its own pack, one that rides in the snapshot, and one that never changes.
            make_tree(stage.project, {"big.bin": noise(300_000, n), "small.txt": b"%d" % n, "same": b"same"})
            stage.hybrid("push")
        names = sorted(whole(stage.remote, BASE))
        self.kept = {names[1], names[4]}
        queue_run(stage.remote, BASE, "open", names[1])
        orphan = "0" * 64
        [pack] = list((stage.mail / BASE / "packs").iterdir())[:1]
        assert pack.name != f"{orphan}.pack"
        (stage.mail / BASE / "packs" / f"{orphan}.pack").write_bytes(pack.read_bytes())
        return stage

    def act(self, play: Stage, stop_at: int = 0, how: How = "kill") -> Ended:
        return play.hybrid("gc", stop_at=stop_at, how=how)

    def check_stopped(self, play: Stage) -> None:
        found = whole(play.remote, BASE)  # fails where one of them names what is gone
        assert found.keys() >= self.kept
        assert play.restored(max(found)) == play.tree()

    def check_end(self, play: Stage) -> None:
        found = whole(play.remote, BASE)
        needed = {name for root in found.values() for name in (root.name, *root.objects)}
        there = {
            f"{folder}/{file.name}"
            for folder in (layout.SNAPSHOTS, layout.PACKS)
            for file in play.remote.list_files(f"{BASE}/{folder}")
        }
        assert found.keys() >= self.kept and there == needed, (
            "what is kept is whole, and nothing else is left"
        )
        assert LAPTOP in max(found)
        # Content that was there once is sent again where it is gone.
        make_tree(play.project, {"big.bin": noise(300_000, 0)})
        play.hybrid("push")
        assert play.restored(max(whole(play.remote, BASE))) == play.tree()


def test_a_collection_killed_before_any_step_is_completed_by_the_next(tmp_path: Path) -> None:
    assert stopped_at_each_step(Collection(), tmp_path) > 20


def test_a_collection_killed_twice_is_completed_by_the_third(tmp_path: Path) -> None:
    stopped_twice(Collection(), tmp_path, random.Random(3), times=6)
