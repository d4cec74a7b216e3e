"""Bytes that rot inside the rows of the state database: SQLite does not see it, so the rows are checked by themselves."""

import random
import sys
from pathlib import Path

import pytest

from tests.support.stage import BASE, Stage, whole
from tests.support.trees import make_tree, noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="commands run in a fork of the test"),
]
FLIPS = 40


def test_no_flipped_byte_of_the_state_is_ever_published(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    make_tree(
        stage.project, {f"{n % 5}/{n:04}.txt": b"%d" % n for n in range(400)} | {"big.bin": noise(9_000_000)}
    )
    stage.hybrid("push")
    state = stage.project / ".hybrid" / "state.db"
    good = state.read_bytes()
    first = set((stage.mail / BASE / "snapshots").iterdir())
    dice = random.Random(1)
    for n in range(FLIPS):
        at = dice.randrange(len(good))
        flipped = bytes(byte ^ dice.choice([1, 0x80, 0xFF]) for byte in good[at : at + dice.choice([1, 4])])
        state.write_bytes(good[:at] + flipped + good[at + len(flipped) :])
        (stage.project / "new.txt").write_text(str(n))
        ended = stage.hybrid("push", expect=None)
        if ended.code:
            assert "Run the command again" in ended.said, ended.said
            stage.hybrid("push")
        try:
            assert stage.restored(max(whole(stage.remote, BASE))) == stage.tree()
        except BaseException as error:
            error.add_note(f"after {len(flipped)} bytes from {at} on were flipped")
            raise
        for left in state.parent.glob("state.db*"):
            left.unlink()
        for snapshot in set((stage.mail / BASE / "snapshots").iterdir()) - first:
            snapshot.unlink()
