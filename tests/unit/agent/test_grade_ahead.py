"""``hybrid grade --dry-run`` and ``--limit``: what is known before, what a trial leaves, and what a no to a model means."""

import io
import json
import re
import sys
import time
from pathlib import Path

import pytest

from agent.cli.grade_preview import pace
from tests.emulators.ollama import Model
from tests.support.ollama import emulated
from tests.support.projects import Project

MODEL = "llama3.1:8b"
GOLD = "the long story of how a treaty was made"
ROWS = [
    {"id": f"s{number}", "answer": f"a story of treaty {number}", "question": "Q?"} for number in range(4)
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    put(project.outputs / "r1/000/answers.jsonl", *ROWS)
    put(project.outputs / "r1/000/metrics.jsonl", {"loss": 1})
    put(project.root / "gold.jsonl", *({"id": f"s{number}", "reference": GOLD} for number in range(6)))
    project.configure('[grade]\nreferences = "gold.jsonl"\n')
    return project


def put(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def words(url: str) -> list[str]:
    return ["grade", "r1", "--scorer", "judge", "--judge", f"{MODEL}@{url}"]


def test_dry_run_tells_all_of_it_and_does_nothing(project: Project) -> None:
    with emulated(Model(name=MODEL)) as server:
        code, out, err = project.call(*words(server.url), "--dry-run")
        document = project.json(*words(server.url), "--dry-run")
        assert code == 0 and not server.requests
    assert "If r1 were graded now" in out and "4 (100.0 %), by the rubric correct" in out
    assert (
        "4 prompts, 0 known from before, 4 to ask" in out and "000/metrics.jsonl line 1 has no field" in out
    )
    assert "not known: no such judge was timed here before" in out and "never answered" in out
    assert "--- system ---\n" in out and "No judge was asked" in err and "--limit 20" in err
    assert (document["dry_run"], document["undecided"], document["missing"]) == (True, 4, 2)
    (judge,) = document["judging"]["judges"]
    assert (judge["left"], judge["seconds"], judge["server"]) == (4, None, "Ollama 0.33.0")
    prompt = document["judging"]["first"]["prompt"]
    assert f"--- system ---\n{prompt['system']}\n\n--- user ---\n{prompt['user']}\n" in out
    assert [each.name for each in (project.root / ".hybrid").iterdir()] == [".gitignore"]


def test_dry_run_needs_no_server_and_says_what_is_unknown(project: Project) -> None:
    code, out, _ = project.call(*words("http://127.0.0.1:9"), "--dry-run")
    assert code == 0 and "digest unknown: Ollama does not answer at http://127.0.0.1:9." in out
    (judge,) = project.json(*words("http://127.0.0.1:9"), "--dry-run")["judging"]["judges"]
    assert (judge["digest"], judge["server"], judge["left"]) == (None, None, 4)


def test_dry_run_of_a_rule_needs_no_judge(project: Project) -> None:
    code, out, _ = project.call("grade", "r1", "--scorer", "exact", "--dry-run")
    assert code == 0 and "decided by exact  " in out and "judge" not in out
    assert project.json("grade", "r1", "--scorer", "exact", "--dry-run")["judging"] is None


def test_trial_is_not_kept_and_its_verdicts_are(project: Project) -> None:
    with emulated(Model(name=MODEL)) as server:
        code, out, err = project.call(*words(server.url), "--limit", "3")
        assert code == 0 and "the first 3 of the outputs; not kept" in out and "never answered" not in out
        assert "the same without --limit grades all, and asks nothing of this again" in err
        assert "Every grade is in" not in err and not (project.root / ".hybrid/ledger").exists()
        assert project.call("report", "r1")[0] != 0, "a report never takes it for the run's"
        code, out, _ = project.call(*words(server.url), "--dry-run")
        assert "3 known from before, 1 to ask" in out and "s each as lately" in out
        assert project.json(*words(server.url), "--limit", "3")["limit"] == 3
        code, out, err = project.call(*words(server.url))
    assert "1 judged, 3 known from before" in out and "Next: hybrid report r1" in err
    assert project.call("report", "r1")[0] == 0


def test_neither_goes_with_following(project: Project) -> None:
    for option in (["--dry-run"], ["--limit", "3"]):
        code, _, err = project.call("grade", "r1", "--scorer", "exact", "--follow", *option)
        assert code == 2 and f"--follow does not go with {option[0]}." in err


def test_who_does_not_fetch_the_judge_that_they_asked_for_gets_no_grades(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with emulated(Model(name="qwen3:4b")) as server:
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        code, out, err = project.call(*words(server.url), "--no-progress")
        assert f"Fetch {MODEL}@{server.url} now?" in err
        assert code == 1 and not out and "It has qwen3:4b." in err
        assert "Nothing was graded, since" in err and "--pull-model" in err
        assert not (project.root / ".hybrid/ledger").exists()
        settings = f'judge = "{MODEL}"\nscorer = "cascade"\nendpoint = "{server.url}"\n'
        project.configure(f'[grade]\nreferences = "gold.jsonl"\n{settings}')
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        put(project.outputs / "r1/000/more.jsonl", {"id": "s5", "answer": GOLD})
        code, out, _ = project.call("grade", "r1", "--no-progress")
        assert code == 3 and "1 of 1;" in out, "a judge of the settings is not what was asked for here"


def test_nobody_is_asked_where_the_question_cannot_be_seen(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal("y\n")
    monkeypatch.setattr("sys.stdin", terminal)
    with emulated(Model(name="qwen3:4b")) as server:
        _, _, err = project.call(*words(server.url))
    assert "now?" not in err and "It has qwen3:4b." in err
    assert terminal.tell() == 0


def test_dry_run_tells_until_when_judges_would_wait(project: Project) -> None:
    hour = time.localtime().tm_hour
    start = f"{(hour + 2) % 24:02}:00"
    closed = f"{start}-{(hour + 3) % 24:02}:00"
    _, out, err = project.call(*words("http://127.0.0.1:9"), "--dry-run", "--when", closed)
    assert "--limit 20 --when any instead of --dry-run" in err
    assert re.search(rf"not asked now +they wait until {start}\n", out)
    document = project.json(*words("http://127.0.0.1:9"), "--dry-run", "--when", closed)
    assert document["judging"]["waits"] == f"they wait until {start}"
    assert "not asked now" not in project.call(*words("http://127.0.0.1:9"), "--dry-run")[1]


def test_dry_run_calls_a_file_by_its_path(project: Project) -> None:
    (project.root / "out").mkdir()
    put(project.root / "out" / "a.jsonl", {"id": "s", "answer": GOLD})
    _, out, _ = project.call("grade", "out/a.jsonl", "--scorer", "exact", "--dry-run")
    assert "If out/a.jsonl were graded now" in out and "1 (out/a.jsonl)" in out


def test_faithfulness_without_a_text_to_keep_to_is_told_how_to_name_it(project: Project) -> None:
    ask = [*words("http://127.0.0.1:9"), "--rubric", "faithful"]
    for more in ([], ["--dry-run"]):
        _, out, err = project.call(*ask, *more)
        assert "no context" in out and "--context-field" in err


def test_of_a_trial_no_groups_are_told(project: Project) -> None:
    rows = [{"id": f"s{n}", "answer": GOLD, "group": f"g{n % 2}"} for n in range(4)]
    put(project.root / "grouped.jsonl", *rows)
    ask = ["grade", "grouped.jsonl", "--scorer", "exact", "--group-field", "group"]
    assert "By group" in project.call(*ask)[1]
    assert "By group" not in project.call(*ask, "--limit", "3")[1]


@pytest.mark.parametrize(
    ("each_s", "told"), [(0.105, "105 ms each"), (0.0042, "4.2 ms each"), (12.3, "12.30 s each")]
)
def test_the_time_of_one_is_told_in_as_many_digits_as_the_sum_needs(each_s: float, told: str) -> None:
    assert pace(each_s) == told
