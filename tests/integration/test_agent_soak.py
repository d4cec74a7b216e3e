"""Two minutes of random lives with an agent, always the same ones; ``make soak`` lives others, for longer."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.soak import agent
from tests.soak.past import Past, Untrue
from tests.soak.tree import Tree
from tests.support.trees import Fingerprint, fingerprint


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name == "nt", reason="kills with SIGKILL")
def test_whatever_happens_all_comes_right() -> None:
    met: Counter[str] = Counter()
    assert agent.live(0, 100, 120.0, met) >= 1
    assert met["snapshots"] and met["shards accepted"], met


def test_a_seed_does_the_same_each_time(tmp_path: Path) -> None:
    def live(folder: Path) -> list[Fingerprint]:
        """The tree after each action of a life."""
        folder.mkdir()
        seen: list[Fingerprint] = []
        tree = Tree(folder / "project", lambda: None)
        tree.begin()
        dice = random.Random(3)
        for name in ["edit", "edit_code", "checkout", "move", "swap", "remove"] * 6:
            getattr(tree, name)(random.Random(dice.getrandbits(64)))
            found = fingerprint(folder / "project")
            seen.append({path: what for path, what in found.items() if not path.startswith(b".git/")})
        return seen

    assert live(tmp_path / "one") == live(tmp_path / "two")


A, B = ("file", False, b"a"), ("file", False, b"b")


def past(*trees: dict[bytes, tuple[str, bool, bytes]]) -> Past:
    """A tree a minute."""
    found = Past()
    for n, tree in enumerate(trees):
        found.note(60.0 * n, tree)
    return found


def test_each_moment_is_true() -> None:
    trees: list[Fingerprint] = [{}, {b"x": A}, {b"x": A, b"y": A}, {b"y": B}]
    lived = past(*trees)
    for n, tree in enumerate(trees):
        lived.check(f"{n}", tree)
    assert not lived.mixed


def test_what_never_was_is_untrue() -> None:
    for tree in ({b"x": B}, {b"z": A}, {}):
        with pytest.raises(Untrue, match="never"):
            past({b"x": A}).check("s", tree)


def test_nothing_goes_back() -> None:
    lived = past({b"x": A}, {b"x": B}, {b"x": A, b"y": A})
    lived.check("1", {b"x": B})
    lived.check("2", {b"x": A, b"y": A})
    with pytest.raises(Untrue, match="older"):
        lived.check("3", {b"x": B, b"y": A})


def test_what_changes_meanwhile_may_be_old_or_new() -> None:
    lived = past({b"x": A, b"y": A}, {b"x": B, b"y": A}, {b"x": B, b"y": B})
    # From the end of the first moment to the beginning of the last one: a minute.
    with pytest.raises(Untrue, match=r"mixes what was 60\.0 s apart"):
        lived.check("1", {b"x": A, b"y": B})
    quick = Past()
    for at, tree in ((0.0, {b"x": A, b"y": A}), (900.0, {b"x": B, b"y": A}), (901.0, {b"x": B, b"y": B})):
        quick.note(at, tree)
    quick.check("1", {b"x": A, b"y": B})
    assert quick.mixed == 1
