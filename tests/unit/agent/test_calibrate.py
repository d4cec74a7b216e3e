"""``hybrid calibrate``: a plain verdict first, all counts in JSON, and the ledger remembers it."""

import json
import re
from pathlib import Path

import pytest

from agent.cli import main
from local_grader import calibrations
from tests.support.kept_grades import grade, judging, keep

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def judged(root: Path) -> Path:
    """A judge that is right about all of 60 answers; only a third of the right ones holds the reference."""
    grades = [
        grade(
            f"s{at}",
            float(at % 2),
            answer="Paris" if at % 6 == 1 else "the capital of France",
            reference="Paris",
            stage="judge",
            judges={"llama": float(at % 2)},
        )
        for at in range(60)
    ]
    keep(root / ".hybrid/ledger", "r1", grades, by=judging("llama"))
    return put(root / "labels.jsonl", *({"id": f"s{at}", "label": bool(at % 2)} for at in range(60)))


def put(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_verdict_comes_first_and_all_that_was_measured_after_it(judged: Path, capsys: Capture) -> None:
    assert main(["calibrate", "r1", "labels.jsonl"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("exact and llama with rubric correct adds 33.3 points of agreement over ")
    assert "wrongly passed          0" in out
    for row in (
        "all    exact and llama with rubric correct",
        "judge  llama",
        "stage  judge",
        "free   always no",
    ):
        assert row in out, out
    assert "The calibration is in" in err
    # What a rule says whatever it is shown has no interval.
    assert re.search(r"always no +60 +50\.0 % +0\.00 +0\.0 % of 30 +100\.0 % of 30\n", out)
    assert re.search(r"judge +llama +60 +100\.0 % +1\.00 \(0\.\d\d to 1\.00\)", out)


def test_groups_of_labels_are_counted_and_told(root: Path, capsys: Capture) -> None:
    ledger = root / ".hybrid/ledger"
    put(root / "labels.jsonl", *({"id": f"s{at}", "label": bool(at % 2)} for at in range(60)))
    found = []
    for run, group in (("alone", None), ("grouped", "g{}")):
        grades = [
            grade(f"s{at}", float(at % 2 or at // 6 < 3), group=group and group.format(at // 6))
            for at in range(60)
        ]
        keep(ledger, run, grades, by=judging("llama"))
        assert main(["calibrate", run, "labels.jsonl", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["whole"])
    plain, grouped = found
    assert (plain["groups"], grouped["groups"], plain["kappa"]) == (None, 10, grouped["kappa"])
    for name in ("kappa_interval", "specificity_interval"):
        (low, high), (lower, higher) = plain[name], grouped[name]
        assert higher - lower > 1.3 * (high - low), name
    assert main(["calibrate", "grouped", "labels.jsonl"]) == 0
    out = capsys.readouterr().out
    assert "groups of these         10" in out and "70.0 % of 30 (" in out


def test_json_holds_the_counts(judged: Path, capsys: Capture) -> None:
    with judged.open("a") as file:
        file.write('{"id": "nobody", "label": true}\n{"id": "s0", "label": "maybe"}\n')
    assert main(["calibrate", "r1", "labels.jsonl", "--json"]) == 3
    out, err = capsys.readouterr()
    document = json.loads(out)
    whole = document["whole"]
    assert (whole["true_pass"], whole["false_pass"], whole["false_fail"], whole["true_fail"]) == (
        30,
        0,
        0,
        30,
    )
    assert whole["kappa"] == 1.0 and whole["sensitivity"] == 1.0
    assert (document["labels"], document["samples_without_label"]) == (60, 0)
    assert document["labels_without_sample"] == ["nobody"]
    assert document["problems"][0]["what"].startswith("line 62 has a label")
    assert document["best_baseline"] in [one["name"] for one in document["baselines"]]
    assert "1 label without a sample in this grading: nobody." in err


def test_later_gradings_of_the_same_kind_are_corrected(judged: Path, root: Path, capsys: Capture) -> None:
    assert main(["calibrate", "r1", "labels.jsonl", "-q"]) == 0
    ledger = root / ".hybrid/ledger"
    later = keep(ledger, "r2", {"a": 1.0}, by=judging("llama"))
    found = calibrations.stored(ledger, later)
    assert found is not None and (found.run, found.labels, found.representative) == ("r1", 60, True)
    capsys.readouterr()
    assert main(["report", "r2", "--json"]) == 0
    corrected = json.loads(capsys.readouterr().out)["corrected"]
    assert (corrected["labels"], corrected["run"], corrected["reason"]) == (60, "r1", None)
    assert corrected["low"] < corrected["rate"] == 1 == corrected["high"]


def test_a_few_labels_are_said_to_tell_little(judged: Path, root: Path, capsys: Capture) -> None:
    put(root / "few.jsonl", *({"id": f"s{at}", "verdicts": [bool(at % 2)]} for at in range(8)))
    assert main(["calibrate", "r1", "few.jsonl", "--label-field", "verdicts"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(
        "8 labels cannot show whether exact and llama with rubric correct adds anything over "
    )
    assert "8 labels tell very little" in err and err.endswith("Next: hybrid label r1\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["r2", "labels.jsonl"], 2, "No grades of r2 are kept"),
        (["r1", "nothing.jsonl"], 2, "There is no file of labels nothing.jsonl"),
        (["r1", "labels.jsonl", "--label-field", "human"], 2, "has no field named human"),
        (["r1", "other.jsonl"], 1, "None of the 1 labels belongs to a sample"),
    ],
)
def test_what_cannot_be_measured_says_why(
    judged: Path, root: Path, capsys: Capture, words: list[str], code: int, said: str
) -> None:
    put(root / "other.jsonl", {"id": "elsewhere", "label": True})
    assert main(["calibrate", *words]) == code
    assert said in capsys.readouterr().err
    assert not list((root / ".hybrid/ledger").glob("calibrations/*"))


def test_labels_are_held_against_what_they_are_about_and_that_is_said(
    judged: Path, root: Path, capsys: Capture
) -> None:
    ledger = root / ".hybrid/ledger"
    refused = {f"s{at}": 0.0 for at in range(60)}
    refusal = keep(ledger, "r1", refused, by=judging("llama", rubric="refusal"), at=4_000_000_000)
    assert main(["calibrate", "r1", "labels.jsonl", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["whole"]["kappa"] == 1.0
    assert (
        "The labels name no rubric: held against " in err and "by exact and llama with rubric correct." in err
    )
    rows = [{"id": f"s{at}", "label": at % 5 == 0, "rubric": "refusal"} for at in range(60)]
    put(root / "refused.jsonl", *rows)
    assert main(["calibrate", "r1", "refused.jsonl", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["grading"] == str(refusal.path) and "name no rubric" not in err
    put(root / "kept.jsonl", *({**row, "rubric": "faithful"} for row in rows))
    for words in (["kept.jsonl"], ["refused.jsonl", "--grading", "exact"]):
        refusal.path.unlink(missing_ok=True)
        assert main(["calibrate", "r1", *words]) == 2
        assert "by which r1 was not graded" in capsys.readouterr().err


def test_a_tie_is_no_label_and_that_is_said(judged: Path, capsys: Capture) -> None:
    put(judged, *({"id": f"s{at}", "label": at % 2 if at < 50 else 0.5} for at in range(60)))
    assert main(["calibrate", "r1", "labels.jsonl", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["labels"], len(document["ties"])) == (50, 10)
    assert "10 samples left out: labelled neither yes nor no." in err


def test_labels_in_words_of_another_rubric_are_led_to_its_grading(judged: Path, capsys: Capture) -> None:
    grades = [grade(f"s{at}", float(at % 2), judges={"llama": float(at % 2)}) for at in range(60)]
    by = judging("llama", rubric="refusal")
    kept = keep(Path(".hybrid/ledger"), "r1", grades, by=by, at=1.0)
    put(judged, *({"id": f"s{at}", "label": ["answered", "refused"][at % 2]} for at in range(60)))
    assert main(["calibrate", "r1", "labels.jsonl"]) != 0
    err = capsys.readouterr().err
    assert "holds no labels: its line 1 has a label" in err
    assert f"--grading {kept.key[:8]}: the labels look like words of its rubric, refusal." in err
