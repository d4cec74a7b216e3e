"""A calibration is kept by what was measured, found again for other runs, and corrects their rates."""

import os
from pathlib import Path

import pytest

from local_grader import calibrations
from local_grader.calibration import calibrate, counts
from local_grader.kept import KeptGrading, read
from local_grader.labels import Labels
from local_grader.statistics.libraries import generator
from tests.support.kept_grades import grade, judging, keep


def labels(values: dict[str, float], hard: int = 0) -> Labels:
    return Labels(by_sample=values, ties=[], problems=[], labellers=["second"], hard=hard)


def passes(right: int, scored: int) -> list[float]:
    return [1.0] * right + [0.0] * (scored - right)


# The judge passes all 50 right answers, and 20 of 50 wrong ones.
VALUES: dict[str, float | None] = {f"r{at}": 1.0 for at in range(50)} | {
    f"w{at}": float(at < 20) for at in range(50)
}
TRUTH = {name: float(name.startswith("r")) for name in VALUES}


def measure(ledger: Path, grading: KeptGrading, given: Labels) -> Path:
    found = calibrate(
        read(grading), given.by_sample, name="llama", scorer="", rng=generator(0), drawn=given.hard
    )
    return calibrations.record(ledger, grading, given, found)


def test_what_one_run_has_shown_corrects_another_that_was_graded_in_the_same_way(tmp_path: Path) -> None:
    measured = keep(tmp_path, "r1", VALUES, by=judging("llama"))
    measure(tmp_path, measured, labels(TRUTH))
    other = keep(tmp_path, "r2", {"a": 1.0}, by=judging("llama", server="ollama 0.31"))
    found = calibrations.stored(tmp_path, other)
    assert found is not None
    assert (found.run, found.labels, counts(found.whole)) == ("r1", 100, (50, 20, 0, 30))
    fixed = calibrations.corrected(other, passes(700, 1000))
    assert fixed is not None and fixed.correction.rate is not None
    # (0.7 + 0.6 - 1) / (1 + 0.6 - 1)
    assert fixed.correction.rate == pytest.approx(0.5)
    assert fixed.told.startswith("By 100 labels of r1 the true rate is about 50.0 % (95 % interval ")


@pytest.mark.parametrize(
    "other",
    [judging("qwen"), judging("llama", rubric="faithful"), judging("llama", digest="e"), None],
    ids=["judge", "rubric", "digest", "no judge"],
)
def test_another_way_of_grading_has_no_calibration(tmp_path: Path, other: object) -> None:
    measure(tmp_path, keep(tmp_path, "r1", VALUES, by=judging("llama")), labels(TRUTH))
    grading = keep(tmp_path, "r2", {"a": 1.0}, by=other)  # type: ignore[arg-type]
    assert calibrations.stored(tmp_path, grading) is None
    assert calibrations.corrected(grading, passes(1, 2)) is None


def test_the_newest_calibration_counts_and_the_older_stays(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    first = measure(tmp_path, grading, labels(TRUTH))
    os.utime(first, (1, 1))
    few = {name: TRUTH[name] for name in list(TRUTH)[:60]}
    second = measure(tmp_path, grading, labels(few))
    assert first != second and first.exists()
    found = calibrations.stored(tmp_path, grading)
    assert found is not None and found.labels == 60


def test_the_same_calibration_again_writes_nothing_and_is_the_newest(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    path = measure(tmp_path, grading, labels(TRUTH))
    before = path.read_bytes()
    few = {name: TRUTH[name] for name in list(TRUTH)[:60]}
    os.utime(path, (1, 1))
    os.utime(measure(tmp_path, grading, labels(few)), (2, 2))
    assert measure(tmp_path, grading, labels(TRUTH)) == path
    assert path.read_bytes() == before
    found = calibrations.stored(tmp_path, grading)
    assert found is not None and found.labels == 100


def test_labels_of_hard_samples_correct_no_rate_but_even_ones_before_them_do(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    measure(tmp_path, grading, labels(TRUTH, hard=100))
    refused = calibrations.corrected(grading, passes(70, 100))
    assert refused is not None and refused.correction.rate is None
    assert "drawn from the hard samples" in refused.told
    even = {name: TRUTH[name] for name in TRUTH if name != "r0"}
    os.utime(measure(tmp_path, grading, labels(even)), (1, 1))
    corrected = calibrations.corrected(grading, passes(70, 100))
    assert corrected is not None and corrected.correction.rate is not None


def test_values_between_pass_and_fail_are_not_corrected(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    measure(tmp_path, grading, labels(TRUTH))
    found = calibrations.corrected(grading, [*passes(70, 99), 0.5])
    assert found is not None and found.correction.rate is None
    assert "neither pass nor fail" in found.told


def test_a_file_that_is_damaged_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    path = measure(tmp_path, grading, labels(TRUTH))
    path.write_bytes(path.read_bytes()[:50])
    assert calibrations.stored(tmp_path, grading) is None


def test_samples_of_one_group_correct_no_rate_as_if_they_were_independent(tmp_path: Path) -> None:
    measured = keep(tmp_path, "r1", VALUES, by=judging("llama"))
    measure(tmp_path, measured, labels(TRUTH))
    groups = [str(at // 50) for at in range(1000)]
    alone, together = (
        calibrations.corrected(measured, passes(700, 1000), clusters) for clusters in (None, groups)
    )
    assert alone is not None and alone.correction.interval is not None
    assert together is not None and together.correction.interval is not None
    assert together.correction.rate == alone.correction.rate
    wide, narrow = together.correction.interval, alone.correction.interval
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert ", over 20 groups)" in together.told


def test_groups_of_labels_are_kept_and_leave_more_doubt(tmp_path: Path) -> None:
    # The judge errs by whole articles: on four of the wrong answers' ten.
    rows = [
        grade(name, value, group=f"{name[0]}{int(name[1:]) // 5}")
        for name, value in VALUES.items()
        if value is not None
    ]
    alone, together = keep(tmp_path / "a", "r1", VALUES), keep(tmp_path / "b", "r1", rows)
    found = []
    for ledger, grading in ((tmp_path / "a", alone), (tmp_path / "b", together)):
        measure(ledger, grading, labels(TRUTH))
        one = calibrations.corrected(grading, passes(700, 1000))
        assert one is not None and one.correction.interval is not None
        assert counts(one.calibration.whole) == (50, 20, 0, 30)
        found.append(one)
    plain, grouped = found
    assert plain.calibration.whole.groups is None
    groups = grouped.calibration.whole.groups
    assert groups is not None and len(groups) == 20 and groups.count((0, 5, 0, 0)) == 4
    assert grouped.told.startswith("By 100 labels of r1 in 20 groups the true rate is about 50.0 % (")
    assert grouped.correction.rate == plain.correction.rate
    narrow, wide = plain.correction.interval, grouped.correction.interval
    assert narrow is not None and wide is not None
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)


def test_a_rate_that_the_formula_takes_out_of_its_bounds_is_told_as_such(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", VALUES)
    measure(tmp_path, grading, labels(TRUTH))
    found = calibrations.corrected(grading, passes(20, 100))
    assert found is not None and found.correction.clipped
    assert "about 0.0 % (95 % interval 0.0 to " in found.told
    assert "the formula leaves 0 to 100 %, so these labels fit the run badly" in found.told
