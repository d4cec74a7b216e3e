"""What kept grades come to: counts, intervals, judges, lengths; nothing ungraded hides in a rate."""

import pytest

from local_grader.notation import amount
from local_grader.reports.contents import MISSING, PARTLY, RIGHT, UNSCORED, WRONG, contents
from local_grader.reports.figures import cards
from local_grader.reports.gate import Gate, gate
from local_grader.reports.lengths import lengths
from local_grader.reports.panel import PanelTally, flips
from local_grader.reports.summary import rows, to_json
from local_grader.rubrics.verdicts import ANSWER_FIRST, RIVAL_FIRST
from local_grader.scores import Judgement, Missing
from local_grader.statistics import libraries
from sync.errors import UsageError
from tests.support.kept_grades import grade, judging, keep
from tests.support.study import RUN, by_both, study

TWO = [
    Judgement(judge="a", verdict="yes", value=1.0),
    Judgement(judge="b", verdict="no", value=0.0),
]


def test_every_sample_is_counted_once_and_the_ungraded_beside_the_rate(tmp_path) -> None:
    grades = [
        grade("a", 1.0, group="x"),
        grade("b", 0.0, group="x"),
        grade("c", 0.5, group="y"),
        grade("d", None, reason="timed out", group="y"),
    ]
    found = contents(keep(tmp_path, RUN, grades, missing=[Missing(sample="e", group="y")]))
    assert found.verdicts == {RIGHT: 1, PARTLY: 1, WRONG: 1, UNSCORED: 1, MISSING: 1}
    assert found.samples == 5
    assert (found.summary.rate, found.summary.floor, found.summary.ceiling) == (0.5, 0.3, 0.7)
    assert found.summary.unscored == {"timed out": 1}
    assert [bar.count for bar in found.histogram] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    labels = dict(rows(found))
    assert (labels["never answered"], labels["not graded: timed out"]) == ("1 (e)", "1 (d)")
    assert labels["bounds"].startswith("30.0 to 70.0 %, if all")


def test_values_of_0_and_1_have_two_bars(tmp_path) -> None:
    found = contents(keep(tmp_path, RUN, [grade("a", 1.0), grade("b", 0.0), grade("c", 1.0)]))
    assert [(bar.low, bar.high, bar.count) for bar in found.histogram] == [(0, 0, 1), (1, 1, 2)]


def test_page_and_rows_count_what_a_stage_decided_not_what_it_was_asked(tmp_path) -> None:
    grades = [grade(str(at), [1.0, 0.0, None][at % 3], stage="judge") for at in range(6)]
    found = contents(keep(tmp_path, RUN, grades))
    assert dict(rows(found))["decided by judge"] == "4 decided (66.7 %), 50.0 % of them right"
    assert "<td>66.7 %</td><td>4</td><td>50.0 %</td>" in cards(found)


def test_the_interval_allows_for_groups_only_where_every_graded_sample_has_one(tmp_path) -> None:
    grouped = [grade(str(at), float(at % 4 < 2), group=f"g{at // 4}") for at in range(40)]
    together = contents(keep(tmp_path / "a", RUN, grouped)).interval
    assert together is not None and together.clusters == 10
    lone = contents(keep(tmp_path / "b", RUN, [*grouped, grade("alone", 1.0)])).interval
    assert lone is not None and (lone.clusters, lone.method) == (None, "Wilson")


def test_one_group_or_one_for_each_sample_is_no_group(tmp_path) -> None:
    for at, name in enumerate(("all", "{}")):
        grades = [grade(str(each), float(each % 2), group=name.format(each)) for each in range(20)]
        found = contents(keep(tmp_path / str(at), RUN, grades)).interval
        assert found is not None and (found.clusters, found.method) == (None, "Wilson")


def test_without_the_extra_there_is_a_report_with_plain_intervals(tmp_path, monkeypatch) -> None:
    def absent(name):
        raise UsageError(f"{name} is not installed.", "Install it.")

    for module in ("rates", "agreement", "clusters", "intervals", "correction", "resampling"):
        monkeypatch.setattr(f"local_grader.statistics.{module}.library", absent)
    monkeypatch.setattr(libraries, "library", absent)
    found = contents(keep(tmp_path, RUN, study(200), by=by_both()))
    assert found.interval is not None and found.interval.method == "Wilson"
    assert found.panel is not None and found.panel.alpha is None
    assert found.panel.accords[0].n > 0 and found.panel.accords[0].kappa is None


def test_nothing_graded_has_no_rate_and_no_interval(tmp_path) -> None:
    found = contents(keep(tmp_path, RUN, [grade("a", None, reason="no reference")]))
    assert (found.summary.rate, found.interval, found.lengths, found.histogram) == (None, None, None, [])
    assert dict(rows(found))["right"] == "nothing could be graded"
    assert to_json(found)["interval"] is None


def test_judges_are_heard_one_by_one_and_against_each_other() -> None:
    tally = PanelTally()
    for at in range(10):
        tally.add(f"agreed{at}", [Judgement(judge=name, verdict="yes", value=1.0) for name in "ab"])
    tally.add("disputed", TWO)
    tally.add("failed", [TWO[0], Judgement(judge="b", reason="timed out")])
    panel = tally.panel()
    assert panel is not None
    first, second = panel.voices
    assert (first.name, first.asked, first.judged, first.right) == ("a", 12, 12, 12.0)
    assert (second.judged, second.unusable, second.verdicts) == (11, {"timed out": 1}, {"yes": 10, "no": 1})
    assert (panel.shared, panel.disputed) == (11, 1)
    (pair,) = panel.accords
    assert (pair.n, pair.agreed) == (11, 10)
    assert PanelTally().panel() is None


