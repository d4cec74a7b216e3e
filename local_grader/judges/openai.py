"""A judge behind an API that speaks as OpenAI's does: llama.cpp, vLLM, LM Studio and others.

Such a server has its model loaded, with a context that nobody but who started it decides. No key is sent.
"""

import math
from collections.abc import Mapping

from sync.clock import Clock
from sync.progress import Progress

from ..judge import Identity, JudgeUnavailable, Prepared, Prompt, Reply, Seen
from ..scorer import Option
from . import canary, known, refusals
from .endpoint import Endpoint
from .ollama_server import is_cloud_name
from .openai_server import OpenAIServer, Served
from .served import Ready, ServedJudge
from .settings import JudgeSettings
from .wire import Line

_SHORT_S = 15.0
_CHEAP = 32_768
"""Tokens of context up to which a prompt that is too long is sent to see what becomes of it."""
_TEMPLATES = ("llama.cpp", "vLLM")
"""Servers that pass arguments on to the model's template, which is where thinking is switched off."""


class OpenAIJudge(ServedJudge):
    """Keeps the contract of ``Judge``."""

    def __init__(self, model: str, endpoint: Endpoint, settings: JudgeSettings, clock: Clock) -> None:
        super().__init__(model, endpoint, settings, clock)
        load_s = settings.load_timeout_s
        self._asking = Line(endpoint.url, self._wire(settings.timeout_s, settings.limit_s))
        self._loading = Line(endpoint.url, self._wire(load_s, load_s))
        short = self._wire(_SHORT_S, _SHORT_S)
        self._server = OpenAIServer(Line(endpoint.url, short), Line(endpoint.root, short), self._target)

    def look(self) -> Seen:
        return self._look()[0]

    def prepare(self, progress: Progress) -> Prepared:
        seen, context = self._look()
        identity, warnings = seen.identity, list(seen.warnings)
        progress.start(f"asking {self._target.model}", unit="")
        try:
            cuts = not self._refuses_overlong(identity.options, context)
        finally:
            progress.finish()
        if cuts:
            warnings.append(
                f"{self._target.at} may cut prompts that are too long without a word; "
                "keep samples well below the context it was started with."
            )
        self._ready = Ready(identity=identity, context=context, cuts=cuts)
        return Prepared(
            identity=identity, context=context, refuses_overlong=not cuts, warnings=tuple(warnings)
        )

    def _look(self) -> tuple[Seen, int | None]:
        """Together with the context, where the server tells it: it is its own affair, and no part of the identity."""
        self._must_be_open()
        served = self._server.served()
        if served.kind == "Ollama" and is_cloud_name(self._target.model):
            raise JudgeUnavailable(
                f"The model {self._target.model} runs in Ollama's cloud, and nothing may leave this machine.",
                "Choose a model that runs here, say qwen3:4b.",
            )
        warnings = [*self._target.endpoint.warnings, *self._about(served)]
        warnings += known.warnings(self._target.model, None)
        identity = self._identify(served.digest, served.server, self._frozen(served))
        return Seen(identity=identity, warnings=tuple(warnings)), served.context

    def pull(self, progress: Progress) -> None:
        self._must_be_open()
        raise JudgeUnavailable(
            f"The server at {self._target.at} cannot be told to fetch {self._target.model}.",
            self._target.fetch,
        )

    def _reply(self, prompt: Prompt, seed: int, identity: Identity) -> tuple[str | None, Reply]:
        form = {"name": "reply", "strict": True, "schema": dict(prompt.schema)}
        told = self._chat(
            self._asking,
            {
                **self._body(identity.options),
                "seed": seed,
                "messages": [
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": prompt.user},
                ],
                "response_format": {"type": "json_schema", "json_schema": form},
            },
        )
        ending, text = _ending(told)
        worked = [_number(told, "timings", each) for each in ("prompt_ms", "predicted_ms")]
        return ending, Reply(
            text=text,
            prompt_tokens=_count(told, "prompt_tokens"),
            reply_tokens=_count(told, "completion_tokens"),
            served_s=None if worked[1] is None else sum(each or 0 for each in worked) / 1000,
        )

    def _let_go(self) -> None:
        """Such a server keeps its model, whoever comes and goes."""

    def _frozen(self, served: Served) -> Mapping[str, Option]:
        return {
            "max_tokens": self._settings.reply_tokens,
            "seed": self._settings.seed,
            "temperature": 0,
            "think": False if served.kind in _TEMPLATES else None,
        }

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

    def _refuses_overlong(self, frozen: Mapping[str, Option], context: int | None) -> bool:
        if context is None or context > _CHEAP:
            return False
        messages = [{"role": "user", "content": canary.overlong(context)}]
        body = {**self._body(frozen), "max_tokens": 1, "messages": messages}
        return self._refuses(lambda: self._chat(self._loading, body))

    def _chat(self, line: Line, body: Mapping[str, object]) -> Mapping[str, object]:
        return refusals.asked(lambda: line.post("/chat/completions", body), self._target)


def _ending(told: Mapping[str, object]) -> tuple[str | None, str]:
    """Why the reply ended, and its text; None where there is none."""
    choices = told.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(choice, dict) or not isinstance(text, str):
        return None, ""
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) else None, text


def _number(told: Mapping[str, object], part: str, key: str) -> float | None:
    inner = told.get(part)
    found = inner.get(key) if isinstance(inner, dict) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _count(told: Mapping[str, object], key: str) -> int | None:
    found = _number(told, "usage", key)
    return None if found is None or not math.isfinite(found) else int(found)
