"""One request from its arrival to the last record: is it allowed, which model, which slot, and what is left of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .asked import Asked, Refusal
from .connection import Connection
from .faults import Kind, Plan
from .loading import Memory, Runner, load_options
from .models import Model, full_name
from .parsing import Version
from .pieces import Final, Piece, Task, Writer
from .tokens import PromptTooLong, Window

_LLAMA_SERVER_ONLY = (0, 30)


@dataclass(kw_only=True)
class Engine:
    """The server behind its endpoints."""

    models: dict[str, Model]
    memory: Memory
    plan: Plan
    writer: Writer
    version: Version
    told_version: str
    context: int
    keep_alive_s: float
    no_cloud: bool

    def find(self, name: str) -> Model:
        """Raises Refusal (404)."""
        model = self.models.get(full_name(name))
        if model is None:
            raise Refusal(404, f"model '{name}' not found")
        return model

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
                task = Task(
                    asked=asked,
                    connection=connection,
                    runner=runner,
                    slot=slot,
                    prompt=prompt,
                    fault=fault,
                    sorts_keys=self._is_native(model),
                )
                final = yield from self.writer.write(task)
            if final is not None:
                yield replace(final, total_ns=time.perf_counter_ns() - began, load_ns=load_ns)

    def _fitted(self, asked: Asked, runner: Runner) -> str:
        window = Window(
            size=runner.options.num_ctx,
            keep=int(asked.options.get("num_keep") or 4),
            truncate=asked.truncate,
            shift=bool(dict(runner.options.others)["shift"]),
            halves=self.version >= _LLAMA_SERVER_ONLY,
            native=self._is_native(runner.model),
        )
        try:
            return self.writer.fitted(asked, window)
        except PromptTooLong as error:
            raise Refusal(400, str(error)) from None

    def _is_native(self, model: Model) -> bool:
        return model.native and self.version >= _LLAMA_SERVER_ONLY
