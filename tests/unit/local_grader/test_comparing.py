"""Only what was graded in the same way is compared, sample by sample, and what differs is named."""

import tracemalloc
from pathlib import Path

import pytest

from local_grader import comparing
from local_grader.comparing import Compared, sides
from local_grader.errors import Ungradable
from local_grader.kept import KeptGrading
from local_grader.ledger import Judging
from local_grader.statistics.libraries import generator
from tests.support.kept_grades import grade, judging, keep


def compared(
    a: KeptGrading, b: KeptGrading, *, clustered: bool | None = None, by_group: bool = False
) -> Compared:
    return comparing.compare(*sides(a, b), clustered=clustered, by_group=by_group, rng=generator(0))


def test_samples_are_joined_and_what_changed_is_listed_losses_first(tmp_path: Path) -> None:
    a = keep(tmp_path, "a", {"same": 1.0, "won": 0.0, "lost": 1.0, "mine": 1.0, "odd": None})
    b = keep(tmp_path, "b", {"same": 1.0, "won": 1.0, "lost": 0.0, "odd": 1.0, "new": 0.0}, missing=["gone"])
    found = compared(a, b)
    assert [(one.sample, one.value_a, one.value_b) for one in found.changed] == [
        ("lost", 1, 0),
        ("won", 0, 1),
    ]
    assert (found.only_a, found.only_b) == (["mine"], ["odd", "new"])
    assert found.comparison.n == 3
    assert (found.a.unscored, found.b.missing) == (1, 1)


def test_groups_are_compared_and_counted(tmp_path: Path) -> None:
    a = keep(tmp_path, "a", [grade(f"{g}{at}", 0.0, group=g) for g in "xy" for at in range(8)])
    b = keep(tmp_path, "b", [grade(f"{g}{at}", float(g == "x"), group=g) for g in "xy" for at in range(8)])
    found = compared(a, b, by_group=True)
    assert (found.named, found.groups["x"].is_real, found.groups["y"].is_real) == (2, True, False)
    assert compared(a, b, clustered=True).comparison.a.clusters == 2


def test_groups_are_the_evidence_where_there_are_enough(tmp_path: Path) -> None:
    many, few = ([grade(f"s{at}", at % 2, group=str(at % n)) for at in range(40)] for n in (8, 5))
    pairs = [
        (keep(tmp_path, f"a{n}", rows), keep(tmp_path, f"b{n}", rows)) for n, rows in enumerate((many, few))
    ]
    assert [compared(*pair).comparison.a.clusters for pair in pairs] == [8, None]
    assert compared(*pairs[0], clustered=False).comparison.a.clusters is None


def test_clusters_need_a_group_for_each_sample(tmp_path: Path) -> None:
    a, b = (keep(tmp_path, name, {"s": 1.0}) for name in "ab")
    with pytest.raises(Ungradable, match="name no group"):
        compared(a, b, clustered=True)


def test_other_references_for_the_same_sample_are_counted(tmp_path: Path) -> None:
    a = keep(tmp_path, "a", [grade("s", 1.0, reference="Paris"), grade("t", 1.0, reference="Rome")])
    b = keep(tmp_path, "b", [grade("s", 1.0, reference="paris"), grade("t", 1.0, reference="Rome")])
    assert compared(a, b).other_reference == 1


def test_texts_are_read_for_what_is_shown_alone(tmp_path: Path) -> None:
    n, text = 8_000, "x" * 2_000
    a, b = (
        keep(
            tmp_path,
            run,
            [grade(f"s{at}", value, prompt=text, answer=f"{run}{at} {text}") for at in range(n)],
        )
        for run, value in (("a", 0.0), ("b", 1.0))
    )
    compared(a, b)  # libraries are loaded
    tracemalloc.start()
    try:
        found = compared(a, b)
        few = comparing.shown(found, found.changed[:3])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * 2_000  # 4,000 bytes a sample are kept, on each side
    assert len(found.changed) == n
    assert [(one.sample, one.value_a, one.value_b) for one in few] == [(f"s{at}", 0, 1) for at in range(3)]
    assert [one.answer_a[:4] for one in few] == ["a0 x", "a1 x", "a2 x"]
    assert few[2].answer_b.startswith("b2 ") and few[0].prompt == text


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (judging("llama"), judging("qwen"), ["judge llama and judge qwen"]),
        (judging("llama"), judging("llama", digest="e"), ["two versions of judge llama"]),
        (judging("llama"), judging("llama", rubric="faithful"), ["rubric correct and faithful"]),
        (None, judging("llama"), ["no judge and judge llama"]),
        (judging(), judging("llama"), ["judge not heard and judge llama"]),
        (judging("llama"), judging("llama", server="ollama 0.31"), []),
        (judging("llama", "qwen"), judging("qwen", "llama"), []),
    ],
)
def test_what_differs_between_two_ways_of_judging_is_named(
    tmp_path: Path, one: Judging | None, other: Judging | None, said: list[str]
) -> None:
    a, b = keep(tmp_path, "a", {"s": 1.0}, by=one), keep(tmp_path, "b", {"s": 1.0}, by=other)
    assert comparing.differences(a, b) == said


def test_what_differs_between_two_rules_is_named(tmp_path: Path) -> None:
    exact = keep(tmp_path, "a", {"s": 1.0}, options={"case_sensitive": True})
    loose = keep(tmp_path, "b", {"s": 1.0}, options={"case_sensitive": False})
    other = keep(tmp_path, "c", {"s": 1.0}, scorer="includes")
    assert comparing.differences(exact, loose) == ["case-sensitive True and False"]
    assert comparing.differences(exact, other) == ["scorer exact and includes"]
