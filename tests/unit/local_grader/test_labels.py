"""Labels are read however people write them, the last word counts, and what was written survives a crash."""

import json
from pathlib import Path

import pytest

from local_grader import labels
from local_grader.labels import load
from sync.errors import HybridError, UsageError


def put(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (True, 1),
        (False, 0),
        (1, 1),
        (0, 0),
        (0.25, 0.25),
        ("Pass", 1),
        ("FAIL", 0),
        (" yes ", 1),
        ("n", 0),
        ("1", 1),
        ("incorrect", 0),
        ([True, True, False], 1),
        (["no", "no", None], 0),
    ],
)
def test_a_label_is_understood_as_people_write_it(file: Path, label: object, value: float) -> None:
    assert load(put(file, {"id": "a", "label": label})).by_sample == {"a": value}


@pytest.mark.parametrize("label", ["maybe", 2, -1, {}, []])
def test_what_is_no_label_is_named_and_the_others_are_used(file: Path, label: object) -> None:
    found = load(put(file, {"id": "a", "label": label}, {"id": "b", "label": True}))
    assert found.by_sample == {"b": 1}
    (problem,) = found.problems
    assert problem.what.startswith("line 1 has a label that is neither yes nor no")


def test_a_table_of_text_holds_labels_too(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    rows = ["a,True,True", "b,0.0,", "c,0.25,False", "d,1,", "d,,", "e,yes,", "f,nan,"]
    file.write_text("\n".join(["id,label,hard", *rows]))
    found = load(file)
    assert (found.by_sample, found.hard) == ({"a": 1, "b": 0, "c": 0.25, "e": 1}, 1)
    assert [problem.what.partition(" has")[0] for problem in found.problems] == ["line 8"]


def test_verdicts_that_are_split_in_half_are_no_label(file: Path) -> None:
    found = load(put(file, {"id": "a", "verdicts": [True, False]}, {"id": "b", "verdicts": [True]}))
    assert (found.by_sample, found.ties) == ({"b": 1}, ["a"])


def test_the_last_label_of_a_sample_counts_and_null_takes_it_back(file: Path) -> None:
    rows = [{"id": name, "label": label} for name, label in (("a", 0), ("b", 1), ("a", 1), ("b", None))]
    assert load(put(file, *rows)).by_sample == {"a": 1}


def test_a_named_field_is_the_only_one_that_is_looked_for(file: Path) -> None:
    put(file, {"id": "a", "label": True, "mine": False})
    assert load(file, "mine").by_sample == {"a": 0}
    with pytest.raises(UsageError, match="its fields: id, label, mine; see --label-field"):
        load(file, "yours")


def test_words_of_a_rubric_count_what_they_are_worth(file: Path) -> None:
    put(file, {"id": "a", "label": "Supported"}, {"id": "b", "label": "partly", "value": 0.4})
    assert load(file, words={"supported": 1.0}).by_sample == {"a": 1, "b": 0.4}


def test_who_labelled_and_what_was_hard_is_told(file: Path) -> None:
    rows = [{"id": "a", "label": True, "labeller": "second", "hard": True}, {"id": "b", "label": False}]
    found = load(put(file, *rows))
    assert (found.labellers, found.hard) == (["second"], 1)


def test_labels_of_other_runs_are_left_out(file: Path) -> None:
    ours = [{"id": "a", "label": at, "run": f"r{at}", "labeller": "second"} for at in (1, 0)]
    put(file, *ours, {"id": "b", "label": 1, "run": "a field of somebody else"})
    found = load(file, run="r1")
    assert (found.by_sample, found.others) == ({"a": 1, "b": 1}, 1)
    assert load(file, run="r0").by_sample == {"a": 0, "b": 1}
    put(file, *ours)
    with pytest.raises(UsageError, match="holds labels of other runs or rubrics, and none of r3"):
        load(file, run="r3")


def test_the_same_labels_have_the_same_hash_in_any_order(tmp_path: Path) -> None:
    rows = [{"id": "a", "label": True}, {"id": "b", "label": False}]
    one, other = put(tmp_path / "a.jsonl", *rows), put(tmp_path / "b.jsonl", *reversed(rows))
    assert load(one).sha256 == load(other).sha256


def test_a_file_without_labels_is_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(UsageError, match="There is no file of labels"):
        load(file)
    with pytest.raises(UsageError, match="holds no labels"):
        load(put(file, {"id": "a", "label": None}))
    with pytest.raises(UsageError, match="not a kind of file"):
        load(put(tmp_path / "labels.txt"))


def test_a_label_after_a_line_that_was_cut_off_is_whole(file: Path) -> None:
    labels.append(file, {"id": "a", "label": "yes"})
    with file.open("ab") as torn:
        torn.write(b'{"id": "b", "la')
    labels.append(file, {"id": "c", "label": "no"})
    found = load(file)
    assert found.by_sample == {"a": 1, "c": 0}
    assert len(found.problems) == 1


def test_a_label_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(HybridError, match="could not be written"):
        labels.append(tmp_path, {"id": "a"})


def test_labels_by_another_rubric_are_left_out(tmp_path):
    rows = [
        {"id": "a", "label": True, "run": "r1", "labeller": "me"},
        {"id": "b", "label": True, "run": "r1", "labeller": "me", "rubric": "tone"},
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load(path, run="r1").by_sample == {"a": 1.0}
    assert load(path, run="r1", rubric="tone").by_sample == {"b": 1.0}
