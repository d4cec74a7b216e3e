import json
import os

import pytest

from local_grader.errors import AnsweredTwice
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import Samples, digest, find
from local_grader.scorer import Shape
from sync.errors import UsageError


def put(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def names(target):
    return [(source.name, source.shard) for source in target.sources]


def samples_in(target, **fields):
    return Samples(target.sources, Shape.ROWS, Fields(**fields))


def test_a_run_is_all_its_shards_without_logs_hidden_and_unfinished_files(tmp_path):
    run = tmp_path / "outputs" / "r1"
    put(run / "001" / "deep" / "a.jsonl", {"id": "b", "answer": "y"})
    put(run / "000" / "a.jsonl", {"id": "a", "answer": "x"})
    put(run / "000" / "hybrid.log", {"id": "z", "answer": "x"})
    put(run / ".partial" / "002" / "a.jsonl", {"id": "c", "answer": "x"})
    put(run / "000" / ".tmp.jsonl", {"id": "d", "answer": "x"})
    target = find(tmp_path / "outputs", "r1")
    assert target.name == "r1"
    assert names(target) == [("000/a.jsonl", "000"), ("001/deep/a.jsonl", "001")]
    assert [(sample.id, sample.shard) for sample in samples_in(target)] == [("a", "000"), ("b", "001")]


def test_a_run_without_shards_and_a_single_file_have_none(tmp_path):
    put(tmp_path / "outputs" / "r1" / "a.jsonl", {"id": "a", "answer": "x"})
    assert names(find(tmp_path / "outputs", "r1")) == [("a.jsonl", None)]
    assert names(find(tmp_path, str(tmp_path / "outputs/r1/a.jsonl"))) == [("a.jsonl", None)]
    assert find(tmp_path, str(tmp_path / "outputs/r1/a.jsonl")).name == "a"


@pytest.mark.parametrize("files", ["answers*", "*/answers.jsonl", "000/*"])
def test_files_are_narrowed_by_name_or_path(tmp_path, files):
    put(tmp_path / "outputs" / "r1" / "000" / "answers.jsonl", {})
    put(tmp_path / "outputs" / "r1" / "log.jsonl", {})
    assert names(find(tmp_path / "outputs", "r1", [files, "absent"])) == [("000/answers.jsonl", "000")]


def test_an_empty_run_is_refused(tmp_path):
    (tmp_path / "outputs" / "r1").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds no file of answers"):
        find(tmp_path / "outputs", "r1")


def test_a_run_with_only_unfinished_outputs_says_so(tmp_path):
    put(tmp_path / "outputs" / "r1" / ".partial" / "a.jsonl", {})
    with pytest.raises(UsageError) as caught:
        find(tmp_path / "outputs", "r1")
    assert "hybrid status r1" in caught.value.hint


@pytest.mark.parametrize("target", ["r1", "", "../r1"])
def test_an_unknown_run_is_refused(tmp_path, target):
    with pytest.raises(UsageError):
        find(tmp_path, target)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_not_followed(tmp_path):
    put(tmp_path / "elsewhere.jsonl", {"id": "a", "answer": "x"})
    put(tmp_path / "outputs" / "r1" / "a.jsonl", {"id": "b", "answer": "x"})
    (tmp_path / "outputs" / "r1" / "b.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    assert names(find(tmp_path / "outputs", "r1")) == [("a.jsonl", None)]


def test_a_row_that_is_there_again_word_for_word_counts_once(tmp_path):
    put(tmp_path / "outputs" / "r1" / "000" / "a.jsonl", {"id": "a", "answer": [[1]], "gold": 2})
    put(tmp_path / "outputs" / "r1" / "001" / "a.jsonl", {"id": "a", "answer": [[1]], "gold": 2})
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert [(sample.id, sample.contested) for sample in samples] == [("a", None)]
    assert not samples.notes.problems


@pytest.mark.parametrize(
    "other", [{"answer": "y"}, {"answer": "x", "gold": "z"}, {"answer": "x", "prompt": "q"}]
)
def test_two_answers_to_one_sample_are_told_in_the_end_and_marked_from_then_on(tmp_path, other):
    put(
        tmp_path / "outputs" / "r1" / "000" / "a.jsonl",
        {"id": "a", "answer": "x"},
        {"id": "b", "answer": "x"},
    )
    put(
        tmp_path / "outputs" / "r1" / "001" / "a.jsonl",
        {"id": "c", "answer": "x"},
        {"id": "a", **other},
        {"id": "a", "answer": "third"},
    )
    target = find(tmp_path / "outputs", "r1")
    with pytest.raises(AnsweredTwice) as caught:
        list(samples_in(target))
    assert caught.value.places == {"a": "001/a.jsonl line 2"}
    samples = Samples(target.sources, Shape.ROWS, Fields(), caught.value.places)
    assert [(sample.id, sample.contested) for sample in samples] == [
        ("a", "001/a.jsonl line 2"),
        ("b", None),
        ("c", None),
    ]
    (problem,) = samples.notes.problems
    assert problem.path == b"000/a.jsonl"
    assert problem.what == "line 1 answers sample a, and 001/a.jsonl line 2 answers it otherwise"


def test_a_file_of_something_else_is_skipped_with_the_reason(tmp_path):
    put(tmp_path / "outputs" / "r1" / "answers.jsonl", {"id": "a", "answer": "x"})
    (tmp_path / "outputs" / "r1" / "metrics.json").write_text('{"loss": {"mean": 0.5}}')
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert len(list(samples)) == 1
    assert not samples.notes.problems
    (skipped,) = samples.notes.skipped
    assert skipped.path == b"metrics.json"
    assert "has no field named answer" in skipped.what


def test_a_bad_row_among_answers_is_a_problem_that_names_file_and_line(tmp_path):
    path = tmp_path / "outputs" / "r1" / "000" / "a.jsonl"
    put(path, {"id": "a", "answer": "x"}, {"id": "b"}, {"id": [], "answer": "x"})
    with path.open("a") as file:
        file.write('{"id": "c", "ans')
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert [sample.id for sample in samples] == ["a"]
    assert {problem.path for problem in samples.notes.problems} == {b"000/a.jsonl"}
    whats = sorted(problem.what for problem in samples.notes.problems)
    assert whats[0].startswith("line 2 has no field named answer or prediction")
    assert whats[1].startswith("line 3 has no usable id")
    assert whats[2].startswith("line 4 is not valid JSON")


def test_fields_are_found_by_well_known_names_or_by_the_given_one_only(tmp_path):
    put(
        tmp_path / "a.jsonl",
        {"task_id": 7, "output": "o", "gold": "g", "question": "q", "mine": "m", "topic": 3, "passage": "p"},
    )
    (sample,) = samples_in(find(tmp_path, str(tmp_path / "a.jsonl")))
    assert (sample.id, sample.answer, sample.reference, sample.prompt) == ("7", "o", "g", "q")
    assert sample.context == "p"
    (sample,) = samples_in(find(tmp_path, str(tmp_path / "a.jsonl")), context="mine")
    assert sample.context == "m"
    (sample,) = samples_in(
        find(tmp_path, str(tmp_path / "a.jsonl")), answer="mine", reference="absent", group="topic"
    )
    assert (sample.answer, sample.reference, sample.group) == ("m", None, "3")


def test_a_missing_value_is_none_whether_null_or_nan(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"id": "a", "answer": NaN, "reference": NaN}\n{"id": "b", "answer": null}\n'
    )
    assert [(one.answer, one.reference) for one in samples_in(find(tmp_path, str(tmp_path / "a.jsonl")))] == [
        (None, None)
    ] * 2


def test_the_digest_changes_with_content_and_with_names_only(tmp_path):
    put(tmp_path / "r" / "a.jsonl", {"id": "a"})
    first = digest(find(tmp_path, "r").sources)
    os.utime(tmp_path / "r" / "a.jsonl", (1, 1))
    assert digest(find(tmp_path, "r").sources) == first
    put(tmp_path / "r" / "a.jsonl", {"id": "b"})
    second = digest(find(tmp_path, "r").sources)
    (tmp_path / "r" / "a.jsonl").rename(tmp_path / "r" / "b.jsonl")
    assert len({first, second, digest(find(tmp_path, "r").sources)}) == 3


def test_a_folder_of_tables_is_read_shard_by_shard(tmp_path):
    text(tmp_path / "outputs" / "r1" / "001" / "a.tsv", "id\tanswer\nb\ty\n")
    text(tmp_path / "outputs" / "r1" / "000" / "a.csv", "id,answer\na,x\n")
    put(tmp_path / "outputs" / "r1" / "000" / "metrics.json", {"loss": 1})
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    found = {(sample.id, sample.shard) for sample in samples}
    assert found == {("a", "000"), ("b", "001"), ("loss", "000")}
    assert not samples.notes.problems


@pytest.mark.parametrize("name", ["a.json", "z.json"])
def test_numbers_beside_answers_are_none_of_them(tmp_path, name):
    put(tmp_path / "outputs" / "r1" / "000" / "answers.jsonl", {"id": "a", "answer": "x"})
    text(tmp_path / "outputs" / "r1" / "000" / name, '{"loss": 0.5, "steps": 10}')
    text(tmp_path / "outputs" / "r1" / "001" / name, '{"b": 4}')
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert {sample.id for sample in samples} == {"a", "b"}
    assert [one.path for one in samples.notes.skipped] == [f"000/{name}".encode()]
    named = samples_in(find(tmp_path / "outputs", "r1", [name]))
    assert {sample.id for sample in named} == {"loss", "steps", "b"}


def test_a_table_of_the_answers_that_an_object_holds_is_left_out(tmp_path):
    text(tmp_path / "outputs" / "r1" / "a.json", '{"a": 4, "b": "y"}')
    text(tmp_path / "outputs" / "r1" / "a.csv", "id,answer\nb,y\na,4\n")
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert [(sample.id, sample.answer) for sample in samples] == [("a", 4), ("b", "y")]
    assert not samples.notes.problems and len(samples.notes.skipped) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"step,loss\n1,0.5\n", "line 1 names no column for the id"),
        (b"id,loss\n1,0.5\n", "line 2 has no field named answer"),
        (b"id,gr\xc3\xb6\xc3\x9fe\n1\n2,\xff\n", "line 2 has 1 cell, and the header has 2"),
        (b"Gr\xf6\xdfe;Wert\n1;2\n", "line 1 is not UTF-8 text"),
        (b"", "is empty"),
        (b"id,loss,loss\n1,2,3\n", "line 1 names more than one column loss"),
        (b"id,answer\na,4\nb,otherwise\n", "stands beside other files with answers"),
        (b'id,answer\na,"4\n', "stands beside other files with answers"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "z.csv"])
