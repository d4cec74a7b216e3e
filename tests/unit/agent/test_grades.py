"""Which kept grading a word means: by run, by file, by scorer, and the newest of several."""

import json
import os
from pathlib import Path

import pytest

from agent.cli import main
from agent.grades import find
from agent.project import Project
from local_grader.reading import outputs
from sync.errors import UsageError
from tests.support.kept_grades import keep

RUN = "20260101-120000-solve-ab12"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    rows = [{"id": "a", "answer": "x y", "reference": "x"}]
    for place in (f"outputs/{RUN}/answers.jsonl", "by.hand.jsonl"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    for at, words in enumerate(([RUN, "exact"], [RUN, "includes"], ["by.hand.jsonl", "exact"])):
        before = set(tmp_path.glob(".hybrid/ledger/grades/*"))
        assert main(["grade", "-q", words[0], "--scorer", words[1]]) == 0
        (new,) = set(tmp_path.glob(".hybrid/ledger/grades/*")) - before
        os.utime(new, (1_000 + at, 1_000 + at))
    return Project.find(tmp_path)


@pytest.mark.parametrize("word", [RUN, "20260101-12", "solve"])
def test_a_run_is_found_by_id_beginning_and_name_and_the_newest_grading_wins(
    project: Project, word: str
) -> None:
    found, called = find(project, word)
    assert called == RUN
    assert (found.run, found.scorer) == (RUN, "includes")


def test_scorer_and_key_choose_among_several(project: Project) -> None:
    older, _ = find(project, "solve", "exact")
    assert older.scorer == "exact"
    key = older.path.stem.rpartition("-")[2]
    assert find(project, "solve", key[:6])[0] == older
    with pytest.raises(UsageError, match="was not graded by numeric") as caught:
        find(project, "solve", "numeric")
    assert caught.value.hint == f"It was graded by: includes, exact; hybrid gradings {RUN} shows the keys."


@pytest.mark.parametrize("word", ["by.hand", "by.hand.jsonl"])
def test_a_graded_file_is_found_with_its_ending_and_without(project: Project, word: str) -> None:
    found, called = find(project, word)
    assert (found.run, called) == ("by.hand", word)


def put(path: Path, answer: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"id": "a", "answer": answer, "reference": "x"}) + "\n")
    return str(path.relative_to(Path.cwd()))


def test_a_path_means_what_lies_there_and_not_what_is_called_alike(project: Project, tmp_path: Path) -> None:
    a, b = put(tmp_path / "runA/preds.jsonl", "x"), put(tmp_path / "runB/preds.jsonl", "y")
    for path in (a, b):
        assert main(["grade", "-q", path, "--scorer", "exact"]) == 0
    for path in (a, b, str(tmp_path / a)):
        found, called = find(project, path)
        assert called == path
        assert found.facts.source == "/".join(Path(path).parts[-2:])
        assert found.entry["outputs_sha256"] == outputs.digest(outputs.find(tmp_path, path).sources)
    put(tmp_path / a, "z")
    with pytest.raises(UsageError, match=r"runA/preds\.jsonl was not graded as it is now") as caught:
        find(project, a)
    assert caught.value.hint == f"hybrid grade {a}"
    with pytest.raises(
        UsageError, match=r"several graded files are called: runB/preds\.jsonl, runA/preds\.jsonl"
    ):
        find(project, "preds")
    for word in ("preds.jsonl", "runC/preds.jsonl"):
        with pytest.raises(UsageError, match=f"There is no file {word}"):
            find(project, word)
    (tmp_path / b).unlink()
    assert find(project, b)[0].facts.source == "runB/preds.jsonl"


def test_a_folder_means_its_answers_and_a_run_stays_a_run(project: Project, tmp_path: Path) -> None:
    put(tmp_path / "many/one.jsonl", "x")
    assert main(["grade", "-q", "many", "--scorer", "exact"]) == 0
    assert find(project, "many")[1] == "many"
    put(tmp_path / "many/two.jsonl", "x")
    with pytest.raises(UsageError, match="many was not graded as it is now"):
        find(project, "many")
    put(tmp_path / "solve/other.jsonl", "x")  # a folder of the program, which is called as its run
    put(tmp_path / f"outputs/{RUN}/more.jsonl", "x")  # a run may have grown since
    for word in ("solve", f"outputs/{RUN}"):
        assert find(project, word)[0].run == RUN
    (tmp_path / "by.hand").mkdir()  # holds no answers
    assert find(project, "by.hand")[0].run == "by.hand"


def test_what_to_type_next_means_the_same_folder_from_anywhere(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "many/one.jsonl", "x")
    assert main(["grade", str(tmp_path / "many"), "--scorer", "exact"]) == 0
    assert f"Next: hybrid report {tmp_path / 'many'}\n" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "many")
    assert main(["grade", ".", "--scorer", "exact"]) == 0
    assert "Next: hybrid report .\n" in capsys.readouterr().err


def test_a_run_is_told_from_a_folder_elsewhere_that_is_called_alike(project: Project, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    copy = put(tmp_path / f"copies/{RUN}/answers.jsonl", "x").rpartition("/")[0]
    assert main(["grade", "-q", copy, "--scorer", "exact"]) == 0
    assert find(project, copy)[0].facts.source == copy
    for word in (RUN, "solve", f"outputs/{RUN}"):
        assert find(project, word)[0].facts.source == ""
    assert main(["grade", "-q", f"outputs/{RUN}", "--scorer", "f1"]) == 0
    assert find(project, "solve")[0].facts.source == f"outputs/{RUN}"


def test_a_folder_of_which_some_files_were_graded_is_found_while_those_stay(
    project: Project, tmp_path: Path
) -> None:
    put(tmp_path / "many/one.jsonl", "x")
    put(tmp_path / "many/two.jsonl", "y")
    assert main(["grade", "-q", "many", "--scorer", "exact", "--files", "one*"]) == 0
    assert find(project, "many")[0].facts.files == ["one*"]
    put(tmp_path / "many/two.jsonl", "z")
    assert find(project, "many")[1] == "many"
    put(tmp_path / "many/one.jsonl", "z")
    with pytest.raises(UsageError, match="many was not graded as it is now"):
        find(project, "many")


def test_one_without_scores_hides_none_that_has_some(project: Project, tmp_path: Path) -> None:
    keep(project.state_dir / "ledger", RUN, {"a": None}, scorer="f1")
    said: list[str] = []
    assert find(project, "solve", warn=said.append)[0].scorer == "includes"
    assert len(said) == 1 and "by f1, was passed over: it holds no scores; --grading " in said[0]
    assert find(project, "solve", "f1", said.append)[0].scorer == "f1"
    assert len(said) == 1


def test_a_file_of_the_ledger_is_found_wherever_it_lies(project: Project, tmp_path: Path) -> None:
    kept, _ = find(project, "solve")
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(kept.path.read_bytes())
    assert find(project, str(copy))[0].entry == kept.entry
    kept.path.write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="holds no grades that can be read"):
        find(project, str(kept.path))


def test_what_was_never_graded_names_the_command(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No grades of other are kept") as caught:
        find(project, "other")
    assert caught.value.hint == "hybrid gradings shows what was graded."
    for place in ("outputs/other/x.jsonl", "new.jsonl"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        put(tmp_path / place, "x")
        word = "new.jsonl" if place == "new.jsonl" else "other"
        with pytest.raises(UsageError, match=f"No grades of {word} are kept") as caught:
            find(project, word)
        assert caught.value.hint == f"hybrid grade {word}"
