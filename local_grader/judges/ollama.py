"""A judge that Ollama runs, through the ``ollama`` package's client.

Ollama's habits decide the form of this file. It cuts a prompt that is too long and answers all the same, unless
``truncate`` is false; it reloads the model when an option of loading changes, so that they are frozen; it ends with a
status of 200 when a reply was broken off or cut off; it waits for ever by default, and so does its client.
"""

from collections.abc import Mapping
from contextlib import suppress

import httpx
from ollama import ChatResponse, Client, ResponseError

from sync.clock import Clock
from sync.progress import Progress

from ..judge import CannotJudge, Identity, JudgeUnavailable, ModelMissing, Prepared, Prompt, Reply, Seen
from ..scorer import Option
from . import canary, known, reasons, refusals
from .endpoint import Endpoint
from .ollama_pull import fetch
from .ollama_server import FULL, LEAST, Model, OllamaServer, parsed
from .served import Ready, ServedJudge
from .settings import JudgeSettings
from .wire import Line, Wire

_SHORT_S = 15.0
_CLOSE_S = 0.75
"""Ollama lets go of a model once it is told, whether its answer is heard or not, and ^C does not wait for one that is mute."""
_FOUND_S = 0.25
"""Finding a model that is loaded already takes up to about 0.1 s, which Ollama tells as the duration of a load, too."""
_UNCUT = {"/api/chat": {"truncate": False}}


