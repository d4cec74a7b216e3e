import json

import pytest

from local_grader.reading.fields import Fields
from local_grader.reading.outputs import Samples, find
from local_grader.reading.references import load
from local_grader.reading.rows import read
from local_grader.scorer import Shape

RESULTS = {
    "exp_name": "iter1",
    "overall": {"baseline_mean": 0.3, "adapter_mean": 0.4},
    "articles": [
        {
            "title": "Oxygen",
            "context": "Oxygen was found in 1774.",
            "completions": [
                {
                    "questions": [
                        {
                            "question": "When was it found?",
                            "answer": "1774",
                            "baseline_answer": "In 1800.",
                            "adapter_answer": "In 1774.",
                            "baseline_correct": False,
                            "adapter_correct": True,
                        },
                        {"question": "Q", "answer": "A", "baseline_answer": "b", "adapter_answer": None},
                    ]
                },
                {
                    "questions": [
                        {"question": "Q", "answer": "A", "baseline_answer": "b", "adapter_answer": "a"}
                    ]
                },
            ],
        },
        "no article",
        {"completions": [{"questions": [{"question": "Q", "answer": "A", "adapter_answer": "a"}]}]},
    ],
}


def samples_of(folder, content, name="results.json", shape=Shape.ROWS, **fields):
    (folder / name).write_text(json.dumps(content))
    samples = Samples(find(folder, str(folder / name)).sources, shape, Fields(**fields))
    return list(samples), samples


def test_the_results_of_question_answering_need_no_mapping(tmp_path):
    found, samples = samples_of(tmp_path, RESULTS)
    assert [sample.id for sample in found] == ["0/0/0", "0/0/1", "0/1/0", "2/0/0"]
    first = found[0]
    assert (first.answer, first.reference, first.prompt) == ("In 1774.", "1774", "When was it found?")
    assert (first.group, first.context) == ("Oxygen", "Oxygen was found in 1774.")
    assert first.place == "results.json question 0/0/0"
    assert (found[1].answer, found[3].group) == (None, "2")
    assert not samples.notes.problems and not samples.notes.skipped


def test_the_answers_of_the_unadapted_model_are_a_field_away(tmp_path):
    (first, *_), samples = samples_of(tmp_path, RESULTS, answer="baseline_answer")
    assert (first.answer, first.reference) == ("In 1800.", "1774")
    (problem,) = samples.notes.problems
    assert problem.what.startswith("question 2/0/0 has no field named baseline_answer")


def test_what_seals_own_grader_said_stays_in_the_row_as_a_label(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    first, *_ = read(tmp_path / "results.json", Fields().id_names())
    assert (first.value["id"], first.value["adapter_correct"]) == ("0/0/0", True)


def test_such_results_can_be_the_references_of_others(tmp_path):
    (tmp_path / "gold.json").write_text(json.dumps(RESULTS))
    references = load(tmp_path / "gold.json", Shape.ROWS, Fields()).by_sample
    assert references["0/0/0"].value == "1774"
    assert references["0/0/0"].group == "Oxygen"


@pytest.mark.parametrize(
    "content",
    [
        {"task_id": {"0": "a", "1": "b"}, "correct": {"0": True, "1": False}},
        {
            "0": {"task_id": {"0": "a"}, "correct": {"0": True}},
            "1": {"task_id": {"0": "a"}, "correct": {"0": True}},
        },
        {"overall": {"mean": 0.3}, "articles": [{"title": "Oxygen", "correct": [True, False]}]},
    ],
)
@pytest.mark.parametrize("shape", Shape)
def test_a_file_of_verdicts_is_skipped_and_named_as_such(tmp_path, content, shape):
    found, samples = samples_of(tmp_path, content, "final_results.json", shape)
    assert not found and not samples.notes.problems
    (skipped,) = samples.notes.skipped
    assert skipped.what == "holds verdicts and no answers; of an ARC run, grade the submission.json"


@pytest.mark.parametrize(
    "content",
    [
        {"articles": "text"},
        {"articles": [{"completions": 3}]},
        {"articles": [{"completions": [{"questions": [1, [], {}]}]}]},
        {"articles": [[]], "overall": 3},
    ],
)
def test_nothing_of_that_shape_however_odd_makes_reading_fail(tmp_path, content):
    for shape in Shape:
        samples_of(tmp_path, content, shape=shape)


def test_answers_by_id_are_no_results_though_an_id_is_articles(tmp_path):
    found, _ = samples_of(tmp_path, {"articles": "x", "overall": "y"})
    assert [(sample.id, sample.answer) for sample in found] == [("articles", "x"), ("overall", "y")]
