"""What a server that speaks as OpenAI's does tells of itself: its kind, its models, and the context where it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from . import refusals
from .wire import Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """``kind`` is ``llama.cpp``, ``vLLM``, ``Ollama``, or empty for any other; ``context`` in tokens, None where the
    server does not say; ``digest`` the name of the model with what the server tells of its size, else with its address:
    two servers may have two models of one name."""

    kind: str
    version: str
    digest: str
    context: int | None

    @property
    def server(self) -> str:
        return " ".join(each for each in (self.kind or "OpenAI-compatible", self.version) if each)


class OpenAIServer:
    """``v1`` asks below the path that ends in ``/v1``, ``root`` above it, where each kind of server has its own."""

    def __init__(self, v1: Line, root: Line, target: refusals.Target) -> None:
        self._v1 = v1
        self._root = root
        self._target = target

    def served(self) -> Served:
        """Raises JudgeUnavailable, ModelMissing."""
        models = self._models()
        model = next((each for each in models if each.get("id") == self._target.model), None)
        if model is None:
            raise refusals.missing(self._target)
        owner = model.get("owned_by")
        if owner == "vllm":
            context = _count(model.get("max_model_len"))
            return Served(
                kind="vLLM", version=self._version("/version"), digest=self._at_home, context=context
            )
        if owner == "llamacpp":
            return self._llama(model)
        ollama = self._version("/api/version")
        return Served(kind="Ollama" if ollama else "", version=ollama, digest=self._at_home, context=None)

    @property
    def _at_home(self) -> str:
        return f"{self._target.model}@{self._target.at}"

    def _llama(self, model: Mapping[str, object]) -> Served:
        props = self._maybe(lambda: self._root.get("/props"))
        build = props.get("build_info")
        defaults, meta = props.get("default_generation_settings"), model.get("meta")
        weights = [meta.get(key) for key in ("n_params", "size")] if isinstance(meta, dict) else []
        return Served(
            kind="llama.cpp",
            version=build if isinstance(build, str) else "",
            digest="-".join([self._target.model, *map(str, weights)])
            if weights and None not in weights
            else self._at_home,
            context=_count(defaults.get("n_ctx")) if isinstance(defaults, dict) else None,
        )

    def _models(self) -> Sequence[Mapping[str, object]]:
        found = refusals.asked_before(lambda: self._v1.get("/models"), self._target).get("data")
        if not isinstance(found, list):
            raise refusals.unavailable(refusals.garbled(self._target), self._target)
        return [each for each in found if isinstance(each, dict)]

    def _version(self, path: str) -> str:
        found = self._maybe(lambda: self._root.get(path)).get("version")
        return found if isinstance(found, str) else ""

    def _maybe(self, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
        """What only some servers tell: nothing where this one does not."""
        try:
            return ask()
        except (httpx.HTTPError, OSError, ValueError):
            return {}


def _count(told: object) -> int | None:
    return told if isinstance(told, int) and told > 0 else None
