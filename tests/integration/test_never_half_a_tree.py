"""Whoever looks into a mailbox, whenever, gets a tree that was: never a mix of two."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sync.remotes.base import Capabilities
from sync.remotes.folder import FolderRemote
from tests.support.pushes import BASE, Desk, laid_out, packs, snapshots
from tests.support.trees import fingerprint, make_tree
from tests.support.watching import digest

REPOSITORY = Path(__file__).parents[2]
PUSHES = 100


def edit(tree: Path, dice: random.Random, n: int) -> None:
    """A few of the things that people and programs do to a tree; ``mark`` tells that all of them belong together."""
    (tree / "mark").write_text(str(n))
    for _ in range(dice.randint(1, 6)):
        folder = tree / f"folder-{dice.randrange(5)}"
        folder.mkdir(exist_ok=True)
        path = folder / f"file-{dice.randrange(20)}"
        if path.is_dir():
            path.rmdir()
        path.write_bytes(dice.randbytes(dice.choice([10, 3_000, 90_000])))
    chosen = dice.randrange(6)
    files = [path for path in sorted(tree.rglob("file-*")) if path.is_file()]
    victim = dice.choice(files)
    if chosen == 0:
        victim.unlink()
    elif chosen == 1:
        shutil.rmtree(victim.parent)
    elif chosen == 2:
        os.rename(victim.parent, tree / f"moved-{n}")
    elif chosen == 3:
        victim.unlink()
        victim.mkdir()
    elif chosen == 4:
        with open(victim, "ab") as file:
            file.write(b"appended")


@pytest.mark.slow
def test_a_reader_on_another_machine_only_ever_sees_states_that_were(tmp_path: Path) -> None:
    dice = random.Random(7)
    mailbox = tmp_path / "mailbox"
    small = Capabilities(pack_size=128 * 1024, connections=4)
    desk = Desk(tmp_path / "home", FolderRemote(str(mailbox), small))
    stop = tmp_path / "stop"
    command = [
        sys.executable,
        "-m",
        "tests.support.watching",
        str(mailbox),
        str(tmp_path / "scratch"),
        str(stop),
    ]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        past = []
        try:
            for n in range(PUSHES):
                edit(desk.tree, dice, n)
                past.append(digest(fingerprint(desk.tree)))
                assert not desk.push(accept_deletions=True).problems
        finally:
            stop.touch()
            out, err = reader.communicate(timeout=120)
    assert (reader.returncode, err) == (0, "")
    observed = out.split()
    assert len(observed) > 10
    assert [each for each in observed if each not in past] == []
    assert observed[-1] == past[-1]
    order = [past.index(each) for each in observed]
    assert order == sorted(order)


@pytest.mark.slow
def test_push_killed_again_and_again_gets_there_and_leaves_nothing_half(tmp_path: Path) -> None:
    dice = random.Random(3)
    root, mailbox = tmp_path / "project", tmp_path / "mailbox"
    make_tree(root, {f"{n:02d}.bin": dice.randbytes(1_000_000) for n in range(40)})
    make_tree(
        root, {"hybrid.toml": f'[project]\nid = "{BASE}"\n[remote]\nurl = "folder:{mailbox.as_posix()}"\n'}
    )
    command = [sys.executable, "-m", "agent", "push", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    remote = FolderRemote(str(mailbox))
    killed = durable = 0
    for attempt in range(40):
        with subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as push:
            try:
                push.wait(0.3 + 0.05 * attempt)
            except subprocess.TimeoutExpired:
                push.kill()
                killed += 1
        assert len(packs(remote)) >= durable
        durable = len(packs(remote))
        names = snapshots(remote, (Path(os.environ["HYBRID_CONFIG_DIR"]) / "laptop-id").read_text().strip())
        if names:
            break
    assert killed
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    shown = {path: what for path, what in fingerprint(root).items() if not path.startswith(b".hybrid")}
    assert laid_out(remote, json.loads(done.stdout)["snapshot"], tmp_path / "out") == shown
    # What was in flight when a push was killed may be there twice, in packs cut otherwise, until a collection.
    subprocess.run([*command[:3], "gc"], cwd=root, env=environment, capture_output=True, check=True)
    assert laid_out(remote, json.loads(done.stdout)["snapshot"], tmp_path / "again") == shown
    stored = sum(path.stat().st_size for path in (mailbox / BASE / "packs").glob("*.pack"))
    assert stored < 41_000_000
