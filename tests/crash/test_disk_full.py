"""A disk that is full at any write, here or there: the exit code says which, nothing is half, and room is all it needs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.exits import Exit
from sync.errors import QuotaExceeded
from sync.remotes.base import Capabilities
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.crash.test_gc_stops import Collection
from tests.crash.test_pull_stops import Pull
from tests.crash.test_push_stops import FirstPush, LaterPush
from tests.support.pushes import Desk, newest, snapshots
from tests.support.scenarios import Scenario, stopped_at_each_step
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stage import BASE, Stage, whole
from tests.support.trees import fingerprint, make_tree, noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="commands run in a fork of the test"),
]

K = 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 128) as found:
        yield found


@pytest.mark.parametrize(
    ("scenario", "every"),
    [(FirstPush(), 1), (LaterPush(), 1), (Pull(), 2), (Collection(), 1)],
    ids=["first push", "later push", "pull", "gc"],
)
def test_a_disk_that_takes_nothing_from_any_step_on(
    scenario: Scenario[Stage], every: int, tmp_path: Path
) -> None:
    assert stopped_at_each_step(scenario, tmp_path, "full", every=every) > 5


# Real disks


@pytest.mark.parametrize("free", [0, 4 * K, 16 * K, 40 * K, 100 * K, 250 * K, 380 * K])
def test_a_mailbox_without_room_takes_the_push_once_there_is(
    tmp_path: Path, disk: SmallDisk, free: int
) -> None:
    stage = FirstPush().begin(tmp_path)
    stage.mail.symlink_to(disk.folder, target_is_directory=True)
    disk.leave(free)
    refused = stage.hybrid("push", expect=Exit.UNREACHABLE)
    assert "Make room on the disk" in refused.said
    assert not whole(stage.remote, BASE)
    disk.make_room()
    stage.hybrid("push")
    assert stage.restored(max(whole(stage.remote, BASE))) == stage.tree()
    assert not list((disk.folder / BASE).rglob(".tmp-*")), "what did not fit was taken away"


@pytest.mark.parametrize("free", [0, 4 * K, 12 * K, 24 * K, 36 * K, 48 * K])
def test_a_project_without_room_for_its_state_is_pushed_once_there_is(
    tmp_path: Path, disk: SmallDisk, free: int
) -> None:
    stage = FirstPush().begin(tmp_path)
    (stage.project / ".hybrid").symlink_to(disk.folder, target_is_directory=True)
    disk.leave(free)
    refused = stage.hybrid("push", expect=Exit.DISK_FULL)
    assert refused.said.count("Error:") == 1
    disk.make_room()
    stage.hybrid("push")
    assert stage.restored(max(whole(stage.remote, BASE))) == stage.tree()
    assert "Nothing has changed" in stage.hybrid("push").said


@pytest.mark.parametrize("files", range(0, 16, 2))
def test_outputs_without_room_are_here_once_there_is(tmp_path: Path, disk: SmallDisk, files: int) -> None:
    scenario = Pull()
    stage = scenario.begin(tmp_path)
    (stage.project / "outputs").symlink_to(disk.folder, target_is_directory=True)
    disk.leave_files(files)
    refused = stage.hybrid("pull", expect=Exit.DISK_FULL)
    assert "full" in refused.said or "room" in refused.said
    scenario.check_stopped(stage)
    disk.make_room()
    scenario.act(stage)
    scenario.check_end(stage)


def test_outputs_that_cannot_fit_are_refused_before_anything_is_written(
    tmp_path: Path, disk: SmallDisk
) -> None:
    stage = Pull().begin(tmp_path)
    (stage.project / "outputs").symlink_to(disk.folder, target_is_directory=True)
    disk.leave(K * K)
    assert "has no room" in stage.hybrid("pull", expect=Exit.DISK_FULL).said
    assert [path.name for path in disk.folder.iterdir()] == ["filler"]


# A mailbox with a quota


def test_a_quota_that_is_reached_at_any_write_costs_only_what_did_not_fit(tmp_path: Path) -> None:
    capabilities = Capabilities(pack_size=64 * K, connections=2)
    nth = 0
    while True:
        nth += 1
        store = MemoryStore(capabilities=capabilities)
        plan = FaultPlan().fail("write", QuotaExceeded("The mailbox is full."), nth=nth)
        desk = Desk(tmp_path / str(nth), MemoryRemote(store, plan=plan))
        make_tree(desk.tree, {f"{n:02}.bin": noise(40_000, n) for n in range(30)})
        try:
            desk.push()
        except QuotaExceeded:
            plan.verify_all_fired()
        else:
            break
        assert not snapshots(desk.remote)
        arrived = {file.path for file in store.files}
        desk.remote = again = MemoryRemote(store)
        desk.push()
        assert newest(again, tmp_path / "restored") == fingerprint(desk.tree)
        sent = {path for method, path in again.calls if method == "write" and "/packs/" in path}
        assert not sent & arrived, "what arrived is not sent again"
    assert nth > 5