class OllamaJudge(ServedJudge):
    """Keeps the contract of ``Judge``."""

    def __init__(self, model: str, endpoint: Endpoint, settings: JudgeSettings, clock: Clock) -> None:
        super().__init__(model, endpoint, settings, clock)
        load_s = settings.load_timeout_s
        self._asking = self._client(self._wire(settings.timeout_s, settings.limit_s, _UNCUT))
        self._loading = self._client(self._wire(load_s, load_s, _UNCUT))
        self._server = OllamaServer(Line(endpoint.url, self._wire(_SHORT_S, _SHORT_S)), self._target)
        self._is_ours = False  # the model was loaded for us, so that nobody else misses it

    def look(self) -> Seen:
        self._must_be_open()
        version = self._server.version()
        warnings = [*self._target.endpoint.warnings, *_about_version(version)]
        model = self._server.model()
        if model.capabilities is not None and "completion" not in model.capabilities:
            raise JudgeUnavailable(
                f"The model {model.name} writes no text.", "Choose a model that answers, say qwen3:4b."
            )
        warnings += known.warnings(self._target.model, model.billions)
        context = self._settings.context
        if model.trained is not None and model.trained < context:
            context = model.trained
            warnings.append(
                f"{model.name} was trained on {context} tokens, so its context is no longer than that."
            )
        identity = self._identify(model.digest, f"Ollama {version}", self._frozen(model, context))
        return Seen(identity=identity, warnings=tuple(warnings))

    def prepare(self, progress: Progress) -> Prepared:
        seen = self.look()
        identity, warnings = seen.identity, list(seen.warnings)
        context = identity.options["num_ctx"]
        assert isinstance(context, int)
        progress.start(f"loading {self._target.model}", unit="")
        try:
            self._is_ours = self._is_ours or self._server.allocated(identity.digest) != context
            self._load(identity.options)
            allocated = self._server.allocated(identity.digest)
            if allocated is not None and allocated < context:
                warnings.append(
                    f"Ollama gave {self._target.model} {allocated} tokens of context, not {context}."
                )
                context = allocated
            cuts = not self._refuses_overlong(identity.options, context)
        finally:
            progress.finish()
        if cuts:
            warnings.append(
                f"{identity.server} cuts prompts that are too long; a reply whose token count looks like it is not used. "
                f"Version {_shown(FULL)} or newer refuses them."
            )
        self._ready = Ready(identity=identity, context=context, cuts=cuts)
        return Prepared(
            identity=identity, context=context, refuses_overlong=not cuts, warnings=tuple(warnings)
        )

    def pull(self, progress: Progress) -> None:
        self._must_be_open()
        self._server.version()
        self._server.refuse_cloud()
        pulling = self._wire(self._settings.load_timeout_s, None)
        fetch(self._client(pulling), self._target, progress)

    def _reply(self, prompt: Prompt, seed: int, identity: Identity) -> tuple[str | None, Reply]:
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        text, last = self._chat(self._asking, messages, {**identity.options, "seed": seed}, prompt.schema)
        if last is None:
            return None, Reply(text=text)
        durations = (last.load_duration, last.prompt_eval_duration, last.eval_duration)
        load_s = None if last.load_duration is None else last.load_duration / 1e9
        if load_s is not None and load_s >= _FOUND_S:
            self._must_be_the_same(identity)
        return last.done_reason, Reply(
            text=text,
            prompt_tokens=last.prompt_eval_count,
            reply_tokens=last.eval_count,
            served_s=None if last.eval_duration is None else sum(each or 0 for each in durations) / 1e9,
            load_s=0.0 if load_s is not None and load_s < _FOUND_S else load_s,
        )

    def _let_go(self) -> None:
        if self._is_ours:
            # Where it does not answer, it lets go of the model by itself, after ``keep_alive_s``.
            with suppress(CannotJudge, JudgeUnavailable):
                self._chat(self._client(self._wire(_CLOSE_S, _CLOSE_S)), [], {}, keep_alive_s=0)

    def _frozen(self, model: Model, context: int) -> Mapping[str, Option]:
        return {
            "num_ctx": context,
            "num_predict": self._settings.reply_tokens,
            "seed": self._settings.seed,
            "temperature": 0,
            "truncate": False,
            "think": _thinking(model),
        }

    def _must_be_the_same(self, identity: Identity) -> None:
        """A model that was loaded anew may be another one of that name, fetched meanwhile."""
        try:
            now = self._server.model()
        except ModelMissing:
            raise
        except JudgeUnavailable as error:
            raise CannotJudge(reasons.FAILED, str(error), is_passing=True) from None
        if now.digest != identity.digest:
            raise refusals.replaced(self._target)

    def _load(self, frozen: Mapping[str, Option]) -> None:
        try:
            self._chat(self._loading, [], frozen)
        except (CannotJudge, JudgeUnavailable) as error:
            if isinstance(error, CannotJudge) and not error.is_gone and error.reason != reasons.GARBLED:
                raise JudgeUnavailable(
                    f"The model {self._target.model} cannot be loaded: {error}",
                    "Choose a smaller model, a smaller context, or end what else needs the memory.",
                ) from None
            raise refusals.unavailable(error, self._target) from None

    def _refuses_overlong(self, frozen: Mapping[str, Option], context: int) -> bool:
        messages = [{"role": "user", "content": canary.overlong(context)}]
        return self._refuses(lambda: self._chat(self._loading, messages, {**frozen, "num_predict": 1}))

    def _chat(
        self,
        client: Client,
        messages: list[dict[str, str]],
        frozen: Mapping[str, Option],
        schema: Mapping[str, object] | None = None,
        keep_alive_s: float | None = None,
    ) -> tuple[str, ChatResponse | None]:
        """The text of the reply, and its last record where one came. Raises CannotJudge and JudgeUnavailable."""
        options = dict(frozen)
        options.pop("truncate", None)  # the wire sends it
        think = options.pop("think", None)
        try:
            parts = client.chat(
                self._target.model,
                messages,
                stream=True,
                think=think if isinstance(think, bool | str) else None,
                format=None if schema is None else dict(schema),
                options=options,
                keep_alive=self._settings.keep_alive_s if keep_alive_s is None else keep_alive_s,
            )
            text, last = [], None
            for part in parts:
                text.append(part.message.content or "")
                last = part if part.done else None
            return "".join(text), last
        except ResponseError as error:
            raise refusals.refused(error.status_code, str(error.error), self._target) from None
        except (httpx.HTTPError, OSError) as error:
            raise refusals.lost(error, self._target) from None
        except refusals.MISREAD:
            raise refusals.garbled(self._target) from None

    def _client(self, wire: Wire) -> Client:
        return Client(
            self._target.endpoint.url,
            transport=wire,
            timeout=self._settings.timeout_s,
            trust_env=False,
            follow_redirects=False,
        )


def _about_version(version: str) -> list[str]:
    numbers = parsed(version)
    if numbers is None or numbers >= FULL:
        return []
    if numbers < LEAST:
        raise JudgeUnavailable(
            f"Ollama {version} cannot hold a reply to a JSON schema.",
            f"Update it to {_shown(FULL)} or newer.",
        )
    return [f"Ollama {version} is older than {_shown(FULL)}, from which on it does all that a judge needs."]


def _shown(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _thinking(model: Model) -> bool | str | None:
    """What to send of thinking. A model that cannot think refuses the field; one that always does takes a level."""
    if not model.thinks:
        return None
    return "low" if model.family in ("gptoss", "gpt-oss") else False
