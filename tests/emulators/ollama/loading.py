"""Which models are in memory: loads, reloads, the queue of those who wait for one, and the slots of each."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .asked import Refusal
from .connection import Connection
from .models import Model
from .tokens import shared_tokens, tokens_of

_POLL_S = 0.05
_BUSY = "server busy, please try again.  maximum pending requests exceeded"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOptions:
    """What a model was started with. A request that differs in any of it has the model loaded again."""

    num_ctx: int
    others: tuple[tuple[str, Any], ...] = ()


_OTHERS = ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict")


def load_options(
    model: Model, options: Mapping[str, Any], default_context: int, shift: bool | None
) -> LoadOptions:
    context = int(options.get("num_ctx") or default_context)
    others = {name: options[name] for name in _OTHERS if options.get(name) is not None}
    others["shift"] = model.shifts and shift is not False
    return LoadOptions(
        num_ctx=max(4, min(context, model.trained_context)), others=tuple(sorted(others.items()))
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """One load of a model that began; ``aborted`` if the client that had asked for it left."""

    model: str
    options: LoadOptions
    aborted: bool = False


@dataclass(eq=False, slots=True)
class Slot:
    """Remembers the last prompt, of which the next one need not be read again as far as they agree."""

    prompt: str = ""
    used: float = 0.0


@dataclass(eq=False, slots=True)
class Runner:
    """A loaded model. ``users`` are requests that have it; it is unloaded only when there are none."""

    model: Model
    options: LoadOptions
    free: list[Slot]
    waiting: list[object] = field(default_factory=list)
    users: int = 0
    keep_alive_s: float = 300.0
    expires: float = 0.0
    died: bool = False


@dataclass(eq=False, slots=True)
class Busy:
    """How long slots were taken: ``taken_s`` summed over slots, between ``first`` and ``last`` on the clock."""

    taken_s: float = 0.0
    first: float | None = None
    last: float = 0.0


class Memory:
    """``load`` is told of each load, and returns the seconds that it takes from then on."""

    def __init__(
        self, *, slots: int, max_queue: int, max_loaded: int, load: Callable[[Model, LoadOptions], float]
    ) -> None:
        self._slots = slots
        self._max_queue = max_queue
        self._max_loaded = max_loaded
        self._start = load
        self._changed = threading.Condition()
        self._queue: list[object] = []
        self._runners: dict[str, Runner] = {}
        self.loads: list[Load] = []
        self.busy = Busy()

    @contextmanager
    def loaded(
        self, model: Model, options: LoadOptions, keep_alive_s: float, connection: Connection
    ) -> Iterator[Runner]:
        """The model with these options, kept while it is used. Raises Refusal (503) and Gone."""
        runner = self._take(model, options, connection)
        try:
            yield runner
        finally:
            with self._changed:
                runner.users -= 1
                runner.keep_alive_s = keep_alive_s
                runner.expires = time.monotonic() + keep_alive_s
                self._forget_expired()
                self._changed.notify_all()

    @contextmanager
    def slot(self, runner: Runner, prompt: str, connection: Connection) -> Iterator[Slot]:
        """One of the runner's slots, in the order of arrival. Raises Gone."""
        ticket = object()
        with self._changed:
            runner.waiting.append(ticket)
            try:
                while not runner.free or runner.waiting[0] is not ticket:
                    self._wait(connection)
            finally:
                runner.waiting.remove(ticket)
                self._changed.notify_all()
            slot = _likest(runner.free, prompt)
            runner.free.remove(slot)
            began = time.monotonic()
            self.busy.first = began if self.busy.first is None else self.busy.first
        try:
            yield slot
        finally:
            with self._changed:
                slot.used = time.monotonic()
                runner.free.append(slot)
                self.busy.taken_s += slot.used - began
                self.busy.last = slot.used
                self._changed.notify_all()

    def unload(self, model: Model) -> None:
        with self._changed:
            if model.name in self._runners:
                self._runners[model.name].keep_alive_s = 0.0
                self._runners[model.name].expires = 0.0
                self._forget_expired()

    def kill(self, runner: Runner) -> None:
        """All that it works on fails, and the next request loads it again."""
        with self._changed:
            runner.died = True
            if self._runners.get(runner.model.name) is runner:
                del self._runners[runner.model.name]
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._runners.clear()

    def resident(self) -> list[Runner]:
        with self._changed:
            self._forget_expired()
            return list(self._runners.values())

    def _take(self, model: Model, options: LoadOptions, connection: Connection) -> Runner:
        ticket = object()
        with self._changed:
            self._forget_expired()
            runner = self._runners.get(model.name)
            if not self._queue and runner and runner.options == options:
                runner.users += 1
                return runner
            if len(self._queue) >= self._max_queue:
                raise Refusal(503, _BUSY)
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket:
                    self._wait(connection)
                runner = self._runners.get(model.name)
                if not runner or runner.options != options:
                    self._make_room(model, connection)
                    runner = self._load(model, options, connection)
                runner.users += 1
                return runner
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _make_room(self, model: Model, connection: Connection) -> None:
        """A model with other options goes first, then whichever was used longest ago; each when nobody uses it."""
        while True:
            own = self._runners.get(model.name)
            if own is None and len(self._runners) < self._max_loaded:
                return
            idle = [each for each in ([own] if own else self._runners.values()) if not each.users]
            if idle:
                del self._runners[min(idle, key=lambda each: each.expires - each.keep_alive_s).model.name]
            else:
                self._wait(connection)

    def _load(self, model: Model, options: LoadOptions, connection: Connection) -> Runner:
        self._changed.release()
        aborted = True
        try:
            connection.pause(self._start(model, options))
            aborted = False
        finally:
            self._changed.acquire()
            self.loads.append(Load(model=model.name, options=options, aborted=aborted))
        slots = 1 if model.one_slot else self._slots
        runner = Runner(model=model, options=options, free=[Slot() for _ in range(slots)])
        self._runners[model.name] = runner
        return runner

    def _wait(self, connection: Connection) -> None:
        self._changed.wait(_POLL_S)
        connection.check()

    def _forget_expired(self) -> None:
        now = time.monotonic()
        for name, runner in list(self._runners.items()):
            if not runner.users and runner.expires <= now:
                del self._runners[name]


def _likest(free: list[Slot], prompt: str) -> Slot:
    """The slot whose last prompt shares most with this one, if that is a tenth; else the one that rested longest."""
    best = max(free, key=lambda each: shared_tokens(each.prompt, prompt))
    if best.prompt and shared_tokens(best.prompt, prompt) >= 0.1 * len(tokens_of(prompt)):
        return best
    return min(free, key=lambda each: each.used)
