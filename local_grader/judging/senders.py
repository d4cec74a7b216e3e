"""The threads that send prompts to a judge, and hand back what came of each."""

import queue
import threading
from dataclasses import dataclass

from sync.clock import Clock

from ..judge import CannotJudge, Judge, Prompt, Reply

_LISTEN_S = 0.5
"""Waiting goes in pieces of it, since on Windows ^C ends no wait that has no end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """``prompt`` by its hash; ``result`` may be any error, for the thread that decides to raise."""

    prompt: str
    result: Reply | CannotJudge | BaseException
    wall_s: float


class Senders:
    """Used by one thread. ``flying`` is how many prompts are under way; there are as many threads as ever were."""

    def __init__(self, judge: Judge, clock: Clock) -> None:
        self.flying = 0
        self._judge = judge
        self._clock = clock
        self._jobs: queue.SimpleQueue[tuple[Prompt, int] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def send(self, prompt: Prompt, attempt: int) -> None:
        self.flying += 1
        if self.flying > len(self._threads):
            self._threads.append(threading.Thread(target=self._work, name="judge", daemon=True))
            self._threads[-1].start()
        self._jobs.put((prompt, attempt))

    def arrived(self, within_s: float) -> list[Outcome]:
        """What has come back; waits for the first of it for about ``within_s`` seconds, or less."""
        outcomes = []
        try:
            outcomes.append(self._outcomes.get(timeout=max(0.01, min(within_s, _LISTEN_S))))
            while True:
                outcomes.append(self._outcomes.get_nowait())
        except queue.Empty:
            pass
        self.flying -= len(outcomes)
        return outcomes

    def close(self) -> None:
        """Nothing more is sent; what is under way is not waited for."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            prompt, attempt = job
            start = self._clock.monotonic()
            result: Reply | BaseException
            try:
                result = self._judge.ask(prompt, attempt)
            except BaseException as error:  # whatever it is, the deciding thread raises it
                result = error
            wall_s = self._clock.monotonic() - start
            self._outcomes.put(Outcome(prompt=prompt.sha256, result=result, wall_s=wall_s))
