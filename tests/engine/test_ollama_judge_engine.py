"""The judge over Ollama's own API before a real llama.cpp: schema, truncation both ways, prefix reuse, loads."""

import json
from collections.abc import Callable, Iterator

import httpx
import jsonschema
import pytest

from local_grader.judge import CannotJudge, Judge, Prompt
from local_grader.judges import JudgeSettings, open_judge
from sync.clock import SystemClock
from sync.progress import Silent
from tests.contracts.judge_contract import SCHEMA, JudgeContract
from tests.emulators.ollama import Ollama
from tests.emulators.ollama.filling import ordered_properties
from tests.engine.conftest import CONTEXT
from tests.engine.llama_server import MODEL, LlamaServer
from tests.engine.ollama_front import ollama_over


def opened(ollama: Ollama) -> Judge:
    settings = JudgeSettings(context=CONTEXT, reply_tokens=500)
    return open_judge(f"{MODEL}@{ollama.url}", settings, SystemClock())


def prompt(number: int) -> Prompt:
    return Prompt(system="You judge answers with great care. " * 20, user=f"Sample {number}.", schema=SCHEMA)


@pytest.fixture
def ollama(engine: LlamaServer) -> Iterator[Ollama]:
    with ollama_over(engine, slots=2) as running:
        yield running


@pytest.fixture
def judge(ollama: Ollama) -> Iterator[Judge]:
    judge = opened(ollama)
    judge.prepare(Silent())
    yield judge
    judge.close()


class TestOllamaJudgeWithLlama(JudgeContract):
    @pytest.fixture
    def another(self, ollama: Ollama) -> Callable[[], Judge]:
        return lambda: opened(ollama)

    @pytest.fixture
    def judge(self, another: Callable[[], Judge]) -> Iterator[Judge]:
        judge = another()
        yield judge
        judge.close()


def test_replies_fit_the_schema_in_its_own_order(judge: Judge) -> None:
    texts = [judge.ask(prompt(number)).text for number in range(8)]
    for text in texts:
        jsonschema.validate(json.loads(text), SCHEMA)
        assert list(json.loads(text)) == ["reason", "verdict"]
    assert len(set(texts)) > 1


def test_prompts_of_a_rubric_are_read_once(judge: Judge, ollama: Ollama) -> None:
    for number in range(5):
        judge.ask(prompt(number))
    shares = [each.cached_tokens / each.prompt_tokens for each in ollama.requests[-5:]]
    assert min(shares[1:]) > 0.9


def test_overlong_prompts_are_refused_with_the_engines_own_words(judge: Judge, ollama: Ollama) -> None:
    with pytest.raises(CannotJudge) as caught:
        judge.ask(Prompt(system="Judge.", user="word " * 3 * CONTEXT, schema=SCHEMA))
    assert caught.value.reason == "prompt too long"
    assert ollama.requests[-1].status == 400
    assert str(CONTEXT) in str(caught.value)


def test_who_does_not_forbid_it_gets_a_verdict_on_half_a_context(ollama: Ollama) -> None:
    """This is what the judge must never believe, and why it forbids it."""
    messages = [{"role": "user", "content": "word " * 3 * CONTEXT}]
    body = {
        "model": MODEL,
        "messages": messages,
        "format": SCHEMA,
        "stream": False,
        "options": {"num_ctx": CONTEXT},
    }
    reply = httpx.post(f"{ollama.url}/api/chat", json=body, timeout=60, trust_env=False)
    assert (reply.status_code, ollama.requests[-1].was_cut) == (200, True)
    assert abs(reply.json()["prompt_eval_count"] - CONTEXT // 2) < 10


def test_nothing_is_loaded_again_while_it_judges(judge: Judge, ollama: Ollama, engine: LlamaServer) -> None:
    loads = engine.loads
    for number in range(3):
        judge.ask(prompt(number), attempt=number)
    assert (engine.loads, len(ollama.loads)) == (loads, 1)


@pytest.mark.parametrize("required", [["verdict"], ["verdict", "alpha"], ["note", "alpha", "verdict"]])
def test_the_emulator_orders_keys_as_the_engine_does(ollama: Ollama, required: list[str]) -> None:
    yes = {"type": "boolean"}
    schema = {
        "type": "object",
        "properties": {"note": yes, "verdict": yes, "alpha": yes},
        "required": required,
    }
    body = {"messages": [{"role": "user", "content": "Which?"}], "format": schema, "stream": False}
    names = ordered_properties(schema, alphabetical=False)
    for seed in range(5):
        given = body | {"model": MODEL, "options": {"num_ctx": CONTEXT, "seed": seed, "num_predict": 300}}
        reply = httpx.post(f"{ollama.url}/api/chat", json=given, timeout=60, trust_env=False).json()
        written = list(json.loads(reply["message"]["content"]))
        assert written == [name for name in names if name in written]
        assert set(required) <= set(written)
