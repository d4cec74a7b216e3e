"""The promises of ``local_grader.judge.Judge``, run against every implementation.

A subclass named ``Test...`` supplies the fixture ``judge``: one that was not prepared yet, whose model gives every prompt
a reply, and which the fixture closes.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_grader.judge import Identity, Judge, JudgeUnavailable, Prompt
from sync.errors import HybridError
from sync.progress import Silent

SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 40}, "verdict": {"enum": ["pass", "fail"]}},
    "required": ["reason", "verdict"],
}


def prompt(answer: str = "Paris") -> Prompt:
    return Prompt(system="You judge answers.", user=f"Question: the capital? Answer: {answer}", schema=SCHEMA)


class Meter(Silent):
    """Counts phases, and what is done in each."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None, str]] = []
        self.done: list[int] = []
        self.ended = 0

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        assert self.ended == len(self.begun)
        self.begun.append((label, total, unit))
        self.done.append(0)

    def advance(self, amount: int) -> None:
        assert amount >= 0
        self.done[-1] += amount

    def finish(self) -> None:
        self.ended += 1
        assert self.ended == len(self.begun)


def is_sentence(text: str) -> bool:
    return text[:1].isalnum() and text.endswith(".") and "\n" not in text


class JudgeContract:
    def test_a_prompt_gets_a_reply_that_fits_its_schema(self, judge: Judge) -> None:
        judge.prepare(Silent())
        reply = judge.ask(prompt())
        verdict = json.loads(reply.text)
        assert verdict["verdict"] in ("pass", "fail")
        for count in (reply.prompt_tokens, reply.reply_tokens, reply.served_s, reply.load_s):
            assert count is None or count >= 0

    def test_an_identity_never_changes(self, judge: Judge) -> None:
        first = judge.look().identity
        assert judge.prepare(Silent()).identity == first
        judge.ask(prompt(), attempt=3)
        assert judge.look().identity == first
        assert judge.prepare(Silent()).identity == first
        assert judge.look().identity.sha256() == first.sha256()

    def test_two_judges_of_the_same_kind_have_one_identity(
        self, judge: Judge, another: Callable[..., Judge]
    ) -> None:
        found: list[Identity] = []
        for each in (judge, another()):
            found.append(each.look().identity)
            each.close()
        assert found[0].sha256() == found[1].sha256()

    def test_an_identity_can_be_kept_as_json(self, judge: Judge) -> None:
        identity = judge.look().identity
        assert identity.model and identity.digest and identity.server
        assert json.loads(json.dumps(dict(identity.options))) == dict(identity.options)

    def test_preparing_tells_a_context_and_sentences(self, judge: Judge) -> None:
        prepared = judge.prepare(Silent())
        assert prepared.context is None or prepared.context > 0
        assert [each for each in prepared.warnings if not is_sentence(each)] == []
        assert set(judge.look().warnings) <= set(prepared.warnings)

    def test_preparing_ends_what_it_begins_to_meter(self, judge: Judge) -> None:
        meter = Meter()
        judge.prepare(meter)
        assert meter.ended == len(meter.begun)

    def test_several_threads_ask_at_once(self, judge: Judge) -> None:
        judge.prepare(Silent())
        names = [f"answer {index}" for index in range(24)]
        alone = [judge.ask(prompt(each)).text for each in names]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda each: judge.ask(prompt(each)).text, names))
        assert together == alone

    def test_a_look_does_not_prepare(self, judge: Judge) -> None:
        judge.look()
        with pytest.raises(RuntimeError):
            judge.ask(prompt())

    def test_letting_go_twice_is_letting_go_once(self, judge: Judge) -> None:
        judge.prepare(Silent())
        judge.close()
        judge.close()

    def test_one_that_was_never_prepared_can_be_let_go_of(self, judge: Judge) -> None:
        judge.close()
        judge.close()

    def test_one_that_was_let_go_of_judges_nothing_more(self, judge: Judge) -> None:
        judge.prepare(Silent())
        judge.close()
        with pytest.raises(JudgeUnavailable):
            judge.ask(prompt())
        with pytest.raises(JudgeUnavailable):
            judge.prepare(Silent())
        with pytest.raises(JudgeUnavailable):
            judge.look()

    def test_fetching_the_model_succeeds_or_says_why_not(self, judge: Judge) -> None:
        meter = Meter()
        try:
            judge.pull(meter)
        except HybridError as error:
            assert isinstance(error, JudgeUnavailable)
            assert is_sentence(str(error)) and error.hint
        assert meter.ended == len(meter.begun)
