"""Which kept grading a word means: by run, by file, by scorer, and the newest of several."""

import json
import os
from pathlib import Path

import pytest

from agent.cli import main
from agent.grades import find
from agent.project import Project
from sync.errors import UsageError

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
    found = find(project, word)
    assert (found.run, found.scorer) == (RUN, "includes")


def test_scorer_and_key_choose_among_several(project: Project) -> None:
    older = find(project, "solve", "exact")
    assert older.scorer == "exact"
    key = older.path.stem.rpartition("-")[2]
    assert find(project, "solve", key[:6]) == older
    with pytest.raises(UsageError, match="was not graded by numeric") as caught:
        find(project, "solve", "numeric")
    assert caught.value.hint == f"It was graded by: includes, exact; hybrid gradings {RUN} shows the keys."


@pytest.mark.parametrize("word", ["by.hand", "by.hand.jsonl"])
def test_a_graded_file_is_found_with_its_ending_and_without(project: Project, word: str) -> None:
    assert find(project, word).run == "by.hand"


def test_a_file_of_the_ledger_is_found_wherever_it_lies(project: Project, tmp_path: Path) -> None:
    kept = find(project, "solve")
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(kept.path.read_bytes())
    assert find(project, str(copy)).entry == kept.entry
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="holds no grades that can be read"):
        find(project, "torn.parquet")


def test_what_was_never_graded_names_the_command(project: Project) -> None:
    with pytest.raises(UsageError, match="No grades of other are kept") as caught:
        find(project, "other")
    assert caught.value.hint == "hybrid grade other"
