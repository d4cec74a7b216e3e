"""Ollama fetches models; what it has stays, and what went wrong is said."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local_grader.judge import JudgeUnavailable
from local_grader.judges.endpoint import Endpoint
from local_grader.judges.ollama import OllamaJudge
from local_grader.judges.settings import JudgeSettings
from sync.clock import SystemClock
from sync.progress import Silent
from tests.contracts.judge_contract import Meter
from tests.emulators.ollama import Fault, Kind, Model, Ollama
from tests.support.answering import lines, serving, told

WANTED = Model(name="qwen3:4b", size=1_000_000)
PULL = ("/api/pull",)


@contextmanager
def judging(*faults: Fault, model: str = WANTED.name) -> Iterator[tuple[OllamaJudge, Ollama]]:
    with Ollama(Model(name="other:1b"), library=[WANTED], faults=faults) as server:
        settings = JudgeSettings(endpoint=server.url, load_timeout_s=1.0)
        judge = OllamaJudge(model, Endpoint.parse(server.url), settings, SystemClock())
        yield judge, server
        judge.close()


def test_a_model_is_fetched_in_bytes_and_is_there_then() -> None:
    with judging() as (judge, _):
        meter = Meter()
        judge.pull(meter)
        assert meter.ended == len(meter.begun) == 2
        assert {unit for _, _, unit in meter.begun} == {"B"}
        assert meter.done == [total for _, total, _ in meter.begun]
        assert sum(meter.done) == WANTED.size
        judge.prepare(Silent())


@pytest.mark.parametrize("kind", [Kind.ERROR_LINE, Kind.HANG_UP, Kind.STALLED])
def test_fetching_again_goes_on_where_it_stopped(kind: Kind) -> None:
    with judging(Fault(kind=kind, paths=PULL, pieces=5)) as (judge, server):
        with pytest.raises(JudgeUnavailable) as caught:
            judge.pull(Silent())
        assert WANTED.name in str(caught.value) and caught.value.hint
        have = sum(server.downloads.have.values())
        assert 0 < have < WANTED.size
        meter = Meter()
        judge.pull(meter)
        assert sum(meter.done) == WANTED.size


def test_a_name_that_nobody_knows_is_said_in_the_servers_words() -> None:
    unknown = pytest.raises(JudgeUnavailable, match="file does not exist")
    with judging(model="qwen9:4b") as (judge, _), unknown as caught:
        judge.pull(Silent())
    assert "Check the name" in caught.value.hint


def test_nothing_of_the_cloud_is_fetched() -> None:
    with judging(model="qwen3:480b-cloud") as (judge, server):
        with pytest.raises(JudgeUnavailable, match="cloud"):
            judge.pull(Silent())
        assert server.downloads.have == {}


def test_a_stream_that_ends_early_is_no_success_and_nothing_counts_twice() -> None:
    told_twice = [
        {"status": "pulling", "digest": "a", "total": 10},
        {"status": "pulling", "digest": "a", "total": 10, "completed": 6},
        {"status": "pulling", "digest": "b", "total": 4, "completed": 4},
        {"status": "pulling", "digest": "a", "total": 10, "completed": 3},
        {"status": "pulling", "digest": "a", "total": 10, "completed": 9},
    ]
    answers = {"/api/version": told({"version": "0.33.0"}), "/api/pull": lines(*told_twice)}
    with serving(answers) as server:
        judge = OllamaJudge("m", Endpoint.parse(server.url), JudgeSettings(), SystemClock())
        meter = Meter()
        with pytest.raises(JudgeUnavailable, match="not wholly fetched"):
            judge.pull(meter)
        judge.close()
    assert meter.done == [6, 4, 9]
