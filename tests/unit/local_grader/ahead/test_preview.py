"""A preview tells what the grading then does, asks no model and leaves nothing behind, with a server and without one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from local_grader.ahead.preview import Preview, preview
from local_grader.ahead.trial import trial
from local_grader.errors import Ungradable
from local_grader.grade import grade_outputs
from local_grader.judges import JudgeSettings
from local_grader.judging.wish import JudgingRequest
from local_grader.request import Request
from sync.clock import SystemClock
from sync.errors import UsageError
from tests.emulators.ollama import Asked, Model, Ollama
from tests.support.ollama import emulated

MODEL = Model(name="llama3.1:8b")
LONG = "the long story of how a treaty was made"
ROWS = [
    {"id": "a", "answer": "Paris", "reference": "Paris", "question": "Where?"},
    {"id": "b", "answer": "it tells how they made it", "reference": LONG, "question": "B?"},
    {"id": "c", "answer": "a story of a treaty", "reference": LONG, "question": "A?"},
    {"id": "d", "answer": "x", "question": "Where?"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "outputs/r1/000/answers.jsonl", *ROWS)
    put(tmp_path / "outputs/r1/000/metrics.jsonl", {"loss": 1})
    return tmp_path


def put(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def asked(root: Path, url: str = "http://127.0.0.1:9", **changes: object) -> Request:
    judging = JudgingRequest(
        judges=[MODEL.name],
        rubric="correct",
        folder=root,
        journal=root / ".hybrid/verdicts.db",
        settings=JudgeSettings(endpoint=url),
    )
    return Request(
        target="r1",
        scorer="cascade",
        outputs=root / "outputs",
        ledger=root / ".hybrid/ledger",
        options={"undecided": "leave"},
        judging=replace(judging, **changes),  # type: ignore[arg-type]
    )


def looked(request: Request) -> Preview:
    return preview(request, SystemClock())


def samples_asked(server: Ollama) -> list[Asked]:
    return [each for each in server.requests if each.path == "/api/chat"]


def test_preview_tells_what_the_grading_then_does(root: Path) -> None:
    with emulated(MODEL) as server:
        found = looked(asked(root, server.url))
        assert not samples_asked(server), "no model was loaded or asked"
        assert not (root / ".hybrid").exists()
        assert found.files == ["000/answers.jsonl"]
        assert [one.path for one in found.skipped] == [b"000/metrics.jsonl"]
        assert (found.samples, found.decided, found.undecided) == (4, {"exact": 1}, 2)
        assert found.unscored == {"no reference": 1}
        (judge,) = found.judges
        assert (judge.prompts, judge.known, judge.left, judge.takes_s) == (2, 0, 2, None)
        assert judge.server == "Ollama 0.33.0" and judge.digest and judge.trouble is None
        report = grade_outputs(asked(root, server.url))
        assert report.decided is not None and report.decided.asked == found.undecided
        assert report.decided.heard[0].health.asked == judge.left
        sent = [each.messages for each in samples_asked(server) if each.format]
        assert found.first is not None and found.first.sample == "c"
        assert [each["content"] for each in sent[0]] == [found.first.prompt.system, found.first.prompt.user]


def test_what_is_in_the_journal_is_known_without_the_server_too(root: Path) -> None:
    with emulated(MODEL) as server:
        url = server.url
        grade_outputs(trial(asked(root, url), 2))
        (judge,) = looked(asked(root, url)).judges
        assert (judge.known, judge.left) == (1, 1)
        assert judge.takes_s is not None and judge.takes_s > 0
        (judge,) = looked(asked(root, url, fresh=True)).judges
        assert (judge.known, judge.left) == (0, 2)
    before = sorted((root / ".hybrid").iterdir())
    found = looked(asked(root, url))
    (judge,) = found.judges
    assert (judge.known, judge.left, judge.digest) == (1, 1, "")
    assert "does not answer" in str(judge.trouble) and not judge.warnings
    assert found.first is not None and found.first.sample == "c" and found.takes_s == judge.takes_s
    assert sorted((root / ".hybrid").iterdir()) == before, "looking leaves nothing behind"
    assert not (root / ".hybrid/ledger").exists(), "a trial is not kept"


def test_what_another_model_of_that_name_said_is_not_known_of_this_one(root: Path) -> None:
    with emulated(MODEL) as server:
        grade_outputs(asked(root, server.url))
        (judge,) = looked(asked(root, server.url)).judges
        assert (judge.left, judge.takes_s, judge.is_other) == (0, 0.0, False)
        assert looked(asked(root, server.url)).first is None
    with emulated(Model(name=MODEL.name, weights="new")) as server:
        (judge,) = looked(asked(root, server.url)).judges
        assert (judge.left, judge.is_other) == (2, True)


def test_one_model_of_one_server_is_one_judge_whatever_it_is_called(root: Path) -> None:
    with emulated(MODEL) as server:
        grade_outputs(asked(root, server.url))
        by_url = asked(root, "http://127.0.0.1:9", judges=[f"{MODEL.name}@{server.url}"])
        (judge,) = looked(by_url).judges
        assert (judge.left, judge.takes_s, judge.is_other) == (0, 0.0, False)
        server.forget()
        report = grade_outputs(by_url)
        assert report.decided is not None and report.decided.heard[0].health.known == judge.known == 2
        assert not samples_asked(server) and not server.loads


def test_each_judge_has_its_own_share_and_they_take_their_time_one_after_the_other(root: Path) -> None:
    other = Model(name="qwen3:4b")
    with emulated(MODEL, other) as server:
        grade_outputs(asked(root, server.url))
        both = asked(root, server.url, judges=[MODEL.name, other.name])
        found = looked(both)
        assert [(judge.known, judge.left) for judge in found.judges] == [(2, 0), (0, 2)]
        assert found.takes_s is None and found.first is not None and found.first.judge == other.name
        grade_outputs(trial(both, 2))
        found = looked(replace(both, limit=3))
        assert [(judge.known, judge.left) for judge in found.judges] == [(2, 0), (1, 1)]
        assert found.takes_s == found.judges[1].each_s and found.samples == 3


def test_pair_is_asked_about_twice_and_the_same_answer_of_both_not_at_all(root: Path) -> None:
    put(root / "outputs/r0/answers.jsonl", *({**row, "answer": "Paris"} for row in ROWS))
    request = replace(asked(root, rubric="pairwise", rivals="r0"), scorer="judge", options={})
    found = looked(request)
    assert (found.undecided, found.judges[0].prompts) == (3, 6)
    assert found.decided == {"the same answer": 1}


@pytest.mark.parametrize("path", ["", "/v1"])
def test_server_is_asked_in_its_own_way_who_it_is(root: Path, path: str) -> None:
    with emulated(MODEL) as server:
        url = f"{server.url}{path}"
        (judge,) = looked(asked(root, url)).judges
        report = grade_outputs(asked(root, url))
        assert report.decided is not None
        identity = report.decided.heard[0].identity
        assert identity is not None and (judge.server, judge.digest) == (identity.server, identity.digest)
        assert looked(asked(root, url)).judges[0].left == 0


def test_what_is_asked_wrongly_is_told_at_once(root: Path) -> None:
    for changes in ({"rubric": "pairwise"}, {"rubric": "none"}, {"judges": ["m@ftp://x"]}):
        with pytest.raises(UsageError):
            looked(asked(root, **changes))


def test_model_that_the_server_lacks_is_told(root: Path) -> None:
    with emulated(Model(name="qwen3:4b")) as server:
        (judge,) = looked(asked(root, server.url)).judges
    assert "has no model llama3.1:8b" in str(judge.trouble)


def test_what_is_to_be_known_of_a_judge_is_told_before_it_is_asked(root: Path) -> None:
    settings = JudgeSettings(endpoint="http://127.0.0.1:9")
    (judge,) = looked(asked(root, judges=["llama3.2:1b"], settings=settings)).judges
    assert "It is not a judge" in judge.warnings[0]


def test_where_nothing_can_be_graded_it_says_so(root: Path) -> None:
    put(root / "empty.jsonl")
    with pytest.raises(Ungradable, match="holds no answers"):
        looked(replace(asked(root), target=str(root / "empty.jsonl")))
