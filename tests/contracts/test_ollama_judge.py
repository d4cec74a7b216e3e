"""A judge that Ollama runs keeps the contract, and asks as Ollama must be asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from local_grader.judge import CannotJudge, Judge, JudgeUnavailable, Prepared, Prompt
from local_grader.judges.endpoint import Endpoint
from local_grader.judges.ollama import OllamaJudge
from sync.clock import SystemClock
from sync.progress import Silent
from tests.contracts.judge_contract import SCHEMA, prompt
from tests.contracts.served_judge_contract import MODEL, SILENCE_S, ServedJudgeContract, impatient
from tests.emulators.ollama import Fault, Kind, Model, Ollama, Speed


def judge_of(server: Ollama, model: str = MODEL, **settings: Any) -> OllamaJudge:
    return OllamaJudge(model, Endpoint.parse(server.url), impatient(**settings), SystemClock())


@contextmanager
def prepared(server: Ollama, model: str = MODEL) -> Iterator[tuple[OllamaJudge, Prepared]]:
    with server:
        judge = judge_of(server, model)
        try:
            yield judge, judge.prepare(Silent())
        finally:
            judge.close()


def long(tokens: int) -> Prompt:
    words = " ".join(f"word{index}" for index in range(tokens))
    return Prompt(system="You judge answers.", user=words, schema=SCHEMA)


class TestOllamaJudge(ServedJudgeContract):
    @pytest.fixture
    def another(self, server: Ollama) -> Callable[..., Judge]:
        return lambda **settings: judge_of(server, **settings)

    @pytest.fixture
    def judge(self, another: Callable[[], Judge]) -> Iterator[Judge]:
        judge = another()
        yield judge
        judge.close()

    def test_a_slow_stream_is_waited_for(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.SLOW, seconds=0.04))
        served_s = judge.ask(prompt()).served_s
        assert served_s is not None and served_s > SILENCE_S

    def test_a_model_that_says_a_little_for_ever_is_given_up(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.SLOW, seconds=0.4))
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.reason == "timed out"

    def test_the_model_is_loaded_once_and_let_go_of_at_the_end(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        for attempt in range(5):
            assert judge.ask(prompt(), attempt).load_s == 0.0
        judge.prepare(Silent())
        assert len(server.loads) == 1
        assert server.resident == [MODEL]
        judge.close()
        assert server.resident == []

    def test_a_model_that_was_loaded_in_vain_is_let_go_of_too(self, judge: Judge, server: Ollama) -> None:
        server.plan(Fault(kind=Kind.STATUS, status=500, text="boom", skip=1))
        with pytest.raises(JudgeUnavailable, match="boom"):
            judge.prepare(Silent())
        assert server.resident == [MODEL]
        judge.close()
        assert server.resident == []

    def test_a_model_that_others_had_loaded_stays_for_them(
        self, judge: Judge, another: Callable[[], Judge], server: Ollama
    ) -> None:
        judge.prepare(Silent())
        guest = another()
        guest.prepare(Silent())
        guest.close()
        assert server.resident == [MODEL]
        assert len(server.loads) == 1

    def test_every_request_forbids_cutting_and_fixes_what_decides(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        judge.ask(prompt())
        asked = server.requests[-1]
        assert asked.truncate is False and asked.stream
        assert dict(asked.options) == {"num_ctx": 512, "num_predict": 100, "seed": 0, "temperature": 0}
        assert asked.schema == SCHEMA
        assert asked.keep_alive_s == 1800
        assert asked.unknown == () or list(asked.unknown) == []
        assert "think" not in asked.body

    def test_a_prompt_that_is_too_long_is_refused_for_good(self, judge: Judge) -> None:
        judge.prepare(Silent())
        with pytest.raises(CannotJudge) as caught:
            judge.ask(long(2000))
        assert caught.value.reason == "prompt too long" and not caught.value.is_passing


def test_a_model_that_can_think_is_told_not_to() -> None:
    with prepared(server := Ollama(Model(name="qwen3:4b", thinking=True)), "qwen3:4b") as (judge, told):
        judge.ask(prompt())
        assert server.requests[-1].body["think"] is False
        assert told.identity.options["think"] is False


def test_a_name_without_a_tag_means_the_latest() -> None:
    with prepared(Ollama(Model(name="phi4-mini:latest")), "phi4-mini") as (judge, _):
        assert judge.ask(prompt()).text


@pytest.mark.parametrize("version", ["0.12.3", "0.11.0"])
def test_a_server_that_cuts_prompts_is_told_of_and_found_out(version: str) -> None:
    with prepared(Ollama(version=version)) as (judge, told):
        assert any("older than 0.12.11" in each for each in told.warnings)
        assert any("cuts prompts" in each for each in told.warnings) and not told.refuses_overlong
        assert judge.ask(prompt()).text
        with pytest.raises(CannotJudge) as caught:
            judge.ask(long(2000))
        assert caught.value.reason == "prompt was cut" and not caught.value.is_passing


def test_a_server_that_does_all_that_is_needed_gets_no_warning_about_it() -> None:
    with prepared(Ollama(Model(name="qwen3:4b")), "qwen3:4b") as (_, told):
        assert [each for each in told.warnings if "Ollama" in each] == []
        assert told.refuses_overlong


@pytest.mark.parametrize("version", ["0.4.7", "0.1.30"])
def test_a_server_that_knows_no_schema_is_refused(version: str) -> None:
    with pytest.raises(JudgeUnavailable, match=version) as caught, prepared(Ollama(version=version)):
        pass
    assert "0.12.11" in caught.value.hint


@pytest.mark.parametrize(
    "model",
    [
        Model(name="gpt-oss:120b-cloud", remote_host="https://ollama.com:443"),
        Model(name="renamed:latest", remote_host="https://ollama.com:443"),
        Model(name="any:cloud"),
    ],
)
def test_a_model_in_the_cloud_is_refused_before_anything_is_sent(model: Model) -> None:
    server = Ollama(model)
    with (
        pytest.raises(JudgeUnavailable, match="nothing may leave this machine"),
        prepared(server, model.name),
    ):
        pass
    assert server.requests == []


def test_the_context_is_no_longer_than_the_model_was_trained_for() -> None:
    with prepared(server := Ollama(Model(trained_context=300))) as (_, told):
        assert told.context == 300
        assert any("300 tokens" in each for each in told.warnings)
        assert told.identity.options["num_ctx"] == 300
        assert server.requests[-1].options["num_ctx"] == 300


def test_a_reload_is_told_by_its_seconds() -> None:
    with prepared(server := Ollama(speed=Speed(load_s=0.4))) as (judge, _):
        assert judge.ask(prompt()).load_s == 0.0
        server.plan(Fault(kind=Kind.RUNNER_DIED))
        with pytest.raises(CannotJudge):
            judge.ask(prompt())
        reply = judge.ask(prompt())
        assert reply.load_s is not None and reply.load_s >= 0.4
        assert reply.served_s is not None and reply.served_s >= reply.load_s


def test_a_model_that_cannot_be_loaded_is_said_with_the_servers_words() -> None:
    words = "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"
    server = Ollama(faults=[Fault(kind=Kind.STATUS, status=500, text=words)])
    with pytest.raises(JudgeUnavailable, match="requires more system memory") as caught, prepared(server):
        pass
    assert "smaller" in caught.value.hint


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Ollama(version="0.4.7"), "0.4.7"),
        (Ollama(Model(name="other:1b")), "has no model"),
        (Ollama(Model(name=MODEL, remote_host="https://ollama.com:443")), "nothing may leave"),
    ],
)
def test_what_can_never_judge_is_refused_at_a_look(server: Ollama, why: str) -> None:
    with server:
        judge = judge_of(server)
        with pytest.raises(JudgeUnavailable, match=why):
            judge.look()
        judge.close()
        assert server.requests == [] and server.loads == []


def test_a_model_that_was_replaced_meanwhile_is_not_asked_on() -> None:
    with prepared(server := Ollama(Model())) as (judge, told):
        server.stop()
        again = Ollama(Model(weights="newer"), port=int(server.url.rpartition(":")[2]))
        with again, pytest.raises(JudgeUnavailable, match="was replaced"):
            judge.prepare(Silent())
        with server:
            assert judge.look().identity == told.identity


def test_the_identity_tells_what_decides() -> None:
    with prepared(Ollama(Model(), version="0.31.0")) as (_, told):
        one = told.identity
    with prepared(Ollama(Model(), version="0.33.0")) as (_, told):
        other = told.identity
    with prepared(Ollama(Model(weights="newer"))) as (_, told):
        newer = told.identity
    assert one.server == "Ollama 0.31.0" and one.digest == Model().digest
    assert one.sha256() == other.sha256() != newer.sha256()
    assert replace(one, options={**one.options, "num_ctx": 99}).sha256() != one.sha256()
