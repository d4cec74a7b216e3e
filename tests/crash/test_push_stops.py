"""A push that is stopped at any of its steps: nothing half is visible, and the next push gets there."""

import random
import sys
from pathlib import Path

import pytest

from sync.remotes.base import Capabilities
from sync.remotes.folder import FolderRemote
from tests.support import pushes
from tests.support.pushes import Desk, laid_out, packs, snapshots
from tests.support.scenarios import stopped_at_each_step, stopped_twice
from tests.support.stage import BASE, Stage, whole
from tests.support.stopping import Ended, How, forked
from tests.support.trees import FOLDER, Fingerprint, Link, Script, fingerprint, make_tree, noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]

TREE = {
    "big.bin": noise(400_000),
    "text.txt": b"some text\n" * 50,
    "run.sh": Script(b"#!/bin/sh\n"),
    "link": Link(b"text.txt"),
    "empty": FOLDER,
}


class FirstPush:
    """The real command in a project that was never pushed: the mailbox, the state and the locks are made too."""

    def begin(self, home: Path) -> Stage:
        stage = Stage(home / "stage")
        make_tree(stage.project, TREE)
        return stage

    def act(self, play: Stage, stop_at: int = 0, how: How = "kill") -> Ended:
        return play.hybrid("push", stop_at=stop_at, how=how)

    def check_stopped(self, play: Stage) -> None:
        found = whole(play.remote, BASE)
        assert {root.tree for root in found.values()} <= {self._published(play)} if found else True

    def check_end(self, play: Stage) -> None:
        assert self._published(play)
        assert len(play.remote.list_files(f"{BASE}/packs")) == 1, "no content is there twice"
        assert "Nothing has changed" in play.hybrid("push").said

    def _published(self, play: Stage) -> str:
        """The hash of the one tree that may be seen, which is the project's."""
        found = whole(play.remote, BASE)
        newest = max(found)
        assert play.restored(newest) == play.tree()
        return found[newest].tree


class LaterPush(FirstPush):
    """Files are edited, added, removed and turned into something else: a reader sees all of that or nothing."""

    def begin(self, home: Path) -> Stage:
        stage = super().begin(home)
        stage.hybrid("push")
        self.before = stage.tree()
        make_tree(stage.project, {"text.txt": b"other text\n", "new/more.bin": noise(300_000, 1)})
        (stage.project / "link").unlink()
        (stage.project / "link").mkdir()
        (stage.project / "run.sh").unlink()
        return stage

    def check_stopped(self, play: Stage) -> None:
        newest = max(whole(play.remote, BASE))
        assert play.restored(newest) in (self.before, play.tree())

    def check_end(self, play: Stage) -> None:
        assert play.restored(max(whole(play.remote, BASE))) == play.tree()
        assert len(play.remote.list_files(f"{BASE}/packs")) == 2
        assert "Nothing has changed" in play.hybrid("push").said


class ManyPacks:
    """Several packs in flight at a time, without the command around it: packs that arrived are not sent again."""

    def begin(self, home: Path) -> Desk:
        Stage(home / "stage")
        desk = Desk(home / "stage" / "desk", self._remote(home / "stage"))
        make_tree(desk.tree, {f"{n:02}.bin": noise(40_000, n) for n in range(30)})
        return desk

    def act(self, play: Desk, stop_at: int = 0, how: How = "kill") -> Ended:
        def push() -> int:
            play.remote = self._remote(play.home.parent)  # another writer each time, as each process is one
            done = play.push()
            print(done.published.seq, done.sent_bytes)
            return 0

        return forked(push, play.home.parent, stop_at=stop_at, how=how)

    def check_stopped(self, play: Desk) -> None:
        for name in whole(play.remote, pushes.BASE):
            assert self._restored(play, name) == fingerprint(play.tree)
        with play.index() as index:
            remembered = {name.removeprefix("packs/") for name in index.objects() if name.endswith(".pack")}
        assert remembered <= packs(play.remote), "what is remembered is there"

    def check_end(self, play: Desk) -> None:
        assert self._restored(play, snapshots(play.remote)[-1]) == fingerprint(play.tree)
        sizes = [file.size for file in play.remote.list_files(f"{pushes.BASE}/packs")]
        assert sum(sizes) < 30 * 40_000 * 1.02, "no content is there twice"
        assert play.look().nothing_to_do

    @staticmethod
    def _remote(home: Path) -> FolderRemote:
        return FolderRemote(str(home / "mail"), Capabilities(pack_size=64 * 1024, connections=4))

    @staticmethod
    def _restored(play: Desk, name: str) -> Fingerprint:
        return laid_out(play.remote, name, play.home.parent / "restored")


@pytest.mark.parametrize(
    "scenario", [FirstPush(), LaterPush(), ManyPacks()], ids=lambda each: type(each).__name__
)
def test_a_push_killed_before_any_step_is_completed_by_the_next(
    scenario: FirstPush | ManyPacks, tmp_path: Path
) -> None:
    assert stopped_at_each_step(scenario, tmp_path) > 20


@pytest.mark.parametrize(
    "scenario", [FirstPush(), LaterPush(), ManyPacks()], ids=lambda each: type(each).__name__
)
def test_a_push_killed_twice_is_completed_by_the_third(
    scenario: FirstPush | ManyPacks, tmp_path: Path
) -> None:
    stopped_twice(scenario, tmp_path, random.Random(1), times=6)


@pytest.mark.parametrize("scenario", [FirstPush(), LaterPush()], ids=lambda each: type(each).__name__)
def test_a_push_interrupted_at_any_step_cleans_up_and_is_completed_by_the_next(
    scenario: FirstPush, tmp_path: Path
) -> None:
    stopped_at_each_step(scenario, tmp_path, "interrupt", every=2)
