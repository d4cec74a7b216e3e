"""What is said of a measurement is what was measured."""

from pathlib import Path

import pytest

from bench import report
from bench.goals import BESIDE, CASES, HYBRID, MEMORY, RSYNC, TAR, TIME, Case, Goal, Row, Sample, Sizes
from bench.page import page
from bench.results import Results, verdicts

TIMED = Case("cold", "small", "push of {small} files", (Row(TIME, Goal(1.0, RSYNC), Goal(1.1, TAR)),))
SENT = Case("edit", "many", "edit", (Row(BESIDE, Goal(64_000)),))


def results(**seconds: list[float]) -> Results:
    names = {"hybrid": HYBRID, "rsync": RSYNC, "tar": TAR}
    found = Results()
    for who, each in seconds.items():
        for one in each:
            found.add("cold", names[who], Sample(seconds=one))
    return found


def word(found: Results, case: Case = TIMED) -> str:
    return verdicts(found, [case])[0].in_a_word


def test_a_goal_beside_another_is_a_ratio_of_medians() -> None:
    assert word(results(hybrid=[2.0, 9.0, 2.0], rsync=[2.5], tar=[1.0])) == "reached"
    assert word(results(hybrid=[2.0], rsync=[2.5], tar=[1.9])) == "reached, and the aim"
    assert word(results(hybrid=[2.0], rsync=[1.9], tar=[9.0])) == "**missed**"


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert word(results(hybrid=[2.0])) == "not measured"
    assert word(results(rsync=[2.0])) == "not measured"


def test_the_content_itself_does_not_count_as_sent_beside_it() -> None:
    found = Results()
    found.add("edit", HYBRID, Sample(seconds=1, up=64_900, content=1_000))
    assert word(found, SENT) == "reached"
    found.add("edit", HYBRID, Sample(seconds=1, up=65_200, content=1_000))
    found.add("edit", HYBRID, Sample(seconds=1, up=65_200, content=1_000))
    assert word(found, SENT) == "**missed**"


def test_the_memory_that_counts_is_the_most() -> None:
    found = Results()
    for peak in (1, 3, 2):
        found.add("memory", HYBRID, Sample(seconds=1, peak=peak))
    assert found.value("memory", HYBRID, MEMORY) == 3


def test_a_program_that_fails_is_named_and_keeps_what_it_did_before() -> None:
    found = results(hybrid=[2.0], rsync=[2.0])
    found.fail(["cold", "edit"], HYBRID, "many\nlines, the last tells\n")
    assert found.failures == {"edit": {HYBRID: "many\nlines, the last tells\n"}}
    text = page(found, [TIMED, SENT], Sizes(), {})
    assert "Failed: hybrid, edit: lines, the last tells" in text
    assert "| push of 10000 files |" in text


def test_a_program_that_did_a_part_is_marked_so() -> None:
    found = results(hybrid=[2.0], rsync=[2.0])
    text = page(found, [TIMED], Sizes(), {RSYNC: 300})
    assert f"{RSYNC}\\*" in text and "with 300 files" in text


def test_every_case_has_its_own_name_and_a_title_for_any_size() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert "{" not in case.title.format(**vars(Sizes().scaled(0.001)))


def test_a_document_without_the_place_for_it_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!-- bench.push -->")
    with pytest.raises(ValueError):
        report.put(document, "bench.push", "new")
    assert document.read_text() == "<!-- bench.push -->"
