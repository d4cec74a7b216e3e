"""The state database is lost, cut short, overwritten or strange: one sentence, nothing lost, nothing sent again."""

import random
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.local.database import VERSION
from tests.crash.test_pull_stops import FIRST, LOG, Pull
from tests.support.pulls import tree
from tests.support.stage import BASE, Stage, whole
from tests.support.stopping import Ended
from tests.support.trees import make_tree, noise

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="commands run in a fork of the test"),
]

Harm = Callable[[Path], None]


def lost(state: Path) -> None:
    state.unlink()


def empty(state: Path) -> None:
    state.write_bytes(b"")


def cut_short(state: Path) -> None:
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


def cut_within_a_page(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:-1000])


def garbage(state: Path) -> None:
    state.write_bytes(noise(20_000))


def garbage_behind_a_good_header(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:100] + noise(20_000))


def another_programs(state: Path) -> None:
    state.unlink()
    with sqlite3.connect(state) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


def newer(state: Path) -> None:
    connection = sqlite3.connect(state)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()


def stray_log(state: Path) -> None:
    """Of another database: SQLite's salt tells it apart."""
    state.with_name("state.db-wal").write_bytes(noise(8_000))


HARMS = [
    lost,
    empty,
    cut_short,
    cut_within_a_page,
    garbage,
    garbage_behind_a_good_header,
    another_programs,
    newer,
    stray_log,
]
SILENT = (lost, empty, stray_log)
"""Nobody can tell these from a state that was never there, or that is well."""
MAY_BE_SILENT = (*SILENT, cut_within_a_page)
"""Nothing may have been in that part of the last page."""


@pytest.fixture
def pushed(tmp_path: Path) -> Stage:
    """A project that was pushed, with files enough for pages of every kind."""
    stage = Stage(tmp_path / "stage")
    make_tree(stage.project, {f"{n % 5}/{n:04}.txt": b"%d" % n for n in range(400)})
    make_tree(stage.project, {"long.bin": noise(9_000_000)})  # its chunks need an overflow page
    stage.hybrid("push")
    return stage


def state_of(stage: Stage) -> Path:
    return stage.project / ".hybrid" / "state.db"


def until_done(stage: Stage, *words: str) -> list[Ended]:
    """Damage that is found late costs a second call, as the first says."""
    first = stage.hybrid(*words, expect=None)
    if first.code == 0:
        return [first]
    assert first.code == 1 and "Run the command again" in first.said, first.said
    return [first, stage.hybrid(*words)]


def assert_told(calls: list[Ended], harm: Harm) -> None:
    """One sentence, where there is something to tell."""
    assert len(told(calls)) <= 1 and (harm in MAY_BE_SILENT or told(calls)), calls


def told(calls: list[Ended]) -> list[str]:
    lines = [line for call in calls for line in call.said.splitlines()]
    return [line for line in lines if "The local state" in line]


@pytest.mark.parametrize("harm", HARMS, ids=lambda each: each.__name__)
def test_a_push_without_its_state_finds_all_again_and_sends_only_what_is_new(
    pushed: Stage, harm: Harm
) -> None:
    harm(state_of(pushed))
    packs = {path.name for path in (pushed.mail / BASE / "packs").iterdir()}
    (pushed.project / "new.txt").write_text("new")
    calls = until_done(pushed, "push")
    assert_told(calls, harm)
    assert "Pushed snapshot 2" in calls[-1].said
    assert {path.name for path in (pushed.mail / BASE / "packs").iterdir()} == packs, (
        "no content was sent again"
    )
    assert pushed.restored(max(whole(pushed.remote, BASE))) == pushed.tree()
    if harm not in MAY_BE_SILENT:
        assert (state_of(pushed).parent / "state.db.corrupt-1").exists()
    assert "Nothing has changed" in pushed.hybrid("push").said


