"""Whoever chooses a small model hears what was measured of it, with the numbers and where they are from."""

import pytest

from local_grader.judges import known


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        ("llama3.2:1b", "1.2B", ["43.2 %", "65.5 %", "not a judge", "SLMJury", "qwen3:4b", "phi4-mini"]),
        ("llama3.2", "3.2B", ["79.8 %", "81.8 %", "binary verdicts"]),
        ("hf.co/someone/Llama-3.2-1B-Instruct-GGUF:Q4_K_M", "1.24B", ["43.2 %"]),
        ("llama3:8b", "8.0B", ["99.6 %", "55.3 %", "0.61"]),
        ("qwen3:0.6b", "751.63M", ["67.9 %", "not a judge"]),
        ("gemma:2b", "3B", ["14.0 %"]),
        ("tinyllama", "1B", ["less than 2 billion"]),
        ("deepseek-r1:8b", "8.2B", ["Nothing is known", "calibrate"]),
    ],
)
def test_a_weak_judge_is_warned_of_with_its_numbers(model: str, size: str, words: list[str]) -> None:
    (warning,) = known.warnings(model, known.size_of(size))
    assert warning.endswith(".")
    assert [each for each in words if each not in warning] == []


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("qwen3:4b", "4.0B"),
        ("phi4-mini", "3.8B"),
        ("llama3.1:8b", "8.0B"),
        ("llama3.3:70b", "70.6B"),
        ("odd", ""),
    ],
)
def test_a_judge_that_nothing_speaks_against_is_not_warned_of(model: str, size: str) -> None:
    assert known.warnings(model, known.size_of(size)) == ()


def test_what_is_known_of_a_good_judge_can_be_told_too() -> None:
    found = known.known("qwen3:4b", None)
    assert found is not None and "87.6 %" in found.figures
    assert known.known("qwen3.5:4b", None) is None
    assert known.told("qwen3:4b") == found.figures
    assert "88.2 %" in known.told("phi4-mini") and "86.8 %" in known.told("llama3.1:8b")
    assert known.told("llama3.3:70b").startswith("nothing") and known.told("odd").startswith("nothing")
    assert known.told("llama3.2:1b") == "", "its warning tells the same"
    assert known.known("llama3.1:8b", None) != known.known("llama3:8b", None)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("llama-3.2-1b-instruct", 1.0),
        ("qwen3:0.6b", 0.6),
        ("Qwen2.5-7B-Instruct-Q4_K_M.gguf", 7.0),
        ("qwen3:30b-a3b", 30.0),
        ("phi4-mini", 3.8),
        ("llama3.1:latest", 8.0),
        ("mistral-small", None),
    ],
)
def test_the_size_is_read_from_a_name(name: str, size: float | None) -> None:
    assert known.size_in(name) == size
