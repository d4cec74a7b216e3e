"""Grading again what judges have answered asks the server who it is, and its model nothing; it is not even loaded."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from local_grader.grade import grade_outputs
from local_grader.judges import JudgeSettings
from local_grader.judging.wish import JudgingRequest
from local_grader.report import Report
from local_grader.request import Request
from sync.progress import Silent
from tests.emulators.ollama import Model, Ollama
from tests.support.ollama import emulated

MODEL = Model(name="llama3.2:3b")
WAYS = pytest.mark.parametrize("path", ["", "/v1"])


class Labels(Silent):
    def __init__(self) -> None:
        self.begun: list[str] = []

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        self.begun.append(label)


def graded(
    root: Path, url: str, count: int = 3, progress: Silent | None = None, fresh: bool = False
) -> Report:
    rows = [
        {"id": f"s{at}", "question": f"Q{at}?", "answer": "no", "reference": "yes"} for at in range(count)
    ]
    (root / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judging = JudgingRequest(
        judges=[MODEL.name],
        rubric="correct",
        folder=root,
        journal=root / "verdicts.db",
        settings=JudgeSettings(endpoint=url),
        fresh=fresh,
    )
    target = str(root / "answers.jsonl")
    request = Request(target=target, scorer="judge", outputs=root, ledger=root / "ledger", judging=judging)
    return grade_outputs(request, progress)


def prompts(server: Ollama) -> int:
    """How many about samples, and not to load or try the model, were sent."""
    return sum(len(each.messages) == 2 for each in server.requests)


@WAYS
def test_what_is_known_whole_is_graded_without_a_load_and_without_a_question(
    tmp_path: Path, path: str
) -> None:
    with emulated(MODEL) as server:
        first = graded(tmp_path, server.url + path)
        assert prompts(server) == 3 and len(server.loads) == 1
        server.stop()
        with server:
            server.forget()
            labels = Labels()
            again = graded(tmp_path, server.url + path, progress=labels)
            assert (server.requests, server.loads) == ([], [])
    assert first.decided is not None and again.decided is not None
    assert again.decided.verdicts_sha256() == first.decided.verdicts_sha256()
    assert again.decided.heard[0].identity == first.decided.heard[0].identity
    assert (again.decided.heard[0].health.known, again.decided.heard[0].trouble) == (3, None)
    assert labels.begun == ["grade", f"judge {MODEL.name}"]
    assert any("79.8 %" in each for each in again.decided.warnings), (
        "what is known of the model is told again"
    )


@WAYS
def test_model_is_loaded_for_what_is_new_and_only_that_is_asked(tmp_path: Path, path: str) -> None:
    with emulated(MODEL) as server:
        graded(tmp_path, server.url + path)
        server.forget()
        graded(tmp_path, server.url + path, count=4)
        assert prompts(server) == 1
        server.forget()
        graded(tmp_path, server.url + path, fresh=True)
        assert prompts(server) == 3


def test_another_model_of_that_name_is_asked_anew(tmp_path: Path) -> None:
    with emulated(MODEL) as server:
        first = graded(tmp_path, server.url)
    with emulated(replace(MODEL, weights="newer")) as server:
        again = graded(tmp_path, server.url)
        assert prompts(server) == 3 and len(server.loads) == 1
        assert first.decided is not None and again.decided is not None
        assert again.decided.heard[0].health.known == 0
        assert again.decided.heard[0].identity != first.decided.heard[0].identity


def test_newer_server_with_the_same_model_is_the_same_judge(tmp_path: Path) -> None:
    with emulated(MODEL, version="0.31.0") as server:
        graded(tmp_path, server.url)
    with emulated(MODEL, version="0.33.0") as server:
        again = graded(tmp_path, server.url)
        assert (server.requests, server.loads) == ([], [])
    assert again.decided is not None and again.decided.heard[0].identity is not None
    assert again.decided.heard[0].identity.server == "Ollama 0.33.0"