@pytest.mark.parametrize("harm", HARMS, ids=lambda each: each.__name__)
def test_a_pull_without_its_state_keeps_what_it_has_accepted(tmp_path: Path, harm: Harm) -> None:
    scenario = Pull()
    stage = scenario.begin(tmp_path)
    scenario.act(stage)
    accepted = scenario.accepted(stage)
    edited = stage.project / "outputs" / "one" / "answer.txt"
    edited.write_bytes(b"edited")
    harm(state_of(stage))
    calls = until_done(stage, "pull")
    assert_told(calls, harm)
    assert scenario.accepted(stage) == accepted
    assert edited.read_bytes() == b"edited"
    assert tree(stage.project / "outputs" / "many" / "000") == FIRST | LOG


@pytest.mark.parametrize("harm", HARMS, ids=lambda each: each.__name__)
def test_a_collection_without_the_state_removes_nothing_that_is_needed(tmp_path: Path, harm: Harm) -> None:
    stage = Stage(tmp_path / "stage", "[keep]\nsnapshots = 1\ndays = 0\n")
    for n in range(3):
        make_tree(stage.project, {"big.bin": noise(300_000, n)})
        stage.hybrid("push")
    harm(state_of(stage))
    until_done(stage, "gc")
    [newest] = whole(stage.remote, BASE)
    assert stage.restored(newest) == stage.tree()
    make_tree(stage.project, {"big.bin": noise(300_000, 0)})
    stage.hybrid("push")
    assert stage.restored(max(whole(stage.remote, BASE))) == stage.tree()


# Pages


def kinds(data: bytes) -> dict[str, list[int]]:
    """The database's pages by kind: ``sqlite.org/fileformat`` names the bytes that tell."""
    size = int.from_bytes(data[16:18], "big")
    trees = {2: "inner index", 5: "inner table", 10: "leaf index", 13: "leaf table"}
    found: dict[str, list[int]] = {"schema": [0]}
    free = []
    trunk = int.from_bytes(data[32:36], "big")
    while trunk:
        free.append(trunk - 1)
        start = (trunk - 1) * size
        count = int.from_bytes(data[start + 4 : start + 8], "big")
        leaves = range(start + 8, start + 8 + 4 * count, 4)
        free += [int.from_bytes(data[at : at + 4], "big") - 1 for at in leaves]
        trunk = int.from_bytes(data[start : start + 4], "big")
    for page in range(1, len(data) // size):
        kind = "free" if page in free else trees.get(data[page * size], "overflow")
        found.setdefault(kind, []).append(page)
    return found


def test_a_page_of_any_kind_that_is_lost_or_scrambled_harms_nothing(pushed: Stage) -> None:
    make_tree(pushed.project, {"gone.bin": noise(9_000_000, 1)})
    pushed.hybrid("push")
    (pushed.project / "gone.bin").unlink()  # it leaves free pages behind
    pushed.hybrid("push")
    state = state_of(pushed)
    good = state.read_bytes()
    pages = kinds(good)
    assert {"schema", "inner index", "leaf index", "leaf table", "overflow", "free"} <= pages.keys(), (
        pages.keys()
    )
    size = int.from_bytes(good[16:18], "big")
    dice = random.Random(5)
    number = 0
    for kind, found in pages.items():
        for harm in (bytes(size), noise(size, number), b"\xff" * 12):
            start = dice.choice(found) * size
            state.write_bytes(good[:start] + harm + good[start + len(harm) :])
            number += 1
            (pushed.project / "new.txt").write_text(str(number))
            calls = until_done(pushed, "push")
            assert len(told(calls)) <= 1, (kind, calls)
            packs = (pushed.mail / BASE / "packs").iterdir()
            assert sum(path.stat().st_size for path in packs) < 19_000_000, "no content was sent again"
            assert pushed.restored(max(whole(pushed.remote, BASE))) == pushed.tree(), kind
            for left in state.parent.glob("state.db*"):
                left.unlink()
            for snapshot in sorted((pushed.mail / BASE / "snapshots").iterdir())[3:]:
                snapshot.unlink()
