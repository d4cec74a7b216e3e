"""How numbers are written: none reads as more, or as surer, than it is."""

import re
from pathlib import Path

import pytest

from local_grader.notation import amount, between, coefficient, interval, p_value, percent, points, rounded

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.3194, "31.9 %"),
        (0.9996, "99.96 %"),
        (0.00004, "0.004 %"),
        (1 - 1e-12, "100.0 %"),
    ],
)
def test_only_none_reads_as_0_and_only_all_as_100(share: float, written: str) -> None:
    assert percent(share) == written


def test_an_interval_names_its_unit_once() -> None:
    assert between(0.276, 0.365) == "27.6 to 36.5 %"
    assert interval(0.0, 1.0) == "95 % interval 0.0 to 100.0 %"
    assert (coefficient(0.7), coefficient(0.7, 0.651, 0.77)) == ("0.70", "0.70 (0.65 to 0.77)")
    assert (amount(1234.0), amount(12.5), amount(0.1 + 0.2)) == ("1,234", "12.5", "0.3")


def test_rounding_moves_nothing_over_the_line_that_decides() -> None:
    assert [p_value(p) for p in (0.04999, 0.05001, 0.0321, 0.0004)] == [
        "p = 0.04999",
        "p = 0.05001",
        "p = 0.032",
        "p < 0.001",
    ]
    assert [points(share) for share in (0.0, -0.0, 0.0123, -0.0001)] == ["0.0", "0.0", "+1.2", "-0.01"]
    assert [rounded(n) for n in (7, 99, 1_234, 4_500)] == [7, 99, 1_300, 4_500]


def test_no_other_file_has_a_way_of_its_own_to_write_a_share() -> None:
    asked = [
        *(REPOSITORY / "local_grader").rglob("*.py"),
        *(
            REPOSITORY / "agent/cli" / f"{name}.py"
            for name in ("compare", "calibrate", "label", "report", "grade")
        ),
    ]
    own_way = re.compile(r":\.\{?\w+\}?%\}")
    assert [path.name for path in asked if own_way.search(path.read_text(encoding="utf-8"))] == []
