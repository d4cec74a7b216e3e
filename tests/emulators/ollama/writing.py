"""Replies of a model that only seems to be one: what it says is given, when and whether it ends is emulated."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from .asked import Asked, Refusal
from .faults import Fault, Kind
from .filling import filled, in_order
from .loading import Memory
from .models import Speed
from .pieces import Final, HangUp, Piece, Task
from .tokens import Window, fitted, rendered, shared_tokens, tokens_of

THOUGHT = "Okay, so I read what was asked, then what was answered, and compare them before I say anything."

_DIED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
    "check ollama server logs for details"
)
_SOMETHING = "It is so, as far as one can tell."  # said until a fault breaks it off
_LONGEST_RUN = 30  # so many equal tokens in a row, and the server ends the reply without a last record
_PIECE_S = 0.01  # tokens of a stream that come faster than this come together

Answer = Callable[[Asked], str | Fault]


def default_answer(asked: Asked) -> str:
    """Decided by the prompt alone."""
    if asked.schema is not None:
        return filled(asked.schema, asked.prompt)
    return '{"text": "It is so."}' if asked.format == "json" else _SOMETHING


@dataclass(frozen=True, kw_only=True)
class EmulatedWriter:
    """``die`` ends the server for so many seconds (None: for ever), and returns at once."""

    answer: Answer
    speed: Speed
    memory: Memory
    die: Callable[[float | None], None]

    def fitted(self, asked: Asked, window: Window) -> str:
        prompt = fitted(asked.messages, window)
        asked.was_cut = prompt != rendered(asked.messages)
        asked.shown = prompt
        asked.prompt_tokens = len(tokens_of(prompt))
        return prompt

    def write(self, task: Task) -> Generator[Piece, None, Final | None]:
        return (yield from _Work(self, task).pieces())


class _Work:
    """One task under way."""

    def __init__(self, writer: "EmulatedWriter", task: Task) -> None:
        self._writer, self._task = writer, task
        self._asked, self._runner, self._slot = task.asked, task.runner, task.slot
        fault = task.fault
        said = fault.text if fault and fault.kind is Kind.SAYS else writer.answer(task.asked)
        self._fault = said if isinstance(said, Fault) else fault
        self._text = (said.text or _SOMETHING) if isinstance(said, Fault) else said
        if not self._fault or self._fault.kind is not Kind.SAYS:
            self._text = self._ordered(self._text)

    def pieces(self) -> Generator[Piece, None, Final | None]:
        prompt_ns = self._read()
        words, reason = self._words()
        began = time.perf_counter_ns()
        yield from self._spoken(words)
        # The token that ends a reply is one that was written, too.
        self._asked.reply_tokens = len(words) + (reason == "stop")
        if reason:
            return Final(
                reason=reason,
                prompt_count=self._asked.prompt_tokens,
                prompt_ns=prompt_ns,
                reply_count=self._asked.reply_tokens,
                reply_ns=time.perf_counter_ns() - began,
            )
        yield from self._break()
        return None

    def _ordered(self, text: str) -> str:
        schema = self._asked.schema
        return text if schema is None else in_order(text, schema, alphabetical=self._task.sorts_keys)

    def _read(self) -> int:
        began = time.perf_counter_ns()
        asked = self._asked
        asked.cached_tokens = min(
            shared_tokens(self._slot.prompt, self._task.prompt), asked.prompt_tokens - 1
        )
        self._pause((asked.prompt_tokens - asked.cached_tokens) / self._writer.speed.prompt_per_s)
        self._slot.prompt = self._task.prompt
        return time.perf_counter_ns() - began

    def _words(self) -> tuple[list[Piece], str]:
        """The tokens that are said, and why they end; no reason where the fault or the server breaks them off."""
        asked, options = self._asked, self._runner.options
        thinks = self._runner.model.thinking and asked.think is not False
        words = [Piece(text=each, is_thought=True) for each in tokens_of(THOUGHT)] if thinks else []
        words += [Piece(text=each) for each in tokens_of(self._text)]
        limit = int(asked.options.get("num_predict", -1))
        limit = 10 * options.num_ctx if limit < 0 else limit
        if not dict(options.others)["shift"]:
            limit = min(limit, options.num_ctx - asked.prompt_tokens)
        reason = "length" if len(words) >= limit else "stop"
        words = words[:limit]
        repeated = _end_of_run(words)
        if repeated is not None:
            return words[:repeated], ""
        if self._fault and self._fault.kind not in (Kind.SAYS, Kind.SLOW):
            return words[: self._fault.pieces], "length" if self._fault.kind is Kind.CUT else ""
        return words, reason

    def _spoken(self, words: list[Piece]) -> Iterator[Piece]:
        per_s = self._writer.speed.reply_per_s
        slow_s = (self._fault.seconds or 0.0) if self._fault and self._fault.kind is Kind.SLOW else 0.0
        together = 1 if math.isinf(per_s) else max(1, math.ceil(_PIECE_S * per_s))
        if not self._asked.stream:
            together = max(1, len(words))
        began = time.monotonic()
        for start in range(0, len(words), together):
            self._task.connection.pause_until(began + (start + len(words[start : start + together])) / per_s)
            if slow_s:
                began += slow_s
                self._task.connection.pause(slow_s)
            if self._runner.died:
                raise Refusal(500, _DIED)
            yield from _joined(words[start : start + together])

    def _break(self) -> Iterator[Piece]:
        """How a reply ends that has no proper end."""
        fault = self._fault
        match fault.kind if fault else Kind.UNFINISHED:
            case Kind.STALLED:
                self._pause(math.inf)
            case Kind.HANG_UP:
                raise HangUp
            case Kind.RUNNER_DIED:
                self._writer.memory.kill(self._runner)
                raise Refusal(500, _DIED)
            case Kind.SERVER_DIED:
                self._writer.die(fault.seconds if fault else None)
                raise HangUp
            case Kind.ERROR_LINE:
                yield Piece(text="")  # the status 200 is out before the error
                raise Refusal(
                    500, (fault.text if fault else "") or "an error was encountered while running the model"
                )

    def _pause(self, seconds: float) -> None:
        self._task.connection.pause(seconds)
        if self._runner.died:
            raise Refusal(500, _DIED)


def _joined(words: list[Piece]) -> Iterator[Piece]:
    for is_thought in (True, False):
        text = "".join(each.text for each in words if each.is_thought is is_thought)
        if text:
            yield Piece(text=text, is_thought=is_thought)


def _end_of_run(words: list[Piece]) -> int | None:
    run = 0
    for number, each in enumerate(words):
        run = run + 1 if number and each.text == words[number - 1].text else 1
        if run > _LONGEST_RUN:
            return number
    return None
