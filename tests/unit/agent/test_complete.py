"""What a shell offers for words about grades: from the project and its ledger, without a mailbox or a model's server."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from agent.cli import hybrid
from tests.support.kept_grades import judging, keep

RUN, OLDER = "20260412-213005-solve-4be1", "20260401-080000-solve-aa00"


def offered(line: str) -> list[str]:
    """For the last word of ``line``."""
    *args, incomplete = line.split(" ")[1:]
    return [
        each.value
        for each in ShellComplete(hybrid, {}, "hybrid", "_HYBRID_COMPLETE").get_completions(args, incomplete)
    ]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n[grade]\njudge = ["qwen3:4b@http://box:1"]\n')
    (tmp_path / "outputs" / "20260420-080000-fresh-bb11").mkdir(parents=True)
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "rubrics" / "polite.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".hybrid" / "ledger"


def test_runs_and_files_that_were_graded_are_offered_before_runs_that_were_not(ledger: Path) -> None:
    keep(ledger, RUN, {"a": 1.0}, at=20)
    keep(ledger, OLDER, {"a": 1.0}, at=10)
    keep(ledger, "by.hand", {"a": 1.0}, at=30)
    words = ["by.hand", "solve", "fresh", "20260420-080000-fresh-bb11", RUN, OLDER]
    for command in ("report", "label", "calibrate", "compare", "compare x"):
        assert offered(f"hybrid {command} ") == words
    assert offered("hybrid report 202604") == words[3:]
    assert offered("hybrid report s") == ["solve"]


def test_runs_of_the_settings_and_targets_are_offered_where_they_may_stand(
    ledger: Path, tmp_path: Path
) -> None:
    more = '[run.eval]\ncommand = ["true"]\n[run.train]\ncommand = ["true"]\n[machines.box]\nhost = "box"\n'
    (tmp_path / "hybrid.toml").write_text(f'[project]\nid = "p"\n{more}')
    assert offered("hybrid run ") == ["eval", "train"]
    assert offered("hybrid run --shards 2 ev") == ["eval"]
    assert offered("hybrid run -- ev") == ["ev"], "a file"
    assert offered("hybrid run -- python3 tr") == ["tr"]
    for command in ("run", "up", "down"):
        assert offered(f"hybrid {command} --on ") == ["local", "ssh:box"]


def test_what_is_to_be_graded_is_a_run_or_else_a_file(ledger: Path) -> None:
    assert offered("hybrid grade fr") == ["fresh"]
    assert offered("hybrid grade x --against fr") == ["fresh"]
    assert offered("hybrid grade ans") == ["ans"]


def test_keys_of_the_run_are_offered_newest_first(ledger: Path) -> None:
    older = keep(ledger, RUN, {"a": 1.0}, at=10).key[:8]
    newer = keep(ledger, RUN, {"a": 1.0}, scorer="includes", at=20).key[:8]
    other = keep(ledger, "by.hand", {"a": 1.0}, at=30).key[:8]
    for command in ("report", "label", "calibrate"):
        assert offered(f"hybrid {command} solve --grading ") == [newer, older]
    assert offered(f"hybrid report solve --grading {older[:6]}") == [older]
    assert offered("hybrid report by.hand --grading ") == [other]
    assert offered("hybrid report --grading ") == [other, newer, older]
    assert offered("hybrid report 2026 --grading ") == [newer, older]


def test_two_runs_are_compared_by_scorer_or_judge(ledger: Path) -> None:
    keep(ledger, RUN, {"a": 1.0}, scorer="cascade", by=judging("phi4-mini"))
    assert offered("hybrid compare a b --grading ") == ["cascade", "phi4-mini"]


def test_judges_are_those_of_the_settings_and_of_kept_gradings(ledger: Path) -> None:
    keep(ledger, RUN, {"a": 1.0}, by=judging("phi4-mini", "llama3.1:8b"))
    assert offered("hybrid grade x --judge ") == ["qwen3:4b@http://box:1", "phi4-mini", "llama3.1:8b"]
    assert offered("hybrid grade x --judge phi4-mini --judge l") == ["llama3.1:8b"]


def test_rubrics_are_those_of_the_program_and_of_the_project_from_where_one_is(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = str(Path("rubrics", "polite.toml"))
    assert offered("hybrid grade x --rubric ") == [
        "correct",
        "faithful",
        "pairwise",
        "refusal",
        "rubric",
        own,
    ]
    assert offered("hybrid grade x --rubric rub") == ["rubric", own]
    monkeypatch.chdir("outputs")
    assert offered("hybrid grade x --rubric ..") == [str(Path("..", own))]
    assert offered("hybrid grade x --rubric ../mine") == ["../mine"]


def test_damaged_gradings_and_no_project_are_no_failures(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ledger / "grades").mkdir(parents=True)
    (ledger / "grades" / f"{RUN}-0123456789abcdef.parquet").write_bytes(b"PAR1")
    assert offered("hybrid report --grading ") == []
    (tmp_path / "hybrid.toml").write_text("[")
    assert offered("hybrid report ") == []
    assert offered("hybrid grade x --judge ") == []


def test_runs_of_which_a_word_is_the_beginning_are_all_meant(ledger: Path) -> None:
    keys = {keep(ledger, run, {"a": 1.0}).key[:8] for run in (RUN, OLDER)}
    assert set(offered("hybrid report 202604 --grading ")) == keys


def test_what_is_shown_is_named_by_run_and_what_is_removed_by_key(ledger: Path) -> None:
    key = keep(ledger, RUN, {"a": 1.0}).key[:8]
    assert offered("hybrid gradings ") == ["solve", RUN]
    assert offered("hybrid gradings --remove ") == [key]
    assert offered(f"hybrid gradings --remove abcd {key[:2]}") == [key]
