"""Calls that wait for a remote, side by side.

The threads end with the process: one that waits for a dead line must not keep a command alive that was interrupted.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Answer(Generic[T]):
    """What a call will return. Calling it waits for that, or raises what the call raised; do so once."""

    def __init__(self, wait: Callable[[], T], is_there: Callable[[], bool]) -> None:
        self._wait = wait
        self._is_there = is_there

    def __call__(self) -> T:
        return self._wait()

    @property
    def is_there(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self._is_there()


class Lanes:
    """At most ``count`` calls run at a time, in the order in which they were started.

    With one lane there is no thread: a call runs when it is asked for what it returns, in the thread that asks.
    A context: where it is left without an error, it waits for the calls that run, and those that wait never begin.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = max(1, count)
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def start(self, call: Callable[[], T]) -> Answer[T]:
        """Lets the call begin as soon as a lane is free."""
        if self.count == 1 or self._closed:
            return Answer(call, lambda: False)
        future: Future[T] = Future()
        self._waiting.put((future, call))
        if len(self._threads) < self.count:
            thread = threading.Thread(target=self._serve, name=f"lane-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return Answer(future.result, future.done)

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        if kind is None:
            for thread in self._threads:
                thread.join()

    def _serve(self) -> None:
        while (item := self._waiting.get()) is not None:
            future, call = item
            if self._closed:
                future.cancel()
            elif future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # whatever it is, it belongs to who asks for the answer
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del item, future, call  # what a call returned may be large
