"""Everything that can go wrong with an Ollama server, on demand."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.emulators.ollama import Fault, Kind, Ollama, Speed
from tests.support.ollama import emulated


def body(prompt: str = "hello", *, stream: bool = False) -> dict[str, Any]:
    return {"model": "llama3.2:3b", "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def post(
    server: Ollama, prompt: str = "hello", *, stream: bool = False, timeout: float = 20
) -> httpx.Response:
    return httpx.post(
        f"{server.url}/api/chat", json=body(prompt, stream=stream), timeout=timeout, trust_env=False
    )


@pytest.fixture
def server() -> Iterator[Ollama]:
    with emulated() as running:
        yield running


def test_a_fault_strikes_the_prompts_it_is_meant_for_as_often_as_planned(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.STATUS, match="bad", skip=1, times=2, status=500, text="out of memory"))
    prompts = ["good", "bad", "bad", "good", "bad", "bad"]
    assert [post(server, each).status_code for each in prompts] == [200, 200, 500, 200, 500, 200]


def test_a_fault_that_never_happened_fails_the_test() -> None:
    with Ollama(faults=[Fault(kind=Kind.STATUS, match="never", times=2)]) as server:
        post(server)
        with pytest.raises(AssertionError, match=r"status \(0 of 2\)"):
            server.assert_all_fired()


def test_a_function_may_choose_whom_a_fault_strikes(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.STATUS, match=lambda asked: asked.seed == 3, status=503))
    assert post(server).status_code == 200
    given = body() | {"options": {"seed": 3}}
    assert httpx.post(f"{server.url}/api/chat", json=given, trust_env=False).status_code == 503


def test_the_answer_itself_may_be_a_fault() -> None:
    with emulated(answer=lambda asked: Fault(kind=Kind.UNFINISHED)) as server:
        assert post(server).json()["done"] is False


@pytest.mark.parametrize("text", ['```json\n{"verdict": "pass"}\n```', '{"verdict": 7}', "VERDICT: pass", ""])
def test_the_model_says_what_no_grammar_allows(server: Ollama, text: str) -> None:
    server.plan(Fault(kind=Kind.SAYS, text=text))
    reply = post(server).json()
    assert (reply["message"]["content"], reply["done_reason"]) == (text, "stop")


def test_a_reply_may_end_unfinished_with_status_200(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.UNFINISHED, pieces=3, times=2))
    whole = post(server)
    assert (whole.status_code, whole.json()["done"], "eval_count" in whole.json()) == (200, False, False)
    lines = [json.loads(line) for line in post(server, stream=True).text.splitlines()]
    assert [line["done"] for line in lines] == [False] * 3


def test_thirty_equal_tokens_in_a_row_end_a_reply_unfinished() -> None:
    with emulated(answer=lambda asked: " the" * int(asked.user)) as server:
        assert [post(server, number).json()["done"] for number in ("30", "31")] == [True, False]


def test_a_reply_may_be_cut(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.CUT, pieces=2))
    reply = post(server).json()
    assert (reply["done"], reply["done_reason"], reply["eval_count"]) == (True, "length", 2)


@pytest.mark.parametrize("pieces", [0, 2])
def test_an_error_in_a_stream_comes_after_status_200(server: Ollama, pieces: int) -> None:
    server.plan(Fault(kind=Kind.ERROR_LINE, pieces=pieces, text="unexpected EOF"))
    reply = post(server, stream=True)
    assert reply.status_code == 200
    assert json.loads(reply.text.splitlines()[-1]) == {"error": "unexpected EOF"}
    assert server.requests[-1].outcome == "failed"


def test_an_error_without_a_stream_is_500(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.ERROR_LINE, pieces=2, text="unexpected EOF"))
    assert post(server).status_code == 500


def test_a_dead_runner_fails_all_it_works_on_and_is_loaded_again() -> None:
    together = threading.Barrier(2)

    def answer(asked: Any) -> str | Fault:
        if "again" not in asked.user:
            together.wait(20)
        return Fault(kind=Kind.RUNNER_DIED) if "dies" in asked.user else "so " * 20 + "it is"

    with (
        emulated(answer=answer, slots=2, speed=Speed(reply_per_s=100)) as server,
        ThreadPoolExecutor(2) as pool,
    ):
        replies = [
            each.result() for each in [pool.submit(post, server, text) for text in ("dies", "bystander")]
        ]
        assert [each.status_code for each in replies] == [500, 500]
        assert "model runner has unexpectedly stopped" in replies[0].json()["error"]
        assert post(server, "again").status_code == 200
        assert len(server.loads) == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_dead_stream_says_nothing_more_and_its_slot_is_free_when_the_client_leaves(
    server: Ollama, stream: bool
) -> None:
    server.plan(Fault(kind=Kind.STALLED, pieces=2))
    with pytest.raises(httpx.ReadTimeout):
        post(server, stream=stream, timeout=0.3)
    assert post(server).status_code == 200
    assert [each.outcome for each in server.requests] == ["abandoned", "answered"]


@pytest.mark.parametrize("stream", [True, False])
def test_a_connection_may_break_in_the_middle(server: Ollama, stream: bool) -> None:
    server.plan(Fault(kind=Kind.HANG_UP, pieces=2))
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, stream=stream)
    assert post(server).status_code == 200


def test_a_slow_reply_takes_its_seconds_before_each_piece(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.SLOW, seconds=0.1, times=2))
    began = time.monotonic()
    post(server)
    whole_s = time.monotonic() - began
    began = time.monotonic()
    pieces = len(post(server, stream=True).text.splitlines()) - 1
    assert whole_s >= 0.1
    assert time.monotonic() - began >= 0.1 * pieces > 0.5


def test_a_server_may_die_under_its_requests_and_come_back() -> None:
    with emulated(faults=[Fault(kind=Kind.SERVER_DIED, seconds=0.3, skip=1)]) as server:
        post(server)
        with pytest.raises(httpx.TransportError):
            post(server)
        deadline = time.monotonic() + 20
        while True:
            try:
                assert post(server).status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        assert len(server.loads) == 2


def test_a_server_may_die_for_good() -> None:
    with emulated(faults=[Fault(kind=Kind.SERVER_DIED)]) as server:
        with pytest.raises(httpx.TransportError):
            post(server)
        deadline = time.monotonic() + 20
        while server.is_running:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(httpx.ConnectError):
            post(server)


def test_connections_can_be_cut_while_the_server_goes_on(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.STALLED))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, server)
        while not server.resident:
            time.sleep(0.01)
        server.kill_connections()
        with pytest.raises(httpx.TransportError):
            waiting.result(20)
    assert post(server).status_code == 200


@pytest.mark.parametrize("path", ["/api/tags", "/api/version", "/api/ps", "/v1/models"])
def test_other_endpoints_fail_too(server: Ollama, path: str) -> None:
    server.plan(
        Fault(kind=Kind.STATUS, paths=[path], status=500, text="disk full"),
        Fault(kind=Kind.HANG_UP, paths=[path]),
    )
    assert httpx.get(server.url + path, trust_env=False).status_code == 500
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url + path, trust_env=False)
    assert httpx.get(server.url + path, trust_env=False).status_code == 200


def test_a_pull_may_stall(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.STALLED, paths=["/api/pull"], pieces=3))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/api/pull", json={"model": "llama3.2:3b"}, timeout=0.3, trust_env=False)
