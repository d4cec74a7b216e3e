"""Gets every prompt answered by one judge: threads send, one thread decides and writes down.

What was answered before comes from the journal; the judge is prepared only where something is left. The first prompt goes alone, so that the server has worked through the
part that all share, unless the number of slots is given; then as many as the pace allows. Prompts go in the order of their
text, since those that begin alike share the server's work. What another grading asks just now, or has answered since, is
not asked here. The deciding thread never sends, and the sending threads never decide, so that a slow disk leaves no slot
idle and each answer is on disk before it counts.
"""

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sync.clock import Clock
from sync.progress import Progress

from ..judge import CannotJudge, Judge, NotNow, Prepared, Prompt, Reply
from ..rubrics.verdicts import BAD_REPLY, BadReply
from .absence import Absence
from .doubts import Doubts
from .journal import Answer, Journal
from .pace import Pace
from .retries import Retries
from .senders import Outcome, Senders

_RELOAD_S = 0.5
"""A request in which the server spent so long on loading, had it load the model anew."""
_ELSEWHERE_S = 0.5
"""What another grading asks is looked for in the journal so often."""
_LONGEST_ELSEWHERE_S = 300.0
"""Then it is asked here as well: the other one was stopped, and may never go on."""


@dataclass(kw_only=True, slots=True)
class Health:
    """How asking went: ``known`` from the journal, ``asked`` requests sent, ``answered`` and ``failed`` prompts among them,
    ``again`` requests beyond the first for a prompt, ``reloads`` of the model. ``reasons`` counts why requests failed."""

    known: int = 0
    asked: int = 0
    answered: int = 0
    failed: int = 0
    again: int = 0
    reloads: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def not_now() -> NotNow:
    return NotNow("The judges are not to be asked at this time.", "What is left is asked later.")


