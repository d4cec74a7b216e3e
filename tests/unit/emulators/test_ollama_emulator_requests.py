"""What the emulated Ollama refuses, what it overlooks, and what it keeps of a request."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from tests.emulators.ollama import Asked, Model, Ollama
from tests.support.ollama import CLOUD, THINKER, emulated

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["pass", "fail"]},
        "reason": {"type": "string", "maxLength": 20},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "minItems": 2, "maxItems": 2},
        "note": {"type": ["string", "null"]},
    },
    "required": ["verdict", "reason", "parts"],
    "$defs": {
        "part": {
            "type": "object",
            "properties": {
                "met": {"type": "boolean"},
                "points": {"type": "integer", "minimum": 1, "maximum": 5},
            },
            "required": ["met", "points"],
        }
    },
}


def post(server: Ollama, path: str = "/api/chat", **fields: Any) -> httpx.Response:
    messages = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Is it so?"}]
    body = {"model": "llama3.2:3b", "stream": False, "messages": messages} | fields
    return httpx.post(f"{server.url}{path}", json=body, timeout=20, trust_env=False)


@pytest.fixture
def server() -> Iterator[Ollama]:
    with emulated(Model(), THINKER, CLOUD) as running:
        yield running


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": ""}, "model is required"),
        ({"model": 3}, "cannot unmarshal"),
        ({"messages": "hello"}, "cannot unmarshal"),
        ({"messages": [{"role": "judge", "content": ""}]}, "invalid role"),
        ({"messages": [{"role": "user", "content": 5}]}, "cannot unmarshal"),
        ({"options": []}, "cannot unmarshal"),
        ({"options": {"num_ctx": "4096"}}, 'option "num_ctx" must be of type integer'),
        ({"options": {"temperature": "low"}}, 'option "temperature" must be of type float32'),
        ({"stream": "yes"}, "cannot unmarshal"),
        ({"truncate": "false"}, "cannot unmarshal"),
        ({"keep_alive": "soon"}, "invalid duration"),
        ({"think": "much"}, "invalid think value"),
        ({"think": True}, "does not support thinking"),
        ({"top_logprobs": 21}, "between 0 and 20"),
        ({"format": "yaml"}, "invalid format"),
        ({"format": {"type": "sentence"}}, "JSON schema conversion failed"),
    ],
)
def test_a_wrong_request_is_refused_with_400(server: Ollama, fields: dict[str, Any], says: str) -> None:
    reply = post(server, **fields)
    assert (reply.status_code, says in reply.json()["error"]) == (400, True)
    assert (server.requests[-1].outcome, server.loads) == ("refused", [])


def test_no_json_is_refused_with_400(server: Ollama) -> None:
    assert httpx.post(f"{server.url}/api/chat", content=b"{", trust_env=False).status_code == 400


def test_what_ollama_overlooks_is_noted(server: Ollama) -> None:
    reply = post(server, temperature=0, options={"temprature": 0, "seed": 1})
    assert reply.status_code == 200
    assert server.requests[-1].unknown == ["temperature", "options.temprature"]


def test_a_missing_model_is_404_in_the_words_of_each_endpoint(server: Ollama) -> None:
    native, compatible = post(server, model="nope"), post(server, "/v1/chat/completions", model="nope")
    assert (native.status_code, native.json()) == (404, {"error": "model 'nope' not found"})
    assert (compatible.status_code, compatible.json()["error"]["message"]) == (404, "model 'nope' not found")
    shown = httpx.post(f"{server.url}/api/show", json={"model": "nope"}, trust_env=False)
    assert shown.status_code == 404


def test_a_name_without_a_tag_is_latest() -> None:
    with emulated(Model(name="llama3.2:latest")) as server:
        assert post(server, model="llama3.2").status_code == 200


def test_a_foreign_host_and_a_cloud_that_is_off_are_403() -> None:
    with emulated(Model(), CLOUD, no_cloud=True) as server:
        foreign = httpx.get(f"{server.url}/api/tags", headers={"Host": "example.org"}, trust_env=False)
        cloud = post(server, model=CLOUD.name)
        assert (foreign.status_code, cloud.status_code) == (403, 403)
        assert cloud.json()["error"].startswith("ollama cloud is disabled")


def test_a_cloud_model_says_where_it_ran(server: Ollama) -> None:
    assert post(server, model=CLOUD.name).json()["remote_host"] == CLOUD.remote_host


@pytest.mark.parametrize("path", ["/api/embeddings", "/nothing"])
def test_what_is_not_emulated_is_not_there(server: Ollama, path: str) -> None:
    assert post(server, path).status_code == 404


def test_keys_come_in_the_given_order_or_alphabetically_required_ones_first(server: Ollama) -> None:
    given = json.loads(post(server, format=SCHEMA).json()["message"]["content"])
    by_name = json.loads(
        post(server, model=THINKER.name, think=False, format=SCHEMA).json()["message"]["content"]
    )
    assert list(given) == ["verdict", "reason", "parts", "note"]
    assert list(by_name) == ["parts", "reason", "verdict", "note"]
    for value in (given, by_name):
        jsonschema.validate(value, SCHEMA)


def test_an_answer_that_fits_is_put_in_the_order_of_the_grammar() -> None:
    said = {"verdict": "pass", "reason": "so", "parts": [{"points": 1, "met": True}] * 2}
    with emulated(Model(native=True), answer=lambda asked: json.dumps(said)) as server:
        content = post(server, format=SCHEMA).json()["message"]["content"]
        assert content.index("parts") < content.index("reason") < content.index("verdict")
        assert content.index("met") < content.index("points")


@pytest.mark.parametrize("number", range(20))
def test_made_up_json_fits_its_schema(server: Ollama, number: int) -> None:
    reply = post(server, messages=[{"role": "user", "content": f"sample {number}"}], format=SCHEMA)
    jsonschema.validate(json.loads(reply.json()["message"]["content"]), SCHEMA)


def test_the_answer_sees_what_was_asked() -> None:
    seen: list[Asked] = []
    with emulated(answer=lambda asked: seen.append(asked) or "done") as server:  # type: ignore[func-returns-value]
        post(server, format=SCHEMA, options={"seed": 7})
        (asked,) = seen
        assert (asked.system, asked.user, asked.seed, asked.schema) == ("You judge.", "Is it so?", 7, SCHEMA)
        assert server.requests == seen
        assert (asked.outcome, asked.reply, asked.status) == ("answered", "done", 200)


def test_num_predict_ends_a_reply_with_length(server: Ollama) -> None:
    reply = post(server, format=SCHEMA, options={"num_predict": 5}).json()
    assert (reply["done"], reply["done_reason"], reply["eval_count"]) == (True, "length", 5)


def test_thoughts_eat_what_num_predict_allows(server: Ollama) -> None:
    reply = post(server, model=THINKER.name, format=SCHEMA, options={"num_predict": 10}).json()
    assert (reply["done_reason"], reply["message"]["content"]) == ("length", "")


def test_a_full_context_without_shift_ends_a_reply_with_length() -> None:
    with emulated(answer=lambda asked: "word and " * 50) as server:
        reply = post(server, shift=False, options={"num_ctx": 40}).json()
        assert reply["done_reason"] == "length"
        assert reply["prompt_eval_count"] + reply["eval_count"] == 40


def test_the_compatible_endpoint_takes_schema_limit_and_effort(server: Ollama) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA}}
    path = "/v1/chat/completions"
    whole = post(server, path, response_format=form).json()
    jsonschema.validate(json.loads(whole["choices"][0]["message"]["content"]), SCHEMA)
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert post(server, path, max_tokens=3).json()["choices"][0]["finish_reason"] == "length"
    thought = post(server, path, model=THINKER.name).json()["choices"][0]["message"]
    silent = post(server, path, model=THINKER.name, reasoning_effort="none").json()["choices"][0]["message"]
    assert "reasoning" in thought and "reasoning" not in silent


def test_the_compatible_endpoint_streams_events(server: Ollama) -> None:
    reply = post(server, "/v1/chat/completions", stream=True, stream_options={"include_usage": True})
    lines = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    assert json.loads(lines[-2])["usage"]["completion_tokens"] == len(lines) - 1


def test_logprobs_are_told_for_each_token_since_0_12_11(server: Ollama) -> None:
    reply = post(server, logprobs=True, top_logprobs=5).json()
    assert len(reply["logprobs"]) == reply["eval_count"] - 1
    assert len(reply["logprobs"][0]["top_logprobs"]) == 5
    with emulated(version="0.12.4") as old:
        assert "logprobs" not in post(old, logprobs=True).json()
