"""The twin without a server keeps the contract, and says what its script says."""

from collections.abc import Callable

import pytest

from local_grader.judge import CannotJudge, Judge, Prompt, Reply
from local_grader.judges.scripted import ScriptedJudge
from sync.progress import Silent
from tests.contracts.judge_contract import JudgeContract, prompt


def passes(asked: Prompt, attempt: int) -> str:
    return f'{{"reason": "{len(asked.user)}", "verdict": "pass"}}'


class TestScriptedJudge(JudgeContract):
    @pytest.fixture
    def judge(self) -> Judge:
        return ScriptedJudge(passes)

    @pytest.fixture
    def another(self) -> Callable[..., Judge]:
        return lambda: ScriptedJudge(passes)


def test_a_script_gives_replies_and_troubles_by_attempt() -> None:
    def script(asked: Prompt, attempt: int) -> Reply:
        if attempt == 0:
            raise CannotJudge("server busy", is_busy=True)
        return Reply(text="{}", prompt_tokens=7)

    judge = ScriptedJudge(script, name="twin", context=64)
    assert judge.prepare(Silent()).context == 64
    with pytest.raises(CannotJudge):
        judge.ask(prompt())
    assert judge.ask(prompt(), attempt=1) == Reply(text="{}", prompt_tokens=7)
    assert judge.look().identity.model == "twin"
