"""What is wrong with a grading is named, with what to do; what nothing is wrong with is graded."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.ollama import Model, Ollama
from tests.support.laptop import Answer, Laptop
from tests.support.ollama import emulated

MODEL = "qwen3:4b"
RIGHT = {"id": "right", "question": "Capital of France?", "reference": "Paris", "answer": "Paris"}
DOUBTFUL = {
    "id": "doubtful",
    "question": "Why is the sky blue?",
    "reference": "short waves of sunlight are scattered most by air",
    "answer": "because of how air scatters the light of the sun",
}


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    laptop.hybrid("init", "--name", "grades")
    return laptop


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with emulated(Model(name=MODEL)) as server:
        yield server


def put(laptop: Laptop, *rows: dict[str, object] | str) -> None:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    laptop.write("answers.jsonl", "\n".join(lines) + "\n")


def graded(laptop: Laptop, url: str, *words: str, expect: int = 3) -> tuple[dict[str, int], Answer]:
    """Counts by reason, with those that were scored under ``scored``; and what was said."""
    answer = laptop.hybrid(
        "grade", "answers.jsonl", "--judge", MODEL, "--endpoint", url, "--json", *words, expect=expect
    )
    summary = answer.json["summary"]
    return {"scored": summary["scored"], **summary["unscored"]}, answer


def test_without_ollama_the_rules_grade_what_they_can(laptop: Laptop) -> None:
    put(laptop, RIGHT, DOUBTFUL)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"  # bound, and nobody listens
        counts, answer = graded(laptop, url)
    assert counts == {"scored": 1, "judge unavailable": 1}
    assert f"Ollama does not answer at {url}." in answer.err
    assert "ollama serve" in answer.err


def test_a_missing_model_is_named_with_how_to_fetch_it(laptop: Laptop, ollama: Ollama) -> None:
    put(laptop, RIGHT, DOUBTFUL)
    answer = laptop.hybrid(
        "grade", "answers.jsonl", "--judge", "nope:1b", "--endpoint", ollama.url, "--json", expect=3
    )
    assert answer.json["summary"]["scored"] == 1
    assert "nope:1b" in answer.err
    assert "ollama pull nope:1b" in answer.err


def test_a_sample_that_does_not_fit_the_context_is_named_and_the_others_are_judged(
    laptop: Laptop, ollama: Ollama
) -> None:
    long = {**DOUBTFUL, "id": "long", "answer": "and so on " * 4000}
    put(laptop, RIGHT, DOUBTFUL, long)
    counts, answer = graded(laptop, ollama.url, "--scorer", "judge")
    assert counts == {"scored": 2, "prompt too long": 1}
    assert "prompt too long (long). Give the judge more room with --context" in answer.err
    assert not any(asked.was_cut for asked in ollama.requests)


def test_what_is_no_json_lacks_a_field_or_is_answered_twice_is_named(laptop: Laptop, ollama: Ollama) -> None:
    twice = {**RIGHT, "id": "twice"}
    put(laptop, RIGHT, "{no json", {"id": "empty"}, twice, {**twice, "answer": "Lyon"}, DOUBTFUL)
    counts, answer = graded(laptop, ollama.url)
    assert counts == {"scored": 2, "answered twice": 1}
    for words in ("line 2 is not valid JSON", "line 3 has no field named answer", "line 4", "line 5"):
        assert words in answer.err, words


def test_a_rubric_with_a_typo_is_refused_by_file_line_and_key(laptop: Laptop, ollama: Ollama) -> None:
    put(laptop, RIGHT)
    laptop.write("mine.toml", 'kind = "verdict"\nquestoin = "Is it right?"\n[verdicts]\nyes = 1\nno = 0\n')
    answer = laptop.hybrid(
        "grade",
        "answers.jsonl",
        "--judge",
        MODEL,
        "--endpoint",
        ollama.url,
        "--rubric",
        "mine.toml",
        expect=2,
    )
    assert "mine.toml:2: questoin" in answer.err
    assert "did you mean question?" in answer.err
    assert ollama.requests == []