def test_a_table_beside_answers_makes_no_problem(tmp_path, content, why, name):
    put(tmp_path / "outputs" / "r1" / "000" / "b.jsonl", {"id": "a", "answer": 4}, {"id": "b", "answer": "y"})
    (tmp_path / "outputs" / "r1" / "000" / name).write_bytes(content)
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert [(sample.id, sample.answer) for sample in samples] == [("a", 4), ("b", "y")]
    assert not samples.notes.problems and not samples.notes.unread
    (skipped,) = samples.notes.skipped
    assert skipped.path == f"000/{name}".encode() and skipped.what.startswith(why)


def test_a_table_that_is_named_is_read_beside_others(tmp_path):
    put(tmp_path / "outputs" / "r1" / "a.jsonl", {"id": "a", "answer": "x"})
    text(tmp_path / "outputs" / "r1" / "b.csv", "id,answer\nb,y\n")
    samples = samples_in(find(tmp_path / "outputs", "r1", ["*.jsonl", "b.*"]))
    assert [sample.id for sample in samples] == ["a", "b"]


def test_a_bad_row_in_a_table_of_answers_is_a_problem(tmp_path):
    text(tmp_path / "outputs" / "r1" / "a.csv", "id,answer\na,x\nb\n,y\n")
    samples = samples_in(find(tmp_path / "outputs", "r1"))
    assert [sample.id for sample in samples] == ["a"]
    assert [problem.what.partition(":")[0] for problem in samples.notes.unread] == [
        "line 3 has 1 cell, and the header has 2",
        "line 4 has no usable id",
    ]


