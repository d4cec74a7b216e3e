"""What the emulated Ollama does to a prompt that is too long: the real one's three steps, by version and model."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.emulators.ollama import Model, Ollama
from tests.emulators.ollama.tokens import rendered, shared_tokens, tokens_of
from tests.support.ollama import THINKER, emulated

LONG = "word " * 3000


def post(server: Ollama, *, model: str = "llama3.2:3b", **fields: Any) -> httpx.Response:
    body = {"model": model, "stream": False, "messages": [{"role": "user", "content": LONG}]} | fields
    return httpx.post(f"{server.url}/api/chat", json=body, timeout=20, trust_env=False)


@pytest.fixture
def server() -> Iterator[Ollama]:
    with emulated(Model(trained_context=8192), THINKER) as running:
        yield running


@pytest.mark.parametrize(("context", "left"), [(4096, 2050), (2048, 1026), (1024, 514)])
def test_by_default_half_of_the_context_is_left_of_it_and_nothing_is_said(
    server: Ollama, context: int, left: int
) -> None:
    reply = post(server, messages=[{"role": "user", "content": LONG * 2}], options={"num_ctx": context})
    assert (reply.status_code, reply.json()["prompt_eval_count"]) == (200, left)
    assert server.requests[-1].was_cut


def test_a_prompt_that_fits_is_left_alone(server: Ollama) -> None:
    messages = [{"role": "user", "content": LONG}]
    reply = post(server, messages=messages).json()
    assert reply["prompt_eval_count"] == len(tokens_of(rendered(messages)))
    assert not server.requests[-1].was_cut


def test_before_0_30_all_of_the_context_is_left() -> None:
    with emulated(version="0.20.1") as server:
        assert post(server, options={"num_ctx": 2048}).json()["prompt_eval_count"] == 2048


def test_without_truncation_the_engines_refusal_names_prompt_and_context(server: Ollama) -> None:
    reply = post(server, truncate=False, options={"num_ctx": 1024})
    inner = json.loads(reply.json()["error"])["error"]
    assert reply.status_code == inner["code"] == 400
    assert inner["n_ctx"] == 1024 < inner["n_prompt_tokens"]
    assert inner["message"].startswith(
        f"request ({inner['n_prompt_tokens']} tokens) exceeds the available context"
    )


def test_without_a_shift_nothing_is_cut(server: Ollama) -> None:
    reply = post(server, shift=False, options={"num_ctx": 1024})
    assert (reply.status_code, "longer than the context length" in reply.json()["error"]) == (400, True)


def test_a_model_with_its_own_template_refuses_a_message_that_is_too_long(server: Ollama) -> None:
    reply = post(server, model=THINKER.name, options={"num_ctx": 1024})
    assert (reply.status_code, "exceed_context_size_error" in reply.json()["error"]) == (400, True)


def test_a_server_that_does_not_know_truncate_cuts_all_the_same() -> None:
    with emulated(version="0.11.0") as server:
        reply = post(server, truncate=False, options={"num_ctx": 1024})
        assert reply.json()["prompt_eval_count"] == 1024
        assert server.requests[-1].unknown == ["truncate"]


@pytest.mark.parametrize("model", ["llama3.2:3b", THINKER.name])
def test_the_oldest_messages_go_before_the_last_is_cut_and_system_stays(server: Ollama, model: str) -> None:
    system = {"role": "system", "content": "Judge."}
    old = [{"role": "user", "content": LONG}, {"role": "assistant", "content": "old"}]
    last = {"role": "user", "content": "new"}
    reply = post(server, model=model, messages=[system, *old, last], options={"num_ctx": 1024})
    kept = [system, old[1], last]
    assert reply.json()["prompt_eval_count"] == len(tokens_of(rendered(kept)))


def test_a_context_above_the_trained_one_is_clamped(server: Ollama) -> None:
    post(server, options={"num_ctx": 100_000})
    post(server, options={"num_ctx": 8192})
    told = httpx.get(f"{server.url}/api/ps", trust_env=False).json()["models"][0]
    assert told["context_length"] == 8192
    assert len(server.loads) == 1


def test_the_compatible_endpoint_takes_no_context_and_loads_again_for_its_own() -> None:
    with emulated(context=2048) as server:
        post(server, options={"num_ctx": 8192})
        body = {
            "model": "llama3.2:3b",
            "messages": [{"role": "user", "content": LONG}],
            "options": {"num_ctx": 8192},
        }
        reply = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=20, trust_env=False).json()
        assert reply["usage"]["prompt_tokens"] == 1026
        assert [each.options.num_ctx for each in server.loads] == [8192, 2048]
        assert server.requests[-1].unknown == ["options"]


def test_ps_of_an_old_server_does_not_tell_the_context() -> None:
    with emulated(version="0.9.0") as server:
        post(server)
        assert "context_length" not in httpx.get(f"{server.url}/api/ps", trust_env=False).json()["models"][0]


def test_tokens_put_together_are_the_text() -> None:
    text = "Ünïcode — 12345 words,\n\n\tand  spaces: 漢字 and emoji 🙂!"
    assert "".join(tokens_of(text)) == text


@pytest.mark.parametrize(
    ("one", "other", "shared"), [("a b c", "a b c", 3), ("a b c", "a b d", 2), ("x", "y", 0), ("", "a", 0)]
)
def test_shared_tokens_are_counted_from_the_start(one: str, other: str, shared: int) -> None:
    assert shared_tokens(one, other) == shared
