"""The doctor tells before a night of grading whether its judge is there, keeps to the point, and cuts no prompt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import doctor_judge
from agent.config_grade import GradeSettings
from agent.doctor_findings import Examiner, Finding, Status
from sync.clock import SystemClock
from sync.progress import Silent
from tests.emulators.ollama import Asked, Fault, Kind, Model, Ollama
from tests.support.doctor import Patient, assert_fails, assert_warns

GOOD = Model(name="qwen3:4b", thinking=True)
FAILS = '{"reason": "Lyon is not Paris", "verdict": "fail"}'


def answer(_: Asked) -> str:
    return FAILS


@pytest.fixture
def server() -> Iterator[Ollama]:
    with Ollama(GOOD, answer=answer) as server:
        yield server


def examined(*judges: str, offline: bool = False, **settings: Any) -> dict[str, Finding]:
    wanted = GradeSettings(judge=judges, **settings)
    found = doctor_judge.examine(wanted, SystemClock(), Examiner(Silent()), offline=offline)
    return {each.name: each for each in found}


def test_a_judge_that_is_well_is_said_to_be(server: Ollama) -> None:
    found = examined("qwen3:4b", endpoint=server.url, context=512, reply_tokens=100, offline=True)
    assert [(each.name, each.status) for each in found.values()] == [
        ("judge qwen3:4b", Status.OK),
        ("context qwen3:4b", Status.OK),
        ("verdict qwen3:4b", Status.OK),
    ]
    assert (
        "Ollama 0.33.0" in found["judge qwen3:4b"].what and GOOD.digest[:12] in found["judge qwen3:4b"].what
    )
    assert "512 tokens" in found["context qwen3:4b"].what
    assert server.resident == []


def test_nobody_there_is_the_only_thing_said(server: Ollama) -> None:
    server.stop()
    found = examined("qwen3:4b", endpoint=server.url)
    assert list(found) == ["judge qwen3:4b"]
    assert_fails(found["judge qwen3:4b"], "Ollama does not answer")
    assert "ollama serve" in found["judge qwen3:4b"].fix


def test_a_model_that_is_not_there_comes_with_the_command_that_fetches_it(server: Ollama) -> None:
    found = examined("phi4-mini", endpoint=server.url)["judge phi4-mini"]
    assert_fails(found, "no model phi4-mini")
    assert "ollama pull phi4-mini" in found.fix


def test_a_model_in_the_cloud_fails() -> None:
    with Ollama(Model(name="gpt-oss:120b-cloud", remote_host="https://ollama.com:443")) as server:
        found = examined("gpt-oss:120b-cloud", endpoint=server.url)
    assert_fails(found["judge gpt-oss:120b-cloud"], "nothing may leave this machine")


def test_a_server_that_cuts_prompts_is_warned_of() -> None:
    with Ollama(GOOD, answer=answer, version="0.11.0") as server:
        found = examined("qwen3:4b", endpoint=server.url, context=512, reply_tokens=100)
    assert_warns(found["judge qwen3:4b"], "older than 0.12.11")
    assert_warns(found["context qwen3:4b"], "may be cut without a word")


def test_less_context_than_was_asked_for_is_warned_of() -> None:
    with Ollama(Model(name="qwen3:4b", trained_context=1024), answer=answer) as server:
        found = examined("qwen3:4b", endpoint=server.url)["context qwen3:4b"]
    assert_warns(found, "1024 tokens, not the 4096")


def test_a_weak_judge_is_warned_of_with_its_numbers() -> None:
    with Ollama(Model(name="llama3.2:3b"), answer=answer) as server:
        found = examined("llama3.2:3b", endpoint=server.url, context=512, reply_tokens=100)
    assert_warns(found["judge llama3.2:3b"], "81.8 %")


@pytest.mark.parametrize(
    "said", ["Lyon is wrong.", '{"verdict": "perhaps", "reason": ""}', "[]", '{"verdict": "fail"}']
)
def test_a_reply_that_leaves_its_schema_fails(server: Ollama, said: str) -> None:
    server.plan(Fault(kind=Kind.SAYS, match="Lyon", text=said))
    found = examined("qwen3:4b", endpoint=server.url, context=512, reply_tokens=100)
    assert_fails(found["verdict qwen3:4b"], "schema")
    server.assert_all_fired()


def test_a_judge_that_passes_what_is_plainly_wrong_is_warned_of() -> None:
    with Ollama(GOOD, answer=lambda _: FAILS.replace("fail", "pass")) as server:
        found = examined("qwen3:4b", endpoint=server.url, context=512, reply_tokens=100)
    assert_warns(found["verdict qwen3:4b"], "passed a plainly wrong answer")


def test_a_reply_that_is_cut_off_fails(server: Ollama) -> None:
    server.plan(Fault(kind=Kind.CUT, match="Lyon", pieces=2))
    found = examined("qwen3:4b", endpoint=server.url, context=512, reply_tokens=100)
    assert_fails(found["verdict qwen3:4b"], "did not end within 100 tokens")


def test_proxies_are_told_of_where_they_might_be_missed(
    server: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert examined("qwen3:4b", endpoint=server.url)["proxy qwen3:4b"].status is Status.OK
    (elsewhere,) = doctor_judge.proxies("qwen3:4b", is_here=False)
    assert_warns(elsewhere, "https_proxy is set")


def test_offline_leaves_out_a_judge_elsewhere() -> None:
    assert examined("qwen3:4b@http://box.example:1", offline=True) == {}


@pytest.mark.parametrize("settings", [{"context": 10}, {"endpoint": "ftp://box"}])
def test_settings_that_cannot_be_are_said(settings: dict[str, Any]) -> None:
    assert_fails(examined("qwen3:4b", **settings)["judge qwen3:4b"], "")


def test_only_a_project_that_names_a_judge_is_examined_for_one(tmp_path: Path, server: Ollama) -> None:
    patient = Patient(tmp_path)
    assert not any(each.startswith("judge") for each in patient.examined(offline=True))
    patient.configure(
        f'url = "folder:{patient.mail.as_posix()}"',
        f'[grade]\njudge = ["qwen3:4b"]\nendpoint = "{server.url}"\n',
    )
    assert patient.examined(offline=True)["judge qwen3:4b"].status is Status.OK