def test_judges_agreement_counts_groups_where_samples_share_them() -> None:
    found = []
    for grouped in (False, True):
        tally = PanelTally()
        for at in range(80):
            # They differ on all of two articles out of ten.
            values = (float(at % 2), float(at % 2 != (at // 8 < 2)))
            said = [Judgement(judge=n, verdict=str(v), value=v) for n, v in zip("ab", values, strict=True)]
            tally.add(str(at), said, f"article {at // 8}" if grouped else None)
        panel = tally.panel()
        assert panel is not None and panel.accords[0].kappa == pytest.approx(0.6)
        found.append(panel.accords[0])
    plain, over = found
    assert (plain.clusters, over.clusters) == (None, 10)
    assert plain.low is not None and over.low is not None
    assert plain.kappa - over.low > 1.8 * (plain.kappa - plain.low)


def test_of_values_in_an_order_a_little_difference_counts_less_than_a_great_one() -> None:
    alphas = []
    for other in (0.75, 0.0):
        tally = PanelTally()
        for at in range(40):
            values = (at % 5 / 4, at % 5 / 4 if at % 5 < 4 else other)
            tally.add(
                str(at),
                [Judgement(judge=n, verdict=f"{v}", value=v) for n, v in zip("ab", values, strict=True)],
            )
        panel = tally.panel()
        assert panel is not None and panel.ordinal and panel.alpha is not None
        alphas.append(panel.alpha)
    assert alphas[0] > 0.9 > 0.6 > alphas[1]


def test_a_judge_flips_where_its_verdict_changes_with_the_order() -> None:
    parts = {
        f"answer 1, {ANSWER_FIRST}": "win",
        f"answer 1, {RIVAL_FIRST}": "win",
        f"answer 2, {ANSWER_FIRST}": "win",
        f"answer 2, {RIVAL_FIRST}": "lose",
    }
    assert flips(Judgement(judge="a", parts=parts)) == [False, True]
    assert flips(Judgement(judge="a", parts={"clear": "yes"})) == []
    tally = PanelTally()
    tally.add("x", [Judgement(judge="a", verdict="tie", value=0.5, parts=parts)])
    panel = tally.panel()
    assert panel is not None and panel.compares
    assert (panel.voices[0].swapped, panel.voices[0].flips) == (2, 1)


def test_lengths_correlate_by_rank_with_ties_in_the_middle() -> None:
    found = lengths([0, 0, 1, 1], [1, 2, 3, 400])
    assert found is not None and found.correlation == pytest.approx(0.8944, abs=1e-4)
    assert lengths([1, 1, 1], [1, 2, 3]) is None
    assert lengths([0, 1], [5, 5]) is None


def test_parts_by_length_keep_equal_lengths_together_and_lose_nobody() -> None:
    found = lengths([float(at % 2) for at in range(100)], [at // 30 for at in range(100)])
    assert found is not None
    assert [(part.shortest, part.longest, part.scored) for part in found.parts] == [
        (0, 0, 30),
        (1, 1, 30),
        (2, 2, 30),
        (3, 3, 10),
    ]
    assert all(part.low <= part.rate <= part.high for part in found.parts)


@pytest.mark.parametrize(
    "asked, right, wrong, unscored, passed",
    [
        (0.8, 8, 2, 0, True),
        (0.8, 8, 2, 1, False),
        (0.8, 8, 1, 1, True),
        (0.0, 0, 0, 3, False),
        (0, 0, 1, 0, True),
    ],
)
def test_what_was_not_graded_never_counts_as_passed(tmp_path, asked, right, wrong, unscored, passed) -> None:
    grades = [grade(f"r{at}", 1.0) for at in range(right)] + [grade(f"w{at}", 0.0) for at in range(wrong)]
    grades += [grade(f"u{at}", None, reason="timed out") for at in range(unscored)]
    found = gate(contents(keep(tmp_path, RUN, grades)).summary, asked)
    assert found.passed is passed
    assert ("do not count as right" in found.told) is bool(unscored and (right or wrong))


def test_what_is_known_of_a_small_judge_stands_with_its_results(tmp_path) -> None:
    found = contents(keep(tmp_path, RUN, [grade("a", 1.0, judgements=TWO)], by=judging("llama3.2:1b")))
    assert "It is not a judge" in dict(rows(found))["beware"]
    assert "It is not a judge" in cards(found)


@pytest.mark.parametrize(
    ("right", "said"), [(1_234_567.0, "1,234,567"), (0.1 + 0.2, "0.3"), (305.3333333, "305.333"), (0.0, "0")]
)
def test_how_many_are_right_is_said_in_full(right, said) -> None:
    assert amount(right) == said


def test_what_is_just_too_little_does_not_read_as_enough() -> None:
    failed = Gate(asked=0.8, share=0.799_999, unknown=0)
    assert failed.told == "Failed: 79.99990000 % of all samples are right, 80.00000000 % were asked for."
