"""A judge over OpenAI's API keeps the contract, over the API of that kind which the emulated Ollama has, too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from local_grader.judge import CannotJudge, Judge, JudgeUnavailable
from local_grader.judges.endpoint import Endpoint
from local_grader.judges.openai import OpenAIJudge
from sync.clock import SystemClock
from sync.progress import Silent
from tests.contracts.judge_contract import prompt
from tests.contracts.served_judge_contract import MODEL, SILENCE_S, ServedJudgeContract, impatient
from tests.emulators.ollama import Fault, Kind, Model, Ollama
from tests.support.answering import Answering, Server, raw, serving, told


class TestOpenAIJudge(ServedJudgeContract):
    @pytest.fixture
    def another(self, server: Ollama) -> Callable[..., Judge]:
        endpoint = Endpoint.parse(f"{server.url}/v1")
        return lambda **settings: OpenAIJudge(MODEL, endpoint, impatient(**settings), SystemClock())

    @pytest.fixture
    def judge(self, another: Callable[[], Judge]) -> Iterator[Judge]:
        judge = another()
        yield judge
        judge.close()

    def test_a_reply_that_takes_longer_than_the_silence_allowed_is_given_up(
        self, judge: Judge, server: Ollama
    ) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.SLOW, seconds=2 * SILENCE_S))
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.reason == "timed out"

    def test_ollama_is_better_asked_in_its_own_way(self, judge: Judge, server: Ollama) -> None:
        prepared = judge.prepare(Silent())
        told = " ".join(prepared.warnings)
        assert f"{MODEL}@{server.url} " in told and "may cut prompts" in told
        assert prepared.context is None

    def test_ollamas_cloud_is_refused_here_too(self) -> None:
        model = Model(name="qwen3:480b-cloud", remote_host="https://ollama.com:443")
        with Ollama(model) as server:
            judge = OpenAIJudge(model.name, Endpoint.parse(f"{server.url}/v1"), impatient(), SystemClock())
            with pytest.raises(JudgeUnavailable, match="cloud"):
                judge.look()
            judge.close()


SCHEMA_REPLY = {
    "choices": [
        {"finish_reason": "stop", "message": {"role": "assistant", "content": '{"verdict": "pass"}'}}
    ],
    "usage": {"prompt_tokens": 40, "completion_tokens": 9},
    "timings": {"prompt_ms": 200.0, "predicted_ms": 300.0},
}
TOO_LONG = {
    "error": {
        "code": 400,
        "message": "request (9 tokens) exceeds the available context size (8 tokens), try increasing it",
    }
}
LLAMA = {
    "/v1/models": told(
        {
            "data": [
                {
                    "id": "qwen3:4b",
                    "owned_by": "llamacpp",
                    "meta": {"n_params": 4022468096, "size": 2489319424},
                }
            ]
        }
    ),
    "/props": told({"build_info": "b8681", "default_generation_settings": {"n_ctx": 1024}}),
}


def chat(reply: object, overlong: Answering) -> Answering:
    """A server that answers what fits, and gives ``overlong`` to what does not."""
    return lambda asked: (overlong if len(asked.body["messages"]) == 1 else told(reply))(asked)


@contextmanager
def asking(answers: Mapping[str, Answering], model: str = "qwen3:4b") -> Iterator[tuple[OpenAIJudge, Server]]:
    with serving(answers) as server:
        judge = OpenAIJudge(model, Endpoint.parse(f"{server.url}/v1"), impatient(), SystemClock())
        yield judge, server
        judge.close()


def test_llama_cpp_tells_its_context_and_refuses_what_is_too_long() -> None:
    answers = LLAMA | {"/v1/chat/completions": chat(SCHEMA_REPLY, told(TOO_LONG, 400))}
    with asking(answers) as (judge, server):
        prepared = judge.prepare(Silent())
        reply = judge.ask(prompt())
        assert prepared.context == 1024
        assert not any("may cut" in each for each in prepared.warnings)
        assert prepared.identity.server == "llama.cpp b8681"
        assert prepared.identity.digest == "qwen3:4b-4022468096-2489319424"
        assert (reply.prompt_tokens, reply.reply_tokens, reply.served_s) == (40, 9, 0.5)
        sent = server.asked("/v1/chat/completions")[-1]
        assert sent.body["response_format"]["json_schema"]["schema"] == dict(prompt().schema)
        assert sent.body["chat_template_kwargs"] == {"enable_thinking": False}
        assert (sent.body["temperature"], sent.body["max_tokens"], sent.body["seed"]) == (0, 100, 0)
        assert "authorization" not in sent.headers


@pytest.mark.parametrize("count", [1020, 514])
def test_a_prompt_that_looks_cut_is_not_judged_where_the_server_may_cut(count: int) -> None:
    reply = SCHEMA_REPLY | {"usage": {"prompt_tokens": count, "completion_tokens": 9}}
    with asking(LLAMA | {"/v1/chat/completions": told(reply)}) as (judge, _):
        assert any("may cut" in each for each in judge.prepare(Silent()).warnings)
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.reason == "prompt was cut"


def test_vllm_tells_its_context_with_its_model() -> None:
    answers = {
        "/v1/models": told({"data": [{"id": "big/model", "owned_by": "vllm", "max_model_len": 4096}]}),
        "/version": told({"version": "0.20.1"}),
        "/v1/chat/completions": chat(SCHEMA_REPLY, told(TOO_LONG, 400)),
    }
    with asking(answers, "big/model") as (judge, _):
        assert judge.prepare(Silent()).context == 4096
        assert judge.look().identity.server == "vLLM 0.20.1"


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"choices": []},
        {"choices": [7]},
        {"choices": [{"finish_reason": "stop", "message": None}]},
        {"choices": [{"finish_reason": "stop", "message": {"content": None}}]},
        {"choices": [{"finish_reason": "content_filter", "message": {"content": "x"}}]},
        {"choices": [{"finish_reason": None, "message": {"content": "x"}}]},
        [1, 2],
        "text",
    ],
)
def test_what_is_no_whole_reply_is_never_taken_for_one(reply: object) -> None:
    answers = {"/v1/models": told({"data": [{"id": "m"}]}), "/v1/chat/completions": told(reply)}
    with asking(answers, "m") as (judge, _):
        judge.prepare(Silent())
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.is_passing


@pytest.mark.parametrize(
    "models", [told({"data": {}}), told([]), raw(b"<html>"), raw(b"["), raw(b"\xff\xfe")]
)
def test_what_is_no_such_server_is_said(models: Answering) -> None:
    with asking({"/v1/models": models}) as (judge, _), pytest.raises(JudgeUnavailable, match="is not"):
        judge.prepare(Silent())


def test_a_reply_that_outgrew_the_context_is_not_used() -> None:
    reply = SCHEMA_REPLY | {"usage": {"prompt_tokens": 1000, "completion_tokens": 24}}
    with asking(LLAMA | {"/v1/chat/completions": chat(reply, told(TOO_LONG, 400))}) as (judge, _):
        judge.prepare(Silent())
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.reason == "prompt too long"


def test_fewer_tokens_than_words_are_no_whole_prompt_where_nobody_tells_the_context() -> None:
    reply = SCHEMA_REPLY | {"usage": {"prompt_tokens": 2050, "completion_tokens": 9}}
    answers = {"/v1/models": told({"data": [{"id": "m"}]}), "/v1/chat/completions": told(reply)}
    with asking(answers, "m") as (judge, _):
        judge.prepare(Silent())
        assert judge.ask(prompt())
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt("some words " * 1500))
        assert caught.value.reason == "prompt was cut"


def test_one_name_on_two_servers_may_be_two_models() -> None:
    answers = {"/v1/models": told({"data": [{"id": "m"}]}), "/v1/chat/completions": told(SCHEMA_REPLY)}
    with asking(answers, "m") as (first, _), asking(answers, "m") as (second, _):
        assert first.look().identity.sha256() != second.look().identity.sha256()
