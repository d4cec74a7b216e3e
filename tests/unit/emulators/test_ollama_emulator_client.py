"""The emulated Ollama as Ollama's own client for Python sees it."""

import json
from collections.abc import Iterator

import jsonschema
import ollama
import pytest

from tests.emulators.ollama import Fault, Kind, Model, Ollama, Speed
from tests.support.ollama import CLOUD, THINKER, emulated, ollama_process

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["pass", "fail"]}, "reason": {"type": "string"}},
    "required": ["verdict", "reason"],
}
HELLO = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Is it so?"}]


@pytest.fixture
def server() -> Iterator[Ollama]:
    with emulated(
        Model(),
        THINKER,
        CLOUD,
        speed=Speed(load_s=0.2, prompt_per_s=20_000, reply_per_s=2_000),
        library=[Model(name="phi4-mini:3.8b", size=10_000)],
    ) as running:
        yield running


@pytest.fixture
def client(server: Ollama) -> Iterator[ollama.Client]:
    with ollama.Client(server.url, timeout=20, trust_env=False) as open_client:
        yield open_client


def test_chat_fits_the_schema_and_is_the_same_for_the_same_prompt(client: ollama.Client) -> None:
    one, two = [client.chat("llama3.2:3b", HELLO, format=SCHEMA) for _ in range(2)]
    assert one.message.content == two.message.content
    jsonschema.validate(json.loads(one.message.content or ""), SCHEMA)
    assert (one.done, one.done_reason) == (True, "stop")


def test_durations_are_what_happened(client: ollama.Client) -> None:
    cold, warm = [client.chat("llama3.2:3b", HELLO) for _ in range(2)]
    assert (cold.load_duration or 0) >= 200_000_000 > (warm.load_duration or 0) > 0
    for reply in (cold, warm):
        parts = (reply.load_duration or 0) + (reply.prompt_eval_duration or 0) + (reply.eval_duration or 0)
        assert parts <= (reply.total_duration or 0)
        assert (reply.eval_duration or 0) >= ((reply.eval_count or 0) - 1) / 2_000 * 1e9


def test_streamed_chat_says_the_same_as_the_whole_one(client: ollama.Client) -> None:
    whole = client.chat("llama3.2:3b", HELLO)
    parts = list(client.chat("llama3.2:3b", HELLO, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == whole.eval_count


def test_generate_answers_like_chat(client: ollama.Client) -> None:
    chat = client.chat("llama3.2:3b", HELLO, format=SCHEMA)
    generated = client.generate("llama3.2:3b", "Is it so?", system="You judge.", format=SCHEMA)
    assert generated.response == chat.message.content
    streamed = client.generate("llama3.2:3b", "Is it so?", system="You judge.", format=SCHEMA, stream=True)
    assert "".join(part.response or "" for part in streamed) == generated.response


def test_models_are_listed_with_digest_and_shown_with_their_trained_context(
    client: ollama.Client, server: Ollama
) -> None:
    assert {each.model: each.digest for each in client.list().models} == {
        each.name: each.digest for each in (Model(), THINKER, CLOUD)
    }
    shown = client.show("qwen3:4b")
    assert (shown.modelinfo or {})["qwen3.context_length"] == 40_960
    assert shown.capabilities == ["completion", "thinking"]


def test_a_cloud_model_is_told_by_its_host(server: Ollama, client: ollama.Client) -> None:
    raw = client._client.get("/api/tags").json()["models"][2]
    assert (raw["remote_host"], raw["remote_model"]) == ("https://ollama.com:443", "gpt-oss:120b")
    assert (
        client._client.post("/api/show", json={"model": CLOUD.name}).json()["remote_model"] == "gpt-oss:120b"
    )


def test_ps_tells_what_is_loaded_with_which_context_and_until_when(client: ollama.Client) -> None:
    assert client.ps().models == []
    client.chat("llama3.2:3b", HELLO, options={"num_ctx": 2048}, keep_alive="30m")
    (entry,) = client.ps().models
    assert (entry.model, entry.context_length, entry.digest) == ("llama3.2:3b", 2048, Model().digest)
    tags = next(each for each in client.list().models if each.model == "llama3.2:3b")
    assert tags.modified_at and entry.expires_at and entry.expires_at > tags.modified_at


def test_pull_tells_progress_and_brings_the_model(client: ollama.Client) -> None:
    lines = list(client.pull("phi4-mini:3.8b", stream=True))
    first = next(line for line in lines if line.digest)
    assert (first.completed, first.total) == (None, 8_500)
    completed = [
        line.completed for line in lines if line.digest == first.digest and line.completed is not None
    ]
    assert completed == sorted(completed) and completed[-1] == 8_500
    assert lines[-1].status == "success"
    assert client.chat("phi4-mini:3.8b", HELLO).done


def test_pull_goes_on_where_it_broke_off(server: Ollama, client: ollama.Client) -> None:
    server.plan(Fault(kind=Kind.ERROR_LINE, paths=["/api/pull"], pieces=5, text="unexpected EOF"))
    with pytest.raises(ollama.ResponseError, match="unexpected EOF"):
        list(client.pull("phi4-mini:3.8b", stream=True))
    lines = list(client.pull("phi4-mini:3.8b", stream=True))
    assert next(line.completed for line in lines if line.completed) == 6 * 425


def test_pull_of_what_nobody_has_is_an_error_in_a_stream_of_status_200(client: ollama.Client) -> None:
    stream = client.pull("no-such", stream=True)
    assert next(stream).status == "pulling manifest"
    with pytest.raises(ollama.ResponseError, match="file does not exist") as caught:
        next(stream)
    assert caught.value.status_code == -1


def test_thinking_is_on_unless_it_is_switched_off(client: ollama.Client) -> None:
    thought = client.chat("qwen3:4b", HELLO, format=SCHEMA)
    silent = client.chat("qwen3:4b", HELLO, format=SCHEMA, think=False)
    assert thought.message.thinking and not silent.message.thinking
    assert thought.message.content == silent.message.content
    assert (thought.eval_count or 0) > (silent.eval_count or 0)


def test_errors_have_their_status(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as missing:
        client.chat("nope", HELLO)
    with pytest.raises(ollama.ResponseError, match="does not support thinking") as thinking:
        client.chat("llama3.2:3b", HELLO, think=True)
    assert (missing.value.status_code, thinking.value.status_code) == (404, 400)


def test_a_stopped_server_refuses_connections_and_may_come_back(
    server: Ollama, client: ollama.Client
) -> None:
    address = server.url
    server.stop()
    with pytest.raises(ConnectionError):
        client.list()
    server.start()
    assert server.url == address
    assert client.list().models


def test_a_process_of_its_own_prints_its_address_and_tells_its_counts() -> None:
    arguments = ["--slots", "2", "--model", "llama3.2:1b", "--answer", "tests.support.ollama:always_yes"]
    with ollama_process(*arguments) as address, ollama.Client(address, timeout=20, trust_env=False) as client:
        assert client.chat("llama3.2:1b", HELLO).message.content == "yes"
        counts = client._client.get("/emulator/counts").json()
    assert (counts["requests"], counts["answered"], counts["loads"]) == (1, 1, 1)
