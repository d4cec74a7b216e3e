"""A judge behind an API that speaks as OpenAI's does: llama.cpp, vLLM, LM Studio and others.

Such a server has its model loaded, with a context that nobody but who started it decides. No key is sent.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sync.clock import Clock
from sync.progress import Progress

from ..judge import CannotJudge, Identity, JudgeUnavailable, Prepared, Prompt, Reply
from ..scorer import Option
from . import canary, known, refusals
from .endpoint import Endpoint
from .ollama_server import is_cloud_name
from .openai_server import OpenAIServer, Served
from .settings import JudgeSettings
from .wire import Line, Patience, Pool, Wire

_SHORT_S = 15.0
_CHEAP = 32_768
"""Tokens of context up to which a prompt that is too long is sent to see what becomes of it."""
_TEMPLATES = ("llama.cpp", "vLLM")
"""Servers that pass arguments on to the model's template, which is where thinking is switched off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ready:
    """``body`` goes with every request; ``cuts`` whether prompts that are too long may be cut unseen."""

    identity: Identity
    body: Mapping[str, object]
    context: int | None
    cuts: bool


class OpenAIJudge:
    """Keeps the contract of ``Judge``. Asking needs no lock: nothing changes after ``prepare``."""

    def __init__(self, model: str, endpoint: Endpoint, settings: JudgeSettings, clock: Clock) -> None:
        self._settings = settings
        self._target = refusals.Target(
            endpoint=endpoint,
            model=model,
            server="The server of the model",
            start="say llama-server or vllm serve",
            fetch="Start the server with that model, or name one that it has.",
        )
        self._pool = Pool(endpoint.url)
        load_s = settings.load_timeout_s
        short = Wire(self._pool, clock, Patience(silence_s=_SHORT_S, total_s=_SHORT_S))
        asking = Wire(self._pool, clock, Patience(silence_s=settings.timeout_s, total_s=settings.limit_s))
        loading = Wire(self._pool, clock, Patience(silence_s=load_s, total_s=load_s))
        self._asking, self._loading = Line(endpoint.url, asking), Line(endpoint.url, loading)
        self._server = OpenAIServer(Line(endpoint.url, short), Line(endpoint.root, short), self._target)
        self._ready: _Ready | None = None
        self._closed = False

    @property
    def identity(self) -> Identity:
        return self._prepared().identity

    def prepare(self, progress: Progress) -> Prepared:
        self._must_be_open()
        served = self._server.served()
        if served.kind == "Ollama" and is_cloud_name(self._target.model):
            raise JudgeUnavailable(
                f"The model {self._target.model} runs in Ollama's cloud, and nothing may leave this machine.",
                "Choose a model that runs here, say qwen3:4b.",
            )
        warnings = [*self._target.endpoint.warnings, *self._about(served)]
        warnings += known.warnings(self._target.model, None)
        identity = self._identify(served)
        body = self._body(identity.options)
        progress.start(f"asking {self._target.model}", unit="")
        try:
            cuts = not self._refuses_overlong(body, served.context)
        finally:
            progress.finish()
        if cuts:
            warnings.append(
                f"{self._target.at} may cut prompts that are too long without a word; "
                "keep samples well below the context it was started with."
            )
        self._ready = _Ready(identity=identity, body=body, context=served.context, cuts=cuts)
        return Prepared(context=served.context, refuses_overlong=not cuts, warnings=tuple(warnings))

    def pull(self, progress: Progress) -> None:
        self._must_be_open()
        raise JudgeUnavailable(
            f"The server at {self._target.at} cannot be told to fetch {self._target.model}.",
            self._target.fetch,
        )

    def ask(self, prompt: Prompt, attempt: int = 0) -> Reply:
        self._must_be_open()
        ready = self._prepared()
        form = {"name": "reply", "strict": True, "schema": dict(prompt.schema)}
        told = self._chat(
            self._asking,
            {
                **ready.body,
                "seed": self._settings.seed + attempt,
                "messages": [
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": prompt.user},
                ],
                "response_format": {"type": "json_schema", "json_schema": form},
            },
        )
        reason, text = _ending(told)
        if reason not in ("stop", "length") or text is None:
            raise CannotJudge(refusals.BROKEN_OFF, f"The reply ended with {reason!r}.", is_passing=True)
        count, replied = _count(told, "prompt_tokens"), _count(told, "completion_tokens")
        if ready.cuts and canary.was_cut(count, ready.context, prompt.system, prompt.user):
            raise CannotJudge(refusals.WAS_CUT, f"The server read {count} tokens, as when it cuts a prompt.")
        if ready.context is not None and canary.overflowed(count, replied, ready.context):
            raise refusals.no_room(count, replied, ready.context)
        if reason == "length":
            limit = f"The reply did not end within {self._settings.reply_tokens} tokens."
            raise CannotJudge(refusals.CUT_OFF, limit)
        worked = [_number(told, "timings", each) for each in ("prompt_ms", "predicted_ms")]
        return Reply(
            text=text,
            prompt_tokens=count,
            reply_tokens=replied,
            served_s=None if worked[1] is None else sum(each or 0 for each in worked) / 1000,
        )

    def close(self) -> None:
        self._closed = True
        self._pool.close()

    def _must_be_open(self) -> None:
        if self._closed:
            raise refusals.closed(self._target)

    def _prepared(self) -> _Ready:
        if self._ready is None:
            raise RuntimeError("a judge is prepared before it is asked")
        return self._ready

    def _identify(self, served: Served) -> Identity:
        options: dict[str, Option] = {
            "max_tokens": self._settings.reply_tokens,
            "seed": self._settings.seed,
            "temperature": 0,
            "think": False if served.kind in _TEMPLATES else None,
        }
        identity = Identity(
            model=self._target.model, digest=served.digest, server=served.server, options=options
        )
        if self._ready is not None and self._ready.identity.sha256() != identity.sha256():
            raise refusals.replaced(self._target)
        return identity

    def _body(self, frozen: Mapping[str, Option]) -> dict[str, object]:
        body: dict[str, object] = {name: value for name, value in frozen.items() if name != "think"}
        if frozen["think"] is False:
            body["chat_template_kwargs"] = {"enable_thinking": False}
        return {"model": self._target.model, "stream": False, **body}

    def _about(self, served: Served) -> list[str]:
        at = self._target.at
        if served.kind == "Ollama":
            own = self._target.endpoint.root
            return [
                f"Ollama sets no context and refuses no prompt that is too long at {at}: "
                f"{self._target.model}@{own} asks it in its own way, which does both."
            ]
        told = [
            f"The context of {at} cannot be set from here, and the weights behind a name cannot be told apart."
        ]
        if served.context is not None and served.context < self._settings.context:
            told.append(f"{at} has {served.context} tokens of context, not {self._settings.context}.")
        return told

    def _refuses_overlong(self, body: Mapping[str, object], context: int | None) -> bool:
        if context is None or context > _CHEAP:
            return False
        messages = [{"role": "user", "content": canary.overlong(context)}]
        try:
            self._chat(self._loading, {**body, "max_tokens": 1, "messages": messages})
        except CannotJudge as error:
            if error.reason in (refusals.TOO_LONG, refusals.REFUSED):
                return True
            raise refusals.unavailable(error, self._target) from None
        return False

    def _chat(self, line: Line, body: Mapping[str, object]) -> Mapping[str, object]:
        return refusals.asked(lambda: line.post("/chat/completions", body), self._target)


def _ending(told: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Why the reply ended, and its text."""
    choices = told.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return None, None
    reason, message = choice.get("finish_reason"), choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    return reason if isinstance(reason, str) else None, text if isinstance(text, str) else None


def _number(told: Mapping[str, object], part: str, key: str) -> float | None:
    inner = told.get(part)
    found = inner.get(key) if isinstance(inner, dict) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _count(told: Mapping[str, object], key: str) -> int | None:
    found = _number(told, "usage", key)
    return None if found is None or not math.isfinite(found) else int(found)
