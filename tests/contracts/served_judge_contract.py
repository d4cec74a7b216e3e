"""What is promised of a judge behind a server, whatever goes wrong there: run against each, over the emulated Ollama.

A subclass supplies the fixture ``judge`` of ``JudgeContract``, which asks ``server`` and waits for it as
``impatient`` says.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from local_grader.judge import CannotJudge, Judge, JudgeUnavailable, ModelMissing
from local_grader.judges import JudgeSettings
from sync.progress import Silent
from tests.contracts.judge_contract import JudgeContract, is_sentence, prompt
from tests.emulators.ollama import Fault, Kind, Model, Ollama

MODEL = "llama3.2:3b"
SILENCE_S = 0.6


def impatient(timeout_s: float = SILENCE_S, limit_s: float = 2.0) -> JudgeSettings:
    return JudgeSettings(
        context=512, reply_tokens=100, timeout_s=timeout_s, limit_s=limit_s, load_timeout_s=5.0
    )


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """``fault`` strikes one request; the error has that ``reason``, and says ``kind`` of itself."""

    fault: Fault
    reason: str
    kind: str = "passing"  # or "permanent", or "busy"


TROUBLES = {
    "bad request": Trouble(
        fault=Fault(kind=Kind.STATUS, status=400, text="invalid format"),
        reason="request refused",
        kind="permanent",
    ),
    "too long": Trouble(
        fault=Fault(
            kind=Kind.STATUS,
            status=400,
            text="the prompt is longer than the context length currently available",
        ),
        reason="prompt too long",
        kind="permanent",
    ),
    "failed": Trouble(fault=Fault(kind=Kind.STATUS, status=500, text="boom"), reason="server failed"),
    "odd status": Trouble(
        fault=Fault(kind=Kind.STATUS, status=502, text="<html>Bad"), reason="server failed"
    ),
    "busy": Trouble(
        fault=Fault(kind=Kind.STATUS, status=503, text="server busy"), reason="server busy", kind="busy"
    ),
    "silent": Trouble(fault=Fault(kind=Kind.STALLED), reason="timed out"),
    "silent in the middle": Trouble(fault=Fault(kind=Kind.STALLED, pieces=3), reason="timed out"),
    "unfinished": Trouble(fault=Fault(kind=Kind.UNFINISHED, pieces=3), reason="reply was broken off"),
    "cut": Trouble(fault=Fault(kind=Kind.CUT, pieces=3), reason="reply cut off", kind="permanent"),
    "error line": Trouble(fault=Fault(kind=Kind.ERROR_LINE, pieces=3, text="ouch"), reason="server failed"),
    "hung up": Trouble(fault=Fault(kind=Kind.HANG_UP), reason="reply was broken off"),
    "hung up in the middle": Trouble(fault=Fault(kind=Kind.HANG_UP, pieces=3), reason="reply was broken off"),
    "runner died": Trouble(fault=Fault(kind=Kind.RUNNER_DIED, pieces=3), reason="server failed"),
}


class ServedJudgeContract(JudgeContract):
    @pytest.fixture
    def server(self) -> Iterator[Ollama]:
        with Ollama() as server:
            yield server

    def test_a_look_loads_nothing_and_asks_the_model_nothing(self, judge: Judge, server: Ollama) -> None:
        judge.look()
        judge.look()
        judge.close()
        assert (server.requests, server.loads, server.resident) == ([], [], [])

    @pytest.mark.parametrize("name", TROUBLES)
    def test_a_request_that_fails_says_why_and_whether_it_is_worth_another(
        self, name: str, judge: Judge, server: Ollama
    ) -> None:
        trouble = TROUBLES[name]
        judge.prepare(Silent())
        server.plan(trouble.fault)
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        error = caught.value
        assert error.reason == trouble.reason, str(error)
        assert error.is_passing == (trouble.kind != "permanent")
        assert error.is_busy == (trouble.kind == "busy")
        assert not error.is_gone
        server.assert_all_fired()
        assert judge.ask(prompt()).text

    @pytest.mark.parametrize("status", [401, 403, 301, 405])
    def test_what_would_meet_every_prompt_ends_the_judging(
        self, status: int, judge: Judge, server: Ollama
    ) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.STATUS, status=status, text="no"))
        with pytest.raises(JudgeUnavailable) as caught:
            judge.ask(prompt())
        assert is_sentence(str(caught.value)) and caught.value.hint

    def test_a_model_that_is_gone_ends_the_judging(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.STATUS, status=404, text=f"model '{MODEL}' not found"))
        with pytest.raises(ModelMissing, match=MODEL):
            judge.ask(prompt())

    def test_a_server_that_is_gone_is_told_from_one_that_is_slow(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.stop()
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.is_gone and caught.value.is_passing
        with pytest.raises(JudgeUnavailable, match=f"does not answer at {server.url}"):
            judge.prepare(Silent())
        with pytest.raises(JudgeUnavailable, match=f"does not answer at {server.url}"):
            judge.look()
        server.start()
        judge.prepare(Silent())
        assert judge.ask(prompt()).text

    def test_a_server_that_dies_under_a_request_is_passing(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.plan(Fault(kind=Kind.SERVER_DIED, seconds=0.1))
        with pytest.raises(CannotJudge) as caught:
            judge.ask(prompt())
        assert caught.value.is_passing

    @pytest.mark.parametrize("pieces", [0, 3])
    def test_letting_go_ends_what_is_under_way(
        self, pieces: int, another: Callable[..., Judge], server: Ollama
    ) -> None:
        judge = another(timeout_s=60.0, limit_s=60.0)
        judge.prepare(Silent())
        judge.ask(prompt())
        server.forget()
        server.plan(Fault(kind=Kind.STALLED, pieces=pieces, times=3))
        with ThreadPoolExecutor(3) as threads:
            asked = [threads.submit(judge.ask, prompt()) for _ in range(3)]
            while len(server.requests) < 1:
                time.sleep(0.01)
            time.sleep(0.1)
            began = time.monotonic()
            judge.close()
            for each in asked:
                assert isinstance(each.exception(), CannotJudge | JudgeUnavailable)
            assert time.monotonic() - began < 10

    def test_letting_go_raises_nothing_where_nobody_listens(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.stop()
        judge.close()

    def test_a_model_that_is_not_there_is_named(self, server: Ollama, judge: Judge) -> None:
        server.stop()
        port = int(server.url.rpartition(":")[2])
        with Ollama(Model(name="other:1b"), port=port), pytest.raises(ModelMissing) as caught:
            judge.look()
        assert MODEL in str(caught.value) and caught.value.hint

    def test_each_attempt_has_a_seed_of_its_own_and_nothing_else(self, judge: Judge, server: Ollama) -> None:
        judge.prepare(Silent())
        server.forget()
        for attempt in (0, 1, 2):
            judge.ask(prompt(), attempt)
        seeds = [each.seed for each in server.requests]
        assert len(set(seeds)) == 3
        assert len({str({**each.options, "seed": 0}) + each.prompt for each in server.requests}) == 1

    def test_no_proxy_and_no_key_of_the_surroundings_matters(
        self, another: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("OLLAMA_API_KEY", "secret")
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        judge = another()
        judge.prepare(Silent())
        assert judge.ask(prompt()).text
        judge.close()
