"""The judge over OpenAI's API before a real llama.cpp: what a grammar holds, what it does not, and what is too long."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest

from local_grader.judge import CannotJudge, Judge, Prompt
from local_grader.judges import JudgeSettings, open_judge
from local_grader.rubrics.prompts import prompts_for
from local_grader.rubrics.rubric import Criterion, Kind, Rubric
from local_grader.rubrics.verdicts import BadReply, check
from local_grader.samples import Sample
from sync.clock import SystemClock
from sync.progress import Silent
from tests.contracts.judge_contract import JudgeContract
from tests.engine.conftest import CONTEXT
from tests.engine.llama_server import MODEL, LlamaServer

VERDICT = Rubric(
    name="correct",
    kind=Kind.VERDICT,
    question="Is the answer right?",
    instructions="Compare it with the reference.",
    verdicts={"pass": 1.0, "fail": 0.0},
    sha256="0" * 64,
    needs=("prompt", "reference"),
)
CRITERIA = Rubric(
    name="several",
    kind=Kind.CRITERIA,
    question="Which criteria does the answer meet?",
    instructions="Look at each.",
    verdicts={"yes": 1.0, "no": 0.0},
    sha256="1" * 64,
    criteria=[
        Criterion(name="short", question="Is it short?"),
        Criterion(name="polite", question="Is it polite?"),
    ],
)


def sample(number: int) -> Sample:
    return Sample(
        id=str(number), answer=f"It is {number}.", place="line 1", prompt="How many are there?", reference="7"
    )


def opened(server: LlamaServer, **settings: Any) -> Judge:
    settings = {"context": CONTEXT, "reply_tokens": 500} | settings
    return open_judge(f"{MODEL}@{server.url}/v1", JudgeSettings(**settings), SystemClock())


@pytest.fixture
def judge(engine: LlamaServer) -> Iterator[Judge]:
    judge = opened(engine)
    judge.prepare(Silent())
    yield judge
    judge.close()


class TestOpenAIJudgeWithLlama(JudgeContract):
    @pytest.fixture
    def another(self, engine: LlamaServer) -> Callable[[], Judge]:
        return lambda: opened(engine)

    @pytest.fixture
    def judge(self, another: Callable[[], Judge]) -> Iterator[Judge]:
        judge = another()
        yield judge
        judge.close()


@pytest.mark.parametrize("rubric", [VERDICT, CRITERIA], ids=lambda each: each.name)
def test_replies_of_a_model_that_knows_nothing_fit_the_rubric(judge: Judge, rubric: Rubric) -> None:
    verdicts = []
    for number in range(10):
        (prompt,) = prompts_for(rubric, sample(number))
        text = judge.ask(prompt, attempt=number).text
        check(rubric, text)
        verdicts.append(text)
    assert len(set(verdicts)) > 1


def test_the_reason_comes_before_the_verdict(judge: Judge) -> None:
    (prompt,) = prompts_for(VERDICT, sample(1))
    assert list(json.loads(judge.ask(prompt).text)) == ["reason", "verdict"]


def test_the_context_is_read_from_the_server_and_overlong_prompts_are_refused(engine: LlamaServer) -> None:
    judge = opened(engine)
    prepared = judge.prepare(Silent())
    assert prepared.context == CONTEXT
    assert not any("cut prompts" in warning for warning in prepared.warnings)
    with pytest.raises(CannotJudge) as caught:
        judge.ask(Prompt(system="Judge.", user="word " * 3 * CONTEXT, schema={"type": "boolean"}))
    judge.close()
    assert (caught.value.reason, caught.value.is_passing) == ("prompt too long", False)
    assert str(CONTEXT) in str(caught.value)


def test_a_reply_that_does_not_end_in_time_is_told_as_cut_off(engine: LlamaServer) -> None:
    judge = opened(engine, reply_tokens=3)
    judge.prepare(Silent())
    (prompt,) = prompts_for(VERDICT, sample(1))
    with pytest.raises(CannotJudge) as caught:
        judge.ask(prompt)
    judge.close()
    assert caught.value.reason == "reply cut off"


def test_what_prompts_have_in_common_is_not_read_again(engine: LlamaServer, judge: Judge) -> None:
    prompts = [prompts_for(VERDICT, sample(number))[0] for number in range(4)]
    for prompt in prompts:
        assert prompt.system == prompts[0].system
        judge.ask(prompt)
    # The server's own count, for the next prompt of the rubric and for one that has nothing in common with it.
    assert _cached(engine, prompts_for(VERDICT, sample(5))[0]) > 0.7
    assert _cached(engine, Prompt(system="Quite another. " * 20, user="thing", schema={})) < 0.1


def _cached(engine: LlamaServer, prompt: Prompt) -> float:
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    told = engine.post("/v1/chat/completions", {"messages": messages, "max_tokens": 1})
    timings = told["timings"]
    assert timings["cache_n"] + timings["prompt_n"] == told["usage"]["prompt_tokens"]
    return float(timings["cache_n"] / told["usage"]["prompt_tokens"])


def test_replies_that_parse_may_break_what_the_grammar_leaves_out(judge: Judge) -> None:
    """A range binds whole numbers and no others, so that validation has to see to them."""
    within = {"minimum": 0, "maximum": 5}
    properties = {"points": {"type": "integer", **within}, "score": {"type": "number", **within}}
    schema = {"type": "object", "properties": properties, "required": ["points", "score"]}
    prompts = [Prompt(system="Judge.", user=f"Sample {number}.", schema=schema) for number in range(10)]
    replies = [json.loads(judge.ask(prompt).text) for prompt in prompts]
    assert all(0 <= each["points"] <= 5 for each in replies)
    assert any(not jsonschema.Draft202012Validator(schema).is_valid(each) for each in replies)


def test_a_reply_under_a_laxer_schema_is_no_verdict(judge: Judge) -> None:
    """As from a server that takes a schema for a mere hint."""
    word = {"type": "string", "maxLength": 12}
    lax = {
        "type": "object",
        "properties": {"reason": word, "verdict": word},
        "required": ["reason", "verdict"],
    }
    (strict,) = prompts_for(VERDICT, sample(1))
    text = judge.ask(Prompt(system=strict.system, user=strict.user, schema=lax)).text
    assert json.loads(text).keys() == {"reason", "verdict"}
    with pytest.raises(BadReply):
        check(VERDICT, text)


def test_slots_answer_side_by_side_and_every_reply_fits(judge: Judge) -> None:
    prompts = [prompts_for(VERDICT, sample(number))[0] for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        for reply in threads.map(judge.ask, prompts):
            check(VERDICT, reply.text)
