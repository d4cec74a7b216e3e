"""Other processes that work for this one, each over a pipe of its own.

``concurrent.futures`` has one pipe for what all of them answer. When one is killed in the midst of an answer, the others hold that pipe
open, and whoever reads it waits for the rest for ever. Here the end of a process is the end of its pipe. Nor is there
anything that processes share, such as locks, which some systems do not have.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2
"""Answers a process that are held, or still to come, while the first of them is waited for."""


def in_order(
    begin: Callable[[], Callable[[T], R]], todo: Iterable[T], processes: int
) -> Generator[R, None, None]:
    """What comes of each of ``todo``, in their order. Each process calls ``begin`` once, and what that returns for each
    of the things that it is given; both travel there.

    Raises EOFError or OSError where a process cannot be begun, or has ended before its time.
    """
    with ExitStack() as stack:
        crew = _Crew[T, R]([_start(begin, stack) for _ in range(processes)])
        for thing in todo:
            crew.give(thing)
            yield from crew.ready()
            while crew.held >= _AHEAD * processes:
                crew.listen()
                yield from crew.ready()
        while crew.held:
            crew.listen()
            yield from crew.ready()


class _Crew(Generic[T, R]):
    """Processes by their pipes, and who works on what. Each has one thing at a time: it reads nothing while it answers, and were it
    given more than its pipe takes, both sides would wait."""

    def __init__(self, connections: list[Connection]) -> None:
        self._starting = set(connections)
        self._idle: deque[Connection] = deque()
        self._places: dict[Connection, int] = {}
        self._answers: dict[int, R] = {}
        self._given = self._taken = 0

    @property
    def held(self) -> int:
        """Things that were given and whose answers were not taken yet."""
        return self._given - self._taken

    def give(self, thing: T) -> None:
        while not self._idle:
            self.listen()
        connection = self._idle.popleft()
        connection.send(thing)
        self._places[connection] = self._given
        self._given += 1

    def listen(self) -> None:
        """Waits until any process has answered, or is ready for its first thing."""
        open_ = [*self._starting, *self._places]
        heard = wait(open_)
        for connection in open_:
            if connection in heard:
                answer = connection.recv()
                if connection in self._starting:
                    self._starting.remove(connection)
                else:
                    self._answers[self._places.pop(connection)] = answer
                self._idle.append(connection)

    def ready(self) -> Iterator[R]:
        """Takes the answers that are next in order, as far as they are there."""
        while self._taken in self._answers:
            self._taken += 1
            yield self._answers.pop(self._taken - 1)


def _start(begin: Callable[[], Callable[[Any], Any]], stack: ExitStack) -> Connection:
    """A process that is gone, however the ``stack`` is left: it has nothing to put in order."""
    # Spawned everywhere: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stack.callback(ours.close)
    with theirs:
        process = context.Process(target=_serve, args=(theirs, begin), daemon=True)
        process.start()
    stack.callback(process.join)
    stack.callback(process.kill)
    return ours


def _serve(connection: Connection, begin: Callable[[], Callable[[Any], Any]]) -> None:
    """In the other process, until this one lets go of the pipe, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends at once, and says nothing
    work = begin()
    try:
        connection.send(None)
        while True:
            connection.send(work(connection.recv()))
    except (EOFError, OSError):
        return
