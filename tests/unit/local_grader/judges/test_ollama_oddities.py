"""Whatever answers at the endpoint, only the contract's errors come out, with words that name it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_grader.judge import CannotJudge, JudgeUnavailable, ModelMissing, Prompt, Reply
from local_grader.judges.endpoint import Endpoint
from local_grader.judges.ollama import OllamaJudge
from local_grader.judges.settings import JudgeSettings
from sync.clock import SystemClock
from sync.progress import Silent
from tests.support.answering import Answering, Request, Server, lines, raw, serving, told

PROMPT = Prompt(system="s", user="u", schema={"type": "object"})
DONE = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "eval_duration": 5,
    "prompt_eval_count": 3,
}
TOO_LONG = told({"error": "the prompt is longer than the context length"}, 400)


def usual(asked: Request) -> Answering:
    messages = asked.body["messages"]
    if not messages:
        return lines({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"})
    return (
        TOO_LONG
        if len(messages) == 1
        else lines({"message": {"role": "assistant", "content": "{}"}, "done": False}, DONE)
    )


ANSWERS: Mapping[str, Answering] = {
    "/api/version": told({"version": "0.33.0"}),
    "/api/tags": told({"models": [{"name": "m:latest", "digest": "abc"}]}),
    "/api/show": told({}),
    "/api/ps": told({"models": [{"digest": "abc", "context_length": 512}]}),
    "/api/chat": lambda asked: usual(asked)(asked),
}


@contextmanager
def asking(
    changes: Mapping[str, Answering] | None = None, model: str = "m"
) -> Iterator[tuple[OllamaJudge, Server]]:
    with serving({**ANSWERS, **(changes or {})}) as server:
        patience = JudgeSettings(endpoint=server.url, context=512, timeout_s=2, limit_s=2, load_timeout_s=2)
        judge = OllamaJudge(model, Endpoint.parse(server.url), patience, SystemClock())
        yield judge, server
        judge.close()


def test_a_server_that_tells_only_the_least_will_do() -> None:
    with asking() as (judge, _):
        prepared = judge.prepare(Silent())
        assert prepared.context == 512 and prepared.warnings == ()
        assert judge.ask(PROMPT).text == "{}"


ODD = [
    raw(b"<html>welcome</html>"),
    raw(b"[]"),
    raw(b"7"),
    raw(b""),
    raw(b"[" * 100_000),
    raw(b'{"version": 7, "models": 7}'),
    raw(b'{"models": [7, {"name": 7}]}'),
    raw(b"[]", status=500),
    raw(b"[]", status=404),
    raw(b"gone", status=410),
]


@pytest.mark.parametrize("path", ["/api/version", "/api/tags", "/api/show", "/api/ps"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_answers_before_the_first_sample_are_understood_or_said(path: str, odd: Answering) -> None:
    with asking({path: odd}) as (judge, server):
        try:
            judge.prepare(Silent())
        except JudgeUnavailable as error:
            assert (
                (server.url in str(error) or "model m" in str(error))
                and str(error).endswith(".")
                and error.hint
            )


@pytest.mark.parametrize(
    "odd",
    [
        *ODD[:5],
        raw(b"[]", status=500),
        raw(b'"bad gateway"', status=502),
        lines(7),
        lines([]),
        lines(None),
        lines({"message": "text"}),
        lines({"message": {"role": "assistant", "content": 7}}),
        lines({"done": True}),
        lines({"message": {"role": "assistant", "content": "x"}, "done": True}),
        lines({"message": {"role": "assistant", "content": "x"}, "done": True, "done_reason": "load"}),
        lines({"message": {"role": "assistant", "content": "x"}}, {"error": {"deep": 1}}),
        raw(b'{"message": {"role": "assistant", "content": "x"}}\n\n{"done'),
        raw(b"\xff\xfe\n"),
    ],
)
def test_odd_replies_are_passing_troubles(odd: Answering) -> None:
    with asking() as (judge, server):
        judge.prepare(Silent())
        server.answers["/api/chat"] = odd
        with pytest.raises(CannotJudge) as caught:
            judge.ask(PROMPT)
        assert caught.value.is_passing and not caught.value.is_gone
        assert str(caught.value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
MESSAGES = st.fixed_dictionaries({"role": SCALARS, "content": SCALARS}) | SCALARS
RECORDS = SCALARS | st.fixed_dictionaries(
    {},
    optional={
        "message": MESSAGES,
        "done": SCALARS,
        "done_reason": st.sampled_from(["stop", "length", "", 7, None]),
        "error": SCALARS,
        "prompt_eval_count": SCALARS,
        "eval_duration": SCALARS,
        "load_duration": SCALARS,
    },
)


@settings(max_examples=150)
@given(records=st.lists(RECORDS, max_size=4), tail=st.binary(max_size=12))
def test_nothing_but_the_contracts_errors_comes_out(records: list[object], tail: bytes) -> None:
    body = b"".join(json.dumps(each).encode() + b"\n" for each in records) + tail
    with asking() as (judge, server):
        judge.prepare(Silent())
        server.answers["/api/chat"] = raw(body)
        with suppress(CannotJudge, JudgeUnavailable):
            assert isinstance(judge.ask(PROMPT), Reply)


@pytest.mark.parametrize("ending", ["stop", "length"])
def test_a_reply_that_outgrew_the_context_is_not_used(ending: str) -> None:
    """Ollama drops the beginning of the prompt to go on, and ends as if nothing were."""
    grown = DONE | {"prompt_eval_count": 500, "eval_count": 12, "done_reason": ending}
    with asking() as (judge, server):
        judge.prepare(Silent())
        server.answers["/api/chat"] = lines({"message": {"role": "assistant", "content": "{}"}}, grown)
        with pytest.raises(CannotJudge, match="500 tokens and its reply 12") as caught:
            judge.ask(PROMPT)
    assert caught.value.reason == "prompt too long" and not caught.value.is_passing


def test_a_model_that_was_replaced_while_it_judged_is_noticed_when_it_is_loaded() -> None:
    loaded = DONE | {"load_duration": 3_000_000_000}
    with asking() as (judge, server):
        judge.prepare(Silent())
        server.answers["/api/chat"] = lines({"message": {"role": "assistant", "content": "{}"}}, loaded)
        assert judge.ask(PROMPT).load_s == 3.0
        server.answers["/api/tags"] = told({"models": [{"name": "m:latest", "digest": "another"}]})
        with pytest.raises(JudgeUnavailable, match="replaced"):
            judge.ask(PROMPT)


def test_what_does_not_speak_as_ollama_is_not_taken_for_a_missing_model() -> None:
    missing = {"/api/version": raw(b"not found", status=404)}
    with asking(missing) as (judge, _), pytest.raises(JudgeUnavailable, match="does not know") as caught:
        judge.prepare(Silent())
    assert not isinstance(caught.value, ModelMissing) and "/v1" in caught.value.hint


def test_a_missing_model_is_named_with_the_command_that_fetches_it() -> None:
    with asking(model="qwen3:4b") as (judge, server), pytest.raises(ModelMissing) as caught:
        judge.prepare(Silent())
    assert str(caught.value) == f"Ollama at {server.url} has no model qwen3:4b. It has m:latest."
    assert caught.value.hint == "Fetch it: ollama pull qwen3:4b"


def test_nobody_at_the_endpoint_is_said_as_such() -> None:
    with asking() as (judge, server):
        pass
    judge = OllamaJudge("m", Endpoint.parse(server.url), JudgeSettings(), SystemClock())
    with pytest.raises(JudgeUnavailable) as caught:
        judge.prepare(Silent())
    assert str(caught.value) == f"Ollama does not answer at {server.url}."
    assert caught.value.hint == "Start it (ollama serve), or name another endpoint with --endpoint."
    judge.close()


def test_a_model_that_writes_no_text_is_refused() -> None:
    embedding = {"/api/show": told({"capabilities": ["embedding"]})}
    with asking(embedding) as (judge, _), pytest.raises(JudgeUnavailable, match="writes no text"):
        judge.prepare(Silent())


def test_less_context_than_was_asked_for_is_told() -> None:
    with asking({"/api/ps": told({"models": [{"digest": "abc", "context_length": 300}]})}) as (judge, _):
        prepared = judge.prepare(Silent())
    assert prepared.context == 300
    assert any(re.search("300 tokens of context, not 512", each) for each in prepared.warnings)


def test_a_model_that_always_thinks_is_told_to_think_little() -> None:
    tags = told({"models": [{"name": "m:latest", "digest": "abc", "details": {"family": "gptoss"}}]})
    with asking({"/api/tags": tags, "/api/show": told({"capabilities": ["completion", "thinking"]})}) as (
        judge,
        server,
    ):
        judge.prepare(Silent())
        judge.ask(PROMPT)
        assert server.asked("/api/chat")[-1].body["think"] == "low"
