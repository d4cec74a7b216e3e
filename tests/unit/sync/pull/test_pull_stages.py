"""Shards wait together where they can, and never so many that they fill the memory."""

from collections.abc import Iterator

import pytest

from sync.pull.stages import Pause, Stage, Steps, drive

MIB = 1024 * 1024


def test_each_shard_goes_through_its_stages_and_is_settled_between() -> None:
    told: list[str] = []

    def shard(name: str) -> Steps:
        told.append(f"{name} begins")
        yield Pause(Stage.BEGUN, MIB, 1)
        told.append(f"{name} is laid")
        yield Pause(Stage.LAID, MIB)
        told.append(f"{name} arrives")
        yield Pause(Stage.TOLD)
        told.append(f"{name} is over")

    drive(iter([shard("a"), shard("b")]), lambda: told.append("settled"))
    assert told == [
        "a begins",
        "b begins",
        "a is laid",
        "b is laid",
        "settled",
        "a arrives",
        "b arrives",
        "a is over",
        "b is over",
    ]


@pytest.mark.parametrize(("size", "entries", "most"), [(6 * MIB, 1, 3), (1, 9_000, 3), (100 * MIB, 1, 1)])
def test_what_is_begun_is_bounded(size: int, entries: int, most: int) -> None:
    begun: list[int] = []

    def shard(number: int) -> Steps:
        begun.append(number)
        assert len(begun) <= most
        yield Pause(Stage.BEGUN, size, entries)
        begun.remove(number)

    drive(map(shard, range(20)), lambda: None)
    assert begun == []


def test_what_waits_for_the_disk_is_bounded() -> None:
    waiting: list[int] = []

    def shard(number: int) -> Steps:
        waiting.append(number)
        assert len(waiting) <= 65
        yield Pause(Stage.LAID, 1)
        waiting.remove(number)

    drive(map(shard, range(200)), lambda: None)
    assert waiting == []


def test_nothing_is_settled_where_nothing_was_written() -> None:
    def shard() -> Iterator[Pause]:
        yield Pause(Stage.TOLD)

    drive(iter([shard()]), lambda: pytest.fail("settled"))  # type: ignore[list-item]


def test_an_attempt_that_fails_gives_way_to_the_next() -> None:
    told: list[str] = []

    def shard() -> Steps:
        for name in ("first", "second"):
            yield Pause(Stage.BEGUN, MIB, 1)
            told.append(name)

    drive(iter([shard()]), lambda: None)
    assert told == ["first", "second"]
