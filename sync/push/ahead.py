"""Runs an iterator in a thread of its own, some items ahead of who takes them."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterator[T], most: int) -> Iterator[Iterator[T]]:
    """``items``, of which at most ``most`` wait to be taken. What they raise is raised where they are taken.

    At the end of the context the thread has ended, whether all was taken or not. Worth it where both sides spend their
    time outside the interpreter: reading, hashing, compressing.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(most)
    stopped = threading.Event()

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                waiting.put(item)
                if stopped.is_set():
                    return
        except BaseException as raised:
            error = raised
        waiting.put(_End(error))

    def taken() -> Iterator[T]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        while (
            thread.is_alive()
        ):  # it may be about to put something: make room until it has seen that nobody takes it
            try:
                waiting.get(timeout=0.01)
            except queue.Empty:
                continue
        thread.join()
