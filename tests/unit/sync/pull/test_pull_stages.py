"""Shards wait together where they can, and never so many that they fill the memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.errors import HybridError, Unreachable
from sync.pull.stages import Driver, Pause, Stage, Steps

MIB = 1024 * 1024


def drive(shards: Iterator[Steps], settle: Callable[[list[Path]], None] = lambda _: None) -> None:
    Driver(settle).drive(shards)


def test_each_shard_goes_through_its_stages_and_is_settled_between() -> None:
    told: list[str] = []

    def shard(name: str) -> Steps:
        told.append(f"{name} begins")
        yield Pause(Stage.BEGUN, MIB)
        told.append(f"{name} is laid")
        yield Pause(Stage.LAID, MIB, Path(name))
        told.append(f"{name} arrives")
        yield Pause(Stage.TOLD)
        told.append(f"{name} is over")

    drive(
        iter([shard("a"), shard("b")]),
        lambda folders: told.append(f"{[str(each) for each in folders]} settled"),
    )
    assert told == [
        "a begins",
        "b begins",
        "a is laid",
        "b is laid",
        "['a', 'b'] settled",
        "a arrives",
        "b arrives",
        "a is over",
        "b is over",
    ]


@pytest.mark.parametrize(("size", "most"), [(12 * MIB, 3), (100 * MIB, 1)])
def test_what_is_begun_is_bounded(size: int, most: int) -> None:
    begun: list[int] = []

    def shard(number: int) -> Steps:
        begun.append(number)
        assert len(begun) <= most
        yield Pause(Stage.BEGUN, size)
        begun.remove(number)

    drive(map(shard, range(20)))
    assert begun == []


def test_what_waits_for_the_disk_is_bounded() -> None:
    waiting: list[int] = []

    def shard(number: int) -> Steps:
        waiting.append(number)
        assert len(waiting) <= 65
        yield Pause(Stage.LAID, 1)
        waiting.remove(number)

    drive(map(shard, range(200)))
    assert waiting == []


def test_nothing_is_settled_where_nothing_was_written() -> None:
    def shard() -> Iterator[Pause]:
        yield Pause(Stage.TOLD)

    drive(iter([shard()]), lambda _: pytest.fail("settled"))  # type: ignore[list-item]


def test_an_attempt_that_fails_gives_way_to_the_next() -> None:
    told: list[str] = []

    def shard() -> Steps:
        for name in ("first", "second"):
            yield Pause(Stage.BEGUN, MIB)
            told.append(name)

    drive(iter([shard()]))
    assert told == ["first", "second"]


@pytest.mark.parametrize("stage", Stage)
def test_what_began_before_an_error_comes_to_its_end(stage: Stage) -> None:
    told: list[str] = []

    def shard(number: int) -> Steps:
        yield Pause(Stage.BEGUN, MIB)
        yield Pause(Stage.LAID, MIB, Path(f"{number}"))
        told.append(f"{number} arrives")
        yield Pause(Stage.TOLD)
        told.append(f"{number} is over")

    def bad() -> Steps:
        yield Pause(stage)
        raise Unreachable("gone", "")

    with pytest.raises(Unreachable):
        drive(iter([shard(1), bad(), shard(2)]), lambda folders: told.append(f"{len(folders)} settled"))
    assert {"1 arrives", "1 is over"} <= set(told)
    assert told[0].endswith("settled")


def test_what_arrives_after_an_error_need_not_be_told_of_on_the_same_dead_line() -> None:
    arrived: list[int] = []
    asked: list[int] = []

    def shard(number: int) -> Steps:
        yield Pause(Stage.LAID, MIB)
        arrived.append(number)
        yield Pause(Stage.TOLD)
        asked.append(number)
        raise Unreachable(f"{number}", "")

    with pytest.raises(Unreachable, match="0"):
        drive(map(shard, range(10)))
    assert arrived == list(range(10))
    assert len(asked) <= 2, "each of them may wait for long"


def test_nothing_arrives_that_the_disk_could_not_be_made_to_keep() -> None:
    def shard() -> Steps:
        yield Pause(Stage.LAID, MIB)
        pytest.fail("arrives")

    def settle(_: list[Path]) -> None:
        raise HybridError("The disk failed.", "")

    with pytest.raises(HybridError, match="failed"):
        drive(iter([shard()]), settle)


def test_what_cannot_come_to_its_end_is_closed() -> None:
    closed: list[int] = []

    def shard(number: int) -> Steps:
        try:
            yield Pause(Stage.BEGUN, MIB)
            yield Pause(Stage.LAID, MIB)
        finally:
            closed.append(number)

    def settle(_: list[Path]) -> None:
        raise Unreachable("gone", "")

    shards = [shard(number) for number in range(3)]
    with pytest.raises(Unreachable):
        drive(iter(shards), settle)
    assert sorted(closed) == [0, 1, 2]
