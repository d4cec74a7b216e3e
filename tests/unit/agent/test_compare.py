"""``hybrid compare``: one sentence, then what it stands on, then what changed; gradings of another kind are refused."""

import json
from pathlib import Path

import pytest

from agent.cli import main
from tests.support.kept_grades import grade, judging, keep

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".hybrid/ledger"


def values(right: int, n: int = 100) -> dict[str, float | None]:
    return {f"s{at:03}": float(at < right) for at in range(n)}


def test_the_sentence_comes_first_and_what_it_stands_on_after_it(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50)), keep(ledger, "tuned", {**values(70), "more": 1.0})
    assert main(["compare", "base", "tuned"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("tuned is better than base: 70.0 % against 50.0 %, +20.0 points (95 % interval ")
    assert "right only in tuned" in out and "exact McNemar" in out
    assert "Samples that changed, 10 of 20" in out and "s050" in out
    assert "graded from a file" in err


def test_values_in_between_are_averaged_and_no_share_of_the_samples(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50)), keep(ledger, "tuned", dict.fromkeys(values(50), 0.625))
    assert main(["compare", "base", "tuned"]) == 0
    out = capsys.readouterr().out
    assert "50.0 % of 100 (95 % interval 40.4 to 59.6 %)" in out
    assert "62.5 % on average over 100 (95 % interval " in out and "right only in" not in out


def test_json_holds_every_sample_that_changed(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50)), keep(ledger, "tuned", {**values(70), "more": 1.0})
    assert main(["compare", "base", "tuned", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"].startswith("tuned is better")
    assert len(document["changed"]) == 20
    assert (document["only_a"], document["only_b"]) == ([], ["more"])
    assert document["comparison"]["counts"] == {"both": 50, "only_a": 0, "only_b": 20, "neither": 30}
    assert document["changes"]["code"] is None


def test_a_difference_that_cannot_be_told_is_called_none(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50)), keep(ledger, "tuned", values(51))
    assert main(["compare", "base", "tuned"]) == 0
    assert capsys.readouterr().out.startswith("No difference can be told")


def test_gradings_of_another_kind_are_refused_with_the_command_that_helps(
    ledger: Path, capsys: Capture
) -> None:
    keep(ledger, "base", values(5), scorer="numeric", options={"tolerance": 0.1, "single_number": True})
    keep(ledger, "tuned", values(5), scorer="includes")
    assert main(["compare", "base", "tuned"]) == 2
    err = capsys.readouterr().err
    assert "base and tuned were not graded in the same way: scorer numeric and includes." in err
    assert "hybrid grade tuned --scorer numeric --single-number --tolerance 0.1" in err


def test_older_gradings_of_the_same_way_are_found(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50), at=1)
    keep(ledger, "base", values(3), by=judging("llama"), at=2)
    keep(ledger, "tuned", values(70), at=1)
    keep(ledger, "tuned", values(4), scorer="includes", at=2)
    assert main(["compare", "base", "tuned", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graded_by"] == "exact"
    assert main(["compare", "base", "tuned", "--grading", "llama"]) == 2
    assert "tuned was not graded by llama" in capsys.readouterr().err


def test_the_newest_way_in_common_is_taken_and_named_and_the_others_are_listed(
    ledger: Path, capsys: Capture
) -> None:
    for run, right in (("base", 50), ("tuned", 70)):
        keep(ledger, run, values(right), scorer="cascade", by=judging("qwen3:4b"), at=1)
        keep(ledger, run, values(right), by=judging("qwen3:4b", rubric="refusal"), at=2)
    panel = keep(ledger, "base", values(50), scorer="cascade", by=judging("qwen3:4b", "phi4-mini"), at=3)
    assert main(["compare", "base", "tuned"]) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert first.startswith("tuned is higher than base: ") and "better" not in out and "right" not in out
    assert first.endswith("; graded by exact and qwen3:4b with rubric refusal.")
    assert "Both were also graded by cascade and qwen3:4b with rubric correct (" in err
    key = err.partition("rubric correct (")[2][:8]
    for word in (key, "cascade"):
        assert main(["compare", "base", "tuned", "--grading", word]) == 0
        assert "better than base" in (told := capsys.readouterr().out) and "with rubric correct." in told
    assert main(["compare", "base", "tuned", "--grading", panel.key]) == 2
    assert "were not graded in the same way" in capsys.readouterr().err


def test_a_judge_that_both_had_is_found_behind_a_newer_panel_of_one(ledger: Path, capsys: Capture) -> None:
    for run in ("base", "tuned"):
        keep(ledger, run, values(50), by=judging("qwen3:4b"), at=1)
    keep(ledger, "base", values(50), by=judging("qwen3:4b", "phi4-mini"), at=2)
    assert main(["compare", "base", "tuned", "--grading", "qwen3:4b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graded_by"] == "exact and qwen3:4b with rubric correct"


def test_files_of_one_name_are_two_and_are_called_as_they_were_named(
    ledger: Path, tmp_path: Path, capsys: Capture
) -> None:
    for path, answer in (("runA/preds.jsonl", "x"), ("runB/preds.jsonl", "y"), ("preds.csv", "y")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        row = f"id,answer,reference\na,{answer},x\n"
        if path.endswith("jsonl"):
            row = json.dumps({"id": "a", "answer": answer, "reference": "x"})
        (tmp_path / path).write_text(row)
        assert main(["grade", "-q", path, "--scorer", "exact"]) == 0
    for a, b in (("runA/preds.jsonl", "runB/preds.jsonl"), ("preds.csv", "runA/preds.jsonl")):
        capsys.readouterr()
        assert main(["compare", a, b]) == 0
        out, err = capsys.readouterr()
        assert f"{a}, shared samples" in out and f"{b}, shared samples" in out
        assert f"{a} and {b}: graded from a file" in err
    (tmp_path / "runB/preds.jsonl").write_bytes((tmp_path / "runA/preds.jsonl").read_bytes())
    assert main(["compare", "runA/preds.jsonl", "runB/preds.jsonl"]) == 2
    assert "runA/preds.jsonl would be compared with itself" in capsys.readouterr().err


def test_the_command_that_helps_can_be_typed(ledger: Path, tmp_path: Path, capsys: Capture) -> None:
    for name in ("A", "B"):
        (tmp_path / f"{name}.jsonl").write_text('{"id": "a", "answer": "x", "article": "z"}\n')
    (tmp_path / "gold.jsonl").write_text('{"id": "a", "reference": "x"}\n')
    asked = ["--references", "gold.jsonl", "--group-field", "article"]
    assert main(["grade", "-q", "A.jsonl", "--scorer", "f1", *asked]) == 0
    assert main(["grade", "-q", "B.jsonl", "--scorer", "exact", *asked]) == 0
    assert main(["compare", "A", "B"]) == 2
    wanted = "hybrid grade B.jsonl --scorer f1 --references FILE --group-field article"
    assert wanted in capsys.readouterr().err


def test_a_run_is_not_compared_with_itself(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", values(50))
    assert main(["compare", "base", "base"]) == 2
    assert "would be compared with itself" in capsys.readouterr().err


def test_groups_are_shown_with_chance_held_down(ledger: Path, capsys: Capture) -> None:
    for run, right in (("base", 0.0), ("tuned", 1.0)):
        rows = [grade(f"{g}{at}", right if g == "x" else 1.0, group=g) for g in "xyz" for at in range(8)]
        keep(ledger, run, rows)
    assert main(["compare", "base", "tuned", "--by-group"]) == 0
    out, err = capsys.readouterr()
    row = next(line for line in out.splitlines() if line.startswith("x "))
    assert row.split() == ["x", "8", "0.0", "%", "100.0", "%", "+100.0", "0.023", "yes"]
    assert "The samples are in 3 groups, too few" in err
    assert main(["compare", "base", "tuned", "--cluster"]) == 0
    assert "in 3 groups" in capsys.readouterr().out


def test_samples_without_a_group_are_told_of_where_groups_are_asked_for(
    ledger: Path, capsys: Capture
) -> None:
    keep(ledger, "base", values(50)), keep(ledger, "tuned", values(70))
    assert main(["compare", "base", "tuned"]) == 0
    assert "group" not in capsys.readouterr().err
    assert main(["compare", "base", "tuned", "--by-group"]) == 0
    out, err = capsys.readouterr()
    assert "No shared sample names a group, so nothing is compared by group." in err
    assert "Next: grade both runs again with --group-field NAME" in err and "By group" not in out
    for run in ("some", "others"):
        keep(ledger, run, [grade("a", 1.0, group="g"), grade("b", 1.0, group="g"), grade("c", 0.0)])
    assert main(["compare", "some", "others", "--by-group"]) == 0
    out, err = capsys.readouterr()
    assert "1 shared sample of no group: in none of these comparisons." in err and "By group" in out
    for run in ("all", "each"):
        keep(ledger, run, [grade("a", 1.0, group="g"), grade("b", 1.0, group="g")])
    assert main(["compare", "all", "each", "--by-group"]) == 0
    assert "group" not in capsys.readouterr().err


def test_runs_without_a_shared_sample_cannot_be_compared(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", {"a": 1.0}), keep(ledger, "tuned", {"b": 1.0})
    assert main(["compare", "base", "tuned"]) == 1
    assert "no graded sample in common" in capsys.readouterr().err


def test_other_references_and_other_servers_are_warned_of(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "base", [grade("a", 1.0, reference="x")], by=judging("llama"))
    keep(ledger, "tuned", [grade("a", 1.0, reference="y")], by=judging("llama", server="ollama 0.31"))
    assert main(["compare", "base", "tuned"]) == 0
    err = capsys.readouterr().err
    assert "1 shared sample with another reference" in err and "servers were of different versions" in err


def test_runs_are_called_by_their_names_where_these_tell_them_apart(ledger: Path, capsys: Capture) -> None:
    base, tuned, again = (
        f"20261121-0910{at}-{name}-ab12" for at, name in ((10, "base"), (20, "tuned"), (30, "tuned"))
    )
    keep(ledger, base, values(50)), keep(ledger, tuned, values(70)), keep(ledger, again, values(90))
    assert main(["compare", "base", tuned]) == 0
    assert capsys.readouterr().out.startswith("tuned is better than base: ")
    assert main(["compare", tuned, again]) == 0
    assert capsys.readouterr().out.startswith(f"{again} is better than {tuned}: ")


def test_what_one_run_lacks_is_said(ledger: Path, capsys: Capture) -> None:
    keep(ledger, "r1", values(50))
    keep(ledger, "r2", values(60) | {"s000": None})
    assert main(["compare", "r1", "r2"]) == 0
    out, err = capsys.readouterr()
    assert "1 sample graded in one of the two runs only: left out of the comparison." in err
    assert "on 99 shared samples" in out