def test_packed_answers_beside_others_are_told_and_other_packed_files_are_not(tmp_path):
    put(tmp_path / "r" / "a.jsonl", {"id": "a", "answer": "x"})
    text(tmp_path / "r" / "b.jsonl.gz", "packed")
    text(tmp_path / "r" / "weights.tar.gz", "packed")
    samples = samples_in(find(tmp_path, "r"))
    assert [sample.id for sample in samples] == ["a"]
    assert [(os.fsdecode(one.path), one.what) for one in samples.notes.skipped] == [
        ("b.jsonl.gz", "is packed")
    ]
    assert not samples.notes.problems


@pytest.mark.parametrize("name", ["b.jsonl.gz", "b.zip", "b.tar.xz"])
def test_a_folder_of_nothing_but_packed_files_says_so(tmp_path, name):
    text(tmp_path / "r" / "0" / name, "packed")
    text(tmp_path / "r" / "notes.txt", "x")
    with pytest.raises(UsageError, match=f"packed ones, as 0/{name}") as caught:
        find(tmp_path, "r")
    assert caught.value.hint.startswith("Unpack")


def test_a_packed_file_has_its_whole_name(tmp_path):
    text(tmp_path / "rows.jsonl.gz", "packed")
    assert find(tmp_path, str(tmp_path / "rows.jsonl.gz")).name == "rows.jsonl.gz"
