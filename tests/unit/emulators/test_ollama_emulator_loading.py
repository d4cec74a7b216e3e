"""Loads, reloads, the queue and the slots of the emulated Ollama."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.emulators.ollama import Asked, Model, Ollama, Speed
from tests.support.ollama import emulated

OTHER = Model(name="phi4-mini:3.8b")
PATIENCE_S = 20.0


def post(
    server: Ollama, prompt: str = "hello", *, model: str = "llama3.2:3b", **fields: Any
) -> httpx.Response:
    messages = [{"role": "user", "content": prompt}] if prompt else []
    body = {"model": model, "stream": False, "messages": messages} | fields
    return httpx.post(f"{server.url}/api/chat", json=body, timeout=PATIENCE_S, trust_env=False)


def resident(server: Ollama) -> list[str]:
    entries = httpx.get(f"{server.url}/api/ps", trust_env=False).json()["models"]
    return [each["name"] for each in entries]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


class Gate:
    """An answer that holds its slot until it is let go."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = 0
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> str:
        with self._lock:
            self.inside += 1
        assert self.opened.wait(PATIENCE_S)
        return "ok"


@pytest.mark.parametrize(
    "options",
    [
        {"num_ctx": 2048},
        {"num_batch": 64},
        {"num_gpu": 0},
        {"num_thread": 2},
        {"use_mmap": False},
        {"main_gpu": 1},
    ],
)
def test_another_load_option_loads_the_model_again(options: dict[str, Any]) -> None:
    with emulated() as server:
        for given in ({}, {}, options, options, {}):
            post(server, options=given)
        assert len(server.loads) == 3


def test_shift_is_a_load_option_too() -> None:
    with emulated() as server:
        for fields in ({}, {"shift": True}, {"shift": False}):
            post(server, **fields)
        assert len(server.loads) == 2


def test_sampling_options_and_the_default_context_said_aloud_load_nothing() -> None:
    with emulated() as server:
        for options in ({}, {"seed": 1, "temperature": 0, "num_predict": 3, "top_k": 1}, {"num_ctx": 4096}):
            post(server, options=options)
        assert len(server.loads) == 1


def test_a_load_takes_its_time_once() -> None:
    with emulated(speed=Speed(load_s=0.2)) as server:
        cold, warm = post(server).json(), post(server).json()
        assert cold["load_duration"] >= 2e8 > warm["load_duration"]


def test_an_empty_chat_loads_and_keep_alive_0_unloads() -> None:
    with emulated() as server:
        assert post(server, "").json()["done_reason"] == "load"
        assert resident(server) == ["llama3.2:3b"]
        assert post(server, "", keep_alive=0).json()["done_reason"] == "unload"
        assert resident(server) == []


@pytest.mark.parametrize("keep_alive", [0, "0", "0s", "30ms"])
def test_a_model_leaves_when_its_time_is_over(keep_alive: object) -> None:
    with emulated() as server:
        post(server, keep_alive=keep_alive)
        wait_for(lambda: resident(server) == [])


@pytest.mark.parametrize("keep_alive", [-1, "-1s", "1h30m", 60])
def test_a_model_stays_as_long_as_was_asked(keep_alive: object) -> None:
    with emulated(keep_alive_s=0.0) as server:
        post(server, keep_alive=keep_alive)
        assert resident(server) == ["llama3.2:3b"]


def test_two_models_that_do_not_fit_together_push_each_other_out() -> None:
    with emulated(Model(), OTHER) as server:
        for name in ("llama3.2:3b", OTHER.name, "llama3.2:3b"):
            post(server, model=name)
        assert len(server.loads) == 3
    with emulated(Model(), OTHER, max_loaded=2) as server:
        for name in ("llama3.2:3b", OTHER.name, "llama3.2:3b"):
            post(server, model=name)
        assert len(server.loads) == 2


