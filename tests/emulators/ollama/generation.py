"""One reply from the arrival of the request to its last token, at the pace of a model that would write it."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from .asked import Asked, Refusal
from .connection import Connection
from .faults import Fault, Kind, Plan
from .filling import in_order
from .loading import Memory, Runner, Slot, load_options
from .models import Model, Speed, full_name
from .parsing import Version
from .tokens import PromptTooLong, Window, fitted, rendered, shared_tokens, tokens_of

THOUGHT = "Okay, so I read what was asked, then what was answered, and compare them before I say anything."

_DIED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
    "check ollama server logs for details"
)
_SOMETHING = "It is so, as far as one can tell."  # said until a fault breaks it off
_LONGEST_RUN = 30  # so many equal tokens in a row, and the server ends the reply without a last record
_LLAMA_SERVER_ONLY = (0, 30)
_PIECE_S = 0.01  # tokens of a stream that come faster than this come together

Answer = Callable[[Asked], str | Fault]


class HangUp(Exception):
    """The connection is to end here, in the middle of whatever is being said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    text: str
    is_thought: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """Durations in nanoseconds, measured, not made up."""

    reason: str
    total_ns: int = 0
    load_ns: int = 0
    prompt_count: int = 0
    prompt_ns: int = 0
    reply_count: int = 0
    reply_ns: int = 0


@dataclass(kw_only=True)
class Engine:
    """``die`` ends the server for so many seconds (None: for ever), and returns at once."""

    models: dict[str, Model]
    memory: Memory
    plan: Plan
    answer: Answer
    speed: Speed
    version: Version
    told_version: str
    context: int
    keep_alive_s: float
    no_cloud: bool
    die: Callable[[float | None], None]

    def find(self, name: str) -> Model:
        """Raises Refusal (404)."""
        model = self.models.get(full_name(name))
        if model is None:
            raise Refusal(404, f"model '{name}' not found")
        return model

    def sorts_keys(self, asked: Asked) -> bool:
        """Whether the grammar asks for the keys of an object in alphabetical order."""
        return self.find(asked.model).native and self.version >= _LLAMA_SERVER_ONLY

    def reply(self, asked: Asked, connection: Connection) -> Iterator[Piece | Final]:
        """Ends without Final where the server would say nothing more. Raises Refusal, HangUp and Gone."""
        began = time.perf_counter_ns()
        fault = self.plan.strikes(asked)
        if fault and fault.kind is Kind.STATUS:
            raise Refusal(fault.status, fault.text or "something went wrong")
        model = self.find(asked.model)
        if model.remote_host and self.no_cloud:
            raise Refusal(403, "ollama cloud is disabled: remote model is unavailable")
        if asked.think and not model.thinking:
            raise Refusal(400, f'"{asked.model}" does not support thinking')
        keep_alive_s = self.keep_alive_s if asked.keep_alive_s is None else asked.keep_alive_s
        if not asked.messages and keep_alive_s == 0:
            self.memory.unload(model)
            yield Final(reason="unload", total_ns=time.perf_counter_ns() - began, load_ns=0)
            return
        options = load_options(model, asked.options, self.context, asked.shift)
        with self.memory.loaded(model, options, keep_alive_s, connection) as runner:
            load_ns = time.perf_counter_ns() - began
            if not asked.messages:
                yield Final(reason="load", total_ns=load_ns, load_ns=load_ns)
                return
            prompt = self._fitted(asked, runner)
            with self.memory.slot(runner, prompt, connection) as slot:
                work = _Work(self, asked, connection, runner, slot, prompt, fault)
                final = yield from work.pieces()
            if final is not None:
                yield replace(final, total_ns=time.perf_counter_ns() - began, load_ns=load_ns)

    def _fitted(self, asked: Asked, runner: Runner) -> str:
        window = Window(
            size=runner.options.num_ctx,
            keep=int(asked.options.get("num_keep") or 4),
            truncate=asked.truncate,
            shift=bool(dict(runner.options.others)["shift"]),
            halves=self.version >= _LLAMA_SERVER_ONLY,
            native=runner.model.native and self.version >= _LLAMA_SERVER_ONLY,
        )
        try:
            prompt = fitted(asked.messages, window)
        except PromptTooLong as error:
            raise Refusal(400, str(error)) from None
        asked.was_cut = prompt != rendered(asked.messages)
        asked.prompt_tokens = len(tokens_of(prompt))
        return prompt


class _Work:
    """What happens in a slot."""

    def __init__(
        self,
        engine: Engine,
        asked: Asked,
        connection: Connection,
        runner: Runner,
        slot: Slot,
        prompt: str,
        fault: Fault | None,
    ) -> None:
        self._engine, self._asked, self._connection = engine, asked, connection
        self._runner, self._slot, self._prompt = runner, slot, prompt
        said = fault.text if fault and fault.kind is Kind.SAYS else engine.answer(asked)
        self._fault = said if isinstance(said, Fault) else fault
        self._text = (said.text or _SOMETHING) if isinstance(said, Fault) else said
        if not self._fault or self._fault.kind is not Kind.SAYS:
            self._text = self._ordered(self._text)

    def pieces(self) -> Generator[Piece, None, Final | None]:
        """Returns None where there is no last record; loading and the whole are for the caller to measure."""
        prompt_ns = self._read()
        words, reason = self._words()
        began = time.perf_counter_ns()
        yield from self._spoken(words)
        self._asked.reply_tokens = len(words)
        if reason:
            return Final(
                reason=reason,
                prompt_count=self._asked.prompt_tokens,
                prompt_ns=prompt_ns,
                reply_count=len(words),
                reply_ns=time.perf_counter_ns() - began,
            )
        yield from self._break()
        return None

    def _ordered(self, text: str) -> str:
        schema = self._asked.schema
        sorts = self._engine.sorts_keys(self._asked)
        return text if schema is None else in_order(text, schema, alphabetical=sorts)

    def _read(self) -> int:
        began = time.perf_counter_ns()
        asked = self._asked
        asked.cached_tokens = min(shared_tokens(self._slot.prompt, self._prompt), asked.prompt_tokens - 1)
        self._pause((asked.prompt_tokens - asked.cached_tokens) / self._engine.speed.prompt_per_s)
        self._slot.prompt = self._prompt
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
        per_s = self._engine.speed.reply_per_s
        slow_s = (self._fault.seconds or 0.0) if self._fault and self._fault.kind is Kind.SLOW else 0.0
        together = 1 if math.isinf(per_s) else max(1, math.ceil(_PIECE_S * per_s))
        if not self._asked.stream:
            together = max(1, len(words))
        began = time.monotonic()
        for start in range(0, len(words), together):
            self._connection.pause_until(began + (start + len(words[start : start + together])) / per_s)
            if slow_s:
                began += slow_s
                self._connection.pause(slow_s)
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
                self._engine.memory.kill(self._runner)
                raise Refusal(500, _DIED)
            case Kind.SERVER_DIED:
                self._engine.die(fault.seconds if fault else None)
                raise HangUp
            case Kind.ERROR_LINE:
                yield Piece(text="")  # the status 200 is out before the error
                raise Refusal(
                    500, (fault.text if fault else "") or "an error was encountered while running the model"
                )

    def _pause(self, seconds: float) -> None:
        self._connection.pause(seconds)
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
