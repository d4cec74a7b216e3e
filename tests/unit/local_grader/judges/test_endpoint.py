"""People write where a model is in many ways; each means one place, and what means none is said."""

import pytest

from local_grader.judges import JudgeSettings, endpoint_of, open_judge
from local_grader.judges.endpoint import Endpoint, split
from local_grader.judges.ollama import OllamaJudge
from local_grader.judges.openai import OpenAIJudge
from sync.clock import ManualClock
from sync.errors import UsageError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        (":5000", "http://127.0.0.1:5000"),
        ("box:5000", "http://box:5000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("http://[::]:5000", "http://[::1]:5000"),
        ("http://box", "http://box:80"),
        ("HTTPS://Box/ollama/", "https://box:443/ollama"),
        ("http://localhost:8080/v1/", "http://localhost:8080/v1"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("'0.0.0.0'", "http://127.0.0.1:11434"),
        ('"box:5000"', "http://box:5000"),
        (" http://localhost:8080/v1 ", "http://localhost:8080/v1"),
    ],
)
def test_an_endpoint_is_written_in_many_ways(text: str, url: str) -> None:
    assert Endpoint.parse(text).url == url
    assert Endpoint.parse(url).url == url


@pytest.mark.parametrize(
    "text",
    ["ftp://box", "http://", "http://box:port", "http://box:99999", "http://b ox", "http://box/?key=1"],
)
def test_what_is_no_endpoint_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="no endpoint of a judge"):
        Endpoint.parse(text)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint.parse("http://me:hunter2@box/v1")
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"])
def test_what_is_on_this_machine_needs_no_word(host: str) -> None:
    assert Endpoint.parse(f"http://{host}:8080").warnings == ()


@pytest.mark.parametrize("host", ["10.0.0.7", "box", "192.168.1.2", "api.example.org"])
def test_samples_that_leave_this_machine_are_told_of(host: str) -> None:
    (warning,) = Endpoint.parse(f"http://{host}:8080").warnings
    assert "leave this machine" in warning and host in warning


@pytest.mark.parametrize(
    ("name", "model", "url"),
    [
        ("qwen3:4b", "qwen3:4b", ""),
        ("qwen3:4b@http://box:11434", "qwen3:4b", "http://box:11434"),
        ("qwen2.5-7b@q4_k_m", "qwen2.5-7b@q4_k_m", ""),
        ("qwen2.5-7b@q4_k_m@http://box/v1", "qwen2.5-7b@q4_k_m", "http://box/v1"),
    ],
)
def test_a_judge_is_a_model_and_perhaps_a_url(name: str, model: str, url: str) -> None:
    assert split(name) == (model, url)


@pytest.mark.parametrize("name", ["", "  ", "@http://box", "http://box:11434"])
def test_a_judge_without_a_model_is_said(name: str) -> None:
    with pytest.raises(UsageError, match="names no model"):
        split(name)


@pytest.mark.parametrize("name", ["qwen3:4b@foo", "qwen3:4b@box:5000", "qwen3:4b@", "a@b@http://box"])
def test_what_follows_the_at_sign_is_a_url_where_ollama_is_asked(name: str) -> None:
    with pytest.raises(UsageError, match="is no URL") as caught:
        open_judge(name, JudgeSettings(), ManualClock())
    assert "MODEL, or MODEL@URL" in caught.value.hint
    assert endpoint_of("a@b", JudgeSettings(endpoint="http://box/v1"))[0] == "a@b"


def test_a_url_of_another_kind_is_said() -> None:
    with pytest.raises(UsageError, match="'ftp://box' is no endpoint"):
        endpoint_of("qwen3:4b@ftp://box", JudgeSettings())


def test_the_url_of_the_name_wins_over_settings_and_these_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:4000")
    settings = JudgeSettings(endpoint="http://box:5000")
    assert endpoint_of("m@http://other:1", settings)[1].url == "http://other:1"
    assert endpoint_of("m", settings)[1].url == "http://box:5000"
    assert endpoint_of("m", JudgeSettings())[1].url == "http://127.0.0.1:4000"


def test_a_path_that_ends_in_v1_is_spoken_to_as_openais() -> None:
    clock = ManualClock()
    assert isinstance(open_judge("m@http://box:1/v1", JudgeSettings(), clock), OpenAIJudge)
    assert isinstance(open_judge("m@http://box:1", JudgeSettings(), clock), OllamaJudge)


@pytest.mark.parametrize(
    "settings", [{"context": 10}, {"reply_tokens": 0}, {"context": 400, "reply_tokens": 400}]
)
def test_settings_that_hold_no_sample_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        JudgeSettings(**settings)  # type: ignore[arg-type]