def test_a_model_in_use_is_not_pushed_out(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    with emulated(Model(), OTHER, answer=gate) as server:
        first = pool.submit(post, server)
        wait_for(lambda: gate.inside == 1)
        second = pool.submit(post, server, model=OTHER.name)
        time.sleep(0.2)
        assert (resident(server), second.done()) == (["llama3.2:3b"], False)
        gate.opened.set()
        assert (first.result().status_code, second.result().status_code) == (200, 200)
        assert resident(server) == [OTHER.name]


def test_the_queue_of_those_who_wait_for_a_load_has_an_end(pool: ThreadPoolExecutor) -> None:
    with emulated(speed=Speed(load_s=0.5), max_queue=3) as server:
        replies = [each.result() for each in [pool.submit(post, server) for _ in range(6)]]
        assert sorted(each.status_code for each in replies) == [200, 200, 200, 503, 503, 503]
        refused = next(each for each in replies if each.status_code == 503)
        assert refused.json() == {
            "error": "server busy, please try again.  maximum pending requests exceeded"
        }
        assert len(server.loads) == 1


def test_those_who_wait_for_a_slot_are_never_refused(pool: ThreadPoolExecutor) -> None:
    with emulated(max_queue=1, speed=Speed(reply_per_s=200)) as server:
        post(server)
        replies = [each.result() for each in [pool.submit(post, server) for _ in range(8)]]
        assert {each.status_code for each in replies} == {200}


def test_a_client_that_leaves_during_the_load_aborts_it() -> None:
    with emulated(speed=Speed(load_s=0.6)) as server:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{server.url}/api/chat",
                    json={"model": "llama3.2:3b", "messages": [{"role": "user", "content": "x"}]},
                    timeout=0.2,
                    trust_env=False,
                )
        wait_for(lambda: len(server.loads) == 2)
        assert [each.aborted for each in server.loads] == [True, True]
        assert (resident(server), len(server.abandoned)) == ([], 2)
        post(server)
        assert server.loads[-1].aborted is False


@pytest.mark.parametrize("slots", [1, 3])
def test_as_many_requests_are_worked_on_as_there_are_slots(pool: ThreadPoolExecutor, slots: int) -> None:
    gate = Gate()
    with emulated(answer=gate, slots=slots) as server:
        post(server, "")
        replies: list[Future[httpx.Response]] = [pool.submit(post, server) for _ in range(5)]
        wait_for(lambda: gate.inside == slots)
        time.sleep(0.2)
        assert gate.inside == slots
        gate.opened.set()
        assert {each.result().status_code for each in replies} == {200}


def test_a_family_of_one_slot_has_one(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    with emulated(Model(one_slot=True), answer=gate, slots=4) as server:
        post(server, "")
        replies = [pool.submit(post, server) for _ in range(3)]
        wait_for(lambda: gate.inside == 1)
        time.sleep(0.2)
        assert gate.inside == 1
        gate.opened.set()
        assert all(each.result() for each in replies)


def test_who_leaves_the_line_for_a_slot_frees_their_place(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    with emulated(answer=gate) as server:
        post(server, "")
        first = pool.submit(post, server)
        wait_for(lambda: gate.inside == 1)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{server.url}/api/chat", json=dict(server.requests[-1].body), timeout=0.2, trust_env=False
            )
        wait_for(lambda: len(server.abandoned) == 1)
        gate.opened.set()
        assert first.result().json()["done"]
        assert gate.inside == 1


def test_the_share_of_time_in_which_slots_were_busy(pool: ThreadPoolExecutor) -> None:
    with emulated(slots=2, speed=Speed(reply_per_s=100)) as server:
        post(server, "")
        for each in [pool.submit(post, server) for _ in range(8)]:
            each.result()
        assert server.busy_seconds / server.open_seconds > 0.8
        server.forget()
        assert (server.busy_seconds, server.open_seconds, server.requests, server.loads) == (0, 0, [], [])
        post(server)
        time.sleep(0.3)
        post(server)
        assert server.busy_seconds / server.open_seconds < 0.45


def test_what_prompts_have_in_common_is_read_once() -> None:
    rubric = "Judge with care. " * 300
    with emulated(speed=Speed(prompt_per_s=10_000)) as server:
        cold = post(server, rubric + "one").json()
        warm = post(server, rubric + "two").json()
        foreign = post(server, "nothing in common " * 300).json()
        assert cold["prompt_eval_duration"] > 1e8 > 5e7 > warm["prompt_eval_duration"]
        assert foreign["prompt_eval_duration"] > 5e7
        assert warm["prompt_eval_count"] == cold["prompt_eval_count"]
        assert server.requests[1].cached_tokens > 0.95 * server.requests[1].prompt_tokens


def test_a_slot_remembers_only_its_last_prompt() -> None:
    one, two = "first rubric " * 300, "another set of rules " * 300
    with emulated(slots=2) as server:
        for prompt in (one, two, one, two):
            post(server, prompt)
        assert [each.cached_tokens > 100 for each in server.requests] == [False, False, True, True]
    with emulated(slots=1) as server:
        for prompt in (one, two, one, two):
            post(server, prompt)
        assert [each.cached_tokens > 100 for each in server.requests] == [False] * 4
