"""How often things are stopped, as docs/reliability.md tells it: it follows from how many steps and calls there are."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.test_gc_stops import Collection
from tests.crash.test_lost_answers import WORK, calls_of
from tests.crash.test_pull_stops import Pull
from tests.crash.test_push_stops import FirstPush, LaterPush, ManyPacks
from tests.crash.test_runner_stops import Runner
from tests.support.laptop import REPOSITORY
from tests.support.scenarios import steps_of

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="commands run in a fork of the test"),
]


def told(what: str) -> list[int]:
    """The numbers that the page gives of it, up to the first comma."""
    page = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if line.startswith(f"| {what}")]
    return [int(number) for number in re.findall(r"\d+", row.split("|")[2].split(",")[0])]


@pytest.mark.parametrize(
    ("what", "count"),
    [
        (
            "push killed",
            lambda home: [len(steps_of(each(), home)) for each in (FirstPush, LaterPush, ManyPacks)],
        ),
        ("pull killed", lambda home: [len(steps_of(Pull(), home))]),
        ("`gc` killed", lambda home: [len(steps_of(Collection(), home))]),
        ("runner killed", lambda home: [len(steps_of(Runner(), home))]),
        ("each call of push", lambda home: [sum(calls_of(each, home / each.__name__) for each in WORK)]),
    ],
    ids=["push", "pull", "gc", "runner", "calls"],
)
def test_the_page_tells_about_how_often(
    what: str, count: Callable[[Path], list[int]], tmp_path: Path
) -> None:
    """A tenth more or less may be the moment's: threads share the work."""
    found = count(tmp_path)
    assert len(found) == len(told(what))
    for one, there in zip(found, told(what), strict=True):
        assert abs(one - there) <= max(2, there // 10), f"{what}: the page says {told(what)}, it is {found}"
