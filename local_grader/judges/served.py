"""What all judges behind a server have in common: they are prepared before they are asked, stay the same model, and return
only replies that are whole, to prompts that were read whole."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sync.clock import Clock

from ..judge import CannotJudge, Identity, Prompt, Reply
from ..scorer import Option
from . import canary, reasons, refusals
from .endpoint import Endpoint
from .settings import JudgeSettings
from .wire import Patience, Pool, Wire


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """What ``prepare`` has found out. ``context`` in tokens, None where nobody knows; ``cuts`` whether prompts that are too
    long may be cut unseen."""

    identity: Identity
    context: int | None
    cuts: bool


class ServedJudge(ABC):
    """All of the contract of ``Judge`` but ``look``, ``prepare``, which sets ``_ready``, and ``pull``. Asking needs no lock:
    nothing changes after ``prepare``."""

    def __init__(self, model: str, endpoint: Endpoint, settings: JudgeSettings, clock: Clock) -> None:
        self._target = refusals.Target.of(model, endpoint)
        self._settings = settings
        self._clock = clock
        self._pool = Pool(endpoint.url)
        self._seen: Identity | None = None
        self._ready: Ready | None = None
        self._closed = False

    def ask(self, prompt: Prompt, attempt: int = 0) -> Reply:
        self._must_be_open()
        ready = self._ready
        if ready is None:
            raise RuntimeError("a judge is prepared before it is asked")
        ending, reply = self._reply(prompt, self._settings.seed + attempt, ready.identity)
        if ending not in ("stop", "length"):
            told = "The model stopped in the middle of its reply, as when it repeats itself without end."
            raise CannotJudge(reasons.BROKEN_OFF, told, is_passing=True)
        if ready.cuts and canary.was_cut(reply.prompt_tokens, ready.context, prompt.system, prompt.user):
            told = f"The server read {reply.prompt_tokens} tokens of the prompt, as when it cuts one that is too long."
            raise CannotJudge(reasons.WAS_CUT, told)
        if ready.context is not None and canary.overflowed(
            reply.prompt_tokens, reply.reply_tokens, ready.context
        ):
            raise refusals.no_room(reply.prompt_tokens, reply.reply_tokens, ready.context)
        if ending == "length":
            told = f"The reply did not end within {self._settings.reply_tokens} tokens."
            raise CannotJudge(reasons.CUT_OFF, told)
        return reply

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._pool.cut()
            self._let_go()
            self._pool.close()

    @abstractmethod
    def _reply(self, prompt: Prompt, seed: int, identity: Identity) -> tuple[str | None, Reply]:
        """Why the model ended (``stop``, ``length``; anything else is no end), and what it wrote. Raises as ``ask`` does."""

    @abstractmethod
    def _let_go(self) -> None:
        """Tells the server that it is no longer needed. Raises nothing."""

    def _wire(
        self,
        silence_s: float,
        total_s: float | None,
        extra: Mapping[str, Mapping[str, object]] | None = None,
    ) -> Wire:
        return Wire(self._pool, self._clock, Patience(silence_s=silence_s, total_s=total_s), extra)

    def _must_be_open(self) -> None:
        if self._closed:
            raise refusals.closed(self._target)

    def _identify(self, digest: str, server: str, options: Mapping[str, Option]) -> Identity:
        """Raises JudgeUnavailable where it is another than before."""
        identity = Identity(model=self._target.model, digest=digest, server=server, options=options)
        if self._seen is not None and self._seen.sha256() != identity.sha256():
            raise refusals.replaced(self._target)
        self._seen = identity
        return identity

    def _refuses(self, send_overlong: Callable[[], object]) -> bool:
        """Whether a prompt that is too long is refused. Raises JudgeUnavailable where that cannot be tried."""
        try:
            send_overlong()
        except CannotJudge as error:
            if error.reason in (reasons.TOO_LONG, reasons.REFUSED):
                return True
            raise refusals.unavailable(error, self._target) from None
        return False