class Asking:
    """``run`` once. ``name`` is what people call the judge. ``check`` raises BadReply for a reply that the rubric does not
    allow. ``may_ask`` is asked before anything is sent: while it says no, nothing is, and the asking ends when what was
    under way has come back. ``tell`` gets sentences on a server that is waited for. ``prepared`` is None until the judge was."""

    def __init__(
        self,
        judge: Judge,
        journal: Journal,
        check: Callable[[str], None],
        *,
        name: str,
        clock: Clock,
        progress: Progress,
        pace: Pace,
        retries: Retries,
        fresh: bool = False,
        may_ask: Callable[[], bool] = lambda: True,
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self.health = Health()
        self.prepared: Prepared | None = None
        self._label = f"judge {name}"
        self._judge = judge
        self._senders = Senders(judge, clock)
        self._journal = journal
        self._check = check
        self._clock = clock
        self._progress = progress
        self._pace = pace
        self._retries = retries
        self._fresh = fresh
        self._may_ask = may_ask
        self._attempts: dict[str, int] = {}
        self._elsewhere: dict[str, float] = {}
        self._later: list[tuple[float, str]] = []
        self._doubts = Doubts(retries)
        self._absence = Absence(judge, name, clock, retries, tell)

    def run(self, prompts: Mapping[str, Prompt]) -> dict[str, Answer]:
        """The answer to each prompt, by its hash; no answer is missing.

        Raises JudgeUnavailable where the judge is of no use any more, NotNow where it is not to be asked any more; what
        was answered is in the journal then.
        """
        found = {} if self._fresh else self._journal.settled(list(prompts))
        self.health.known = len(found)
        waiting = sorted(prompts.keys() - found.keys(), key=lambda one: prompts[one].user, reverse=True)
        if waiting:
            self.prepared = self._judge.prepare(self._progress)
        self._progress.start(self._label, len(prompts), "prompts")
        self._progress.advance(len(found))
        try:
            while waiting or self._later or self._senders.flying:
                if self._may_ask():
                    self._send(prompts, waiting, found)
                elif not self._senders.flying:
                    raise not_now()
                self._progress.advance(0)  # where one prompt takes minutes, too, a log tells that it goes on
                if outcomes := self._arrived():
                    found.update(self._decide(outcomes))
        finally:
            self._senders.close()
            self._progress.finish()
        return found

    def _send(self, prompts: Mapping[str, Prompt], waiting: list[str], found: dict[str, Answer]) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            waiting.append(heapq.heappop(self._later)[1])
        while waiting and self._senders.flying < self._pace.limit:
            sha256 = waiting.pop()
            if self._is_ours(sha256, found, now):
                self._senders.send(prompts[sha256], self._attempts.get(sha256, 0))
                self.health.asked += 1

    def _is_ours(self, prompt: str, found: dict[str, Answer], now: float) -> bool:
        """Whether it is to be asked here. If not, it is in ``found`` now, or is looked at again later."""
        if not self._journal.claim(prompt):
            since = self._elsewhere.setdefault(prompt, now)
            if now - since < _LONGEST_ELSEWHERE_S:
                heapq.heappush(self._later, (now + _ELSEWHERE_S, prompt))
                return False
        if not self._fresh and (answered := self._journal.settled([prompt])):
            self._journal.release(prompt)
            found.update(answered)
            self.health.known += 1
            self._progress.advance(1)
            return False
        return True

    def _arrived(self) -> list[Outcome]:
        """What has come back; nothing where it takes longer, or a prompt is due to be tried again before."""
        left_s = self._later[0][0] - self._clock.monotonic() if self._later else math.inf
        if self._senders.flying:
            return self._senders.arrived(left_s)
        if self._later:
            self._clock.sleep(max(0.0, left_s))
        return []

    def _decide(self, outcomes: list[Outcome]) -> dict[str, Answer]:
        decided: dict[str, Answer] = {}
        gone: CannotJudge | None = None
        fatal: BaseException | None = None
        for outcome in outcomes:
            if isinstance(outcome.result, Reply):
                answer = self._answered(outcome.prompt, outcome.result, outcome.wall_s)
            elif isinstance(outcome.result, CannotJudge):
                gone = outcome.result if outcome.result.is_gone else gone
                answer = self._refused(outcome.prompt, outcome.result)
            else:
                fatal = outcome.result
                continue
            if answer is not None:
                decided[outcome.prompt] = answer
        self._journal.put(decided.items(), replace=self._fresh)
        for outcome in outcomes:
            self._journal.release(outcome.prompt)
        self._progress.advance(len(decided))
        if fatal is not None:
            raise fatal
        self._doubts.raise_where_too_long(self._clock.monotonic())
        if gone is not None:
            self._pace.alone()
            self._absence.wait(gone, self._must_be_asked)
        # Another grading may have kept a reply to the same prompt meanwhile: then that one counts for both.
        return decided if self._fresh else self._journal.known(list(decided))

    def _must_be_asked(self) -> None:
        if not self._may_ask():
            raise not_now()

    def _answered(self, prompt: str, reply: Reply, wall_s: float) -> Answer | None:
        attempts = self._count(prompt)
        self._absence.over()
        self._doubts.dispelled()
        self.health.prompt_tokens += reply.prompt_tokens or 0
        self.health.reply_tokens += reply.reply_tokens or 0
        if (reply.load_s or 0.0) > _RELOAD_S:
            self.health.reloads += 1
        else:
            self._pace.seen(wall_s, reply.served_s)
        text: str | None = reply.text
        reason, explanation = None, ""
        try:
            self._check(reply.text)
        except BadReply as error:
            self._blame(BAD_REPLY)
            if self._retries.retries_bad_reply(attempts):
                self._try_again(prompt, 0.0)
                return None
            text, reason, explanation = None, BAD_REPLY, str(error)
        self.health.answered += text is not None
        self.health.failed += text is None
        return Answer(
            text=text,
            reason=reason,
            explanation=explanation,
            prompt_tokens=reply.prompt_tokens,
            reply_tokens=reply.reply_tokens,
            served_s=reply.served_s,
            attempts=attempts,
            at=self._clock.wall(),
        )

    def _refused(self, prompt: str, failure: CannotJudge) -> Answer | None:
        self._blame(failure.reason)
        if failure.is_busy:
            self._pace.busy()
        self._doubts.failed(prompt, failure, self._clock.monotonic())
        attempts = self._attempts.get(prompt, 0) if failure.is_busy else self._count(prompt)
        wait_s = self._retries.wait_s(failure, attempts)
        if wait_s is not None:
            self._try_again(prompt, wait_s)
            return None
        self.health.failed += 1
        return Answer(
            text=None,
            reason=failure.reason,
            explanation=str(failure),
            is_passing=failure.is_passing,
            attempts=attempts,
            at=self._clock.wall(),
        )

    def _try_again(self, prompt: str, wait_s: float) -> None:
        self.health.again += 1
        heapq.heappush(self._later, (self._clock.monotonic() + wait_s, prompt))

    def _count(self, prompt: str) -> int:
        self._attempts[prompt] = self._attempts.get(prompt, 0) + 1
        return self._attempts[prompt]

    def _blame(self, reason: str) -> None:
        self.health.reasons[reason] = self.health.reasons.get(reason, 0) + 1
