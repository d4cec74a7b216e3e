"""What Ollama tells of itself and of a model before it judges: version, digest, trained context, what it allocated.

The ``ollama`` package has no call for the version, and drops the fields that tell a model in the cloud from one on this
machine, so these few questions are asked without it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..judge import JudgeUnavailable
from . import known, refusals
from .wire import Line

Version = tuple[int, int, int]
FULL: Version = (0, 12, 11)
"""From here on all that a judge needs is there."""
LEAST: Version = (0, 5, 0)
"""Before it, no reply could be held to a JSON schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """``digest`` names weights, template and parameters; ``billions`` of parameters, ``trained`` tokens of context, and
    ``capabilities`` are None where the server does not say."""

    name: str
    digest: str
    billions: float | None = None
    quantisation: str = ""
    family: str = ""
    trained: int | None = None
    capabilities: Sequence[str] | None = field(default=None)

    @property
    def thinks(self) -> bool:
        return self.capabilities is not None and "thinking" in self.capabilities


class OllamaServer:
    """Every method raises JudgeUnavailable (ModelMissing) where the server does not answer or not as Ollama does."""

    def __init__(self, line: Line, target: refusals.Target) -> None:
        self._line = line
        self._target = target

    def version(self) -> str:
        found = self._told(lambda: self._line.get("/api/version")).get("version")
        if not isinstance(found, str) or not found:
            raise refusals.unavailable(refusals.garbled(self._target), self._target)
        return found

    def names(self) -> list[str]:
        """The models that are installed there."""
        return [_text(each, "name") or _text(each, "model") for each in self._installed()]

    def model(self) -> Model:
        """The target's model, which must be on the server's own machine."""
        self.refuse_cloud()
        wanted = full_name(self._target.model)
        installed = self._installed()
        for each in installed:
            if wanted in {full_name(_text(each, "name")), full_name(_text(each, "model"))}:
                return self._described(each)
        raise refusals.missing(self._target, sorted(_text(each, "name") for each in installed))

    def allocated(self, digest: str) -> int | None:
        """Tokens of context that the loaded model really has, None where the server does not say."""
        running = _objects(self._told(lambda: self._line.get("/api/ps")), "models")
        found = [each.get("context_length") for each in running if each.get("digest") == digest]
        return next((each for each in found if isinstance(each, int) and each > 0), None)

    def refuse_cloud(self) -> None:
        """Raises JudgeUnavailable for a model whose name says that it runs elsewhere."""
        if is_cloud_name(self._target.model):
            raise self._in_cloud()

    def _in_cloud(self) -> JudgeUnavailable:
        return JudgeUnavailable(
            f"The model {self._target.model} runs in Ollama's cloud, and nothing may leave this machine.",
            "Choose a model that runs here, say qwen3:4b.",
        )

    def _installed(self) -> list[Mapping[str, object]]:
        return _objects(self._told(lambda: self._line.get("/api/tags")), "models")

    def _described(self, tag: Mapping[str, object]) -> Model:
        shown = self._told(lambda: self._line.post("/api/show", {"model": self._target.model}))
        if any(each.get(key) for each in (tag, shown) for key in ("remote_host", "remote_model")):
            raise self._in_cloud()
        details = _object(tag, "details") or _object(shown, "details")
        told = shown.get("capabilities")
        return Model(
            name=full_name(self._target.model),
            digest=_text(tag, "digest") or self._target.model,
            billions=known.size_of(_text(details, "parameter_size")),
            quantisation=_text(details, "quantization_level"),
            family=_text(details, "family"),
            trained=_trained(_object(shown, "model_info")),
            capabilities=[str(each) for each in told] if isinstance(told, list) else None,
        )

    def _told(self, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
        return refusals.asked_before(ask, self._target)


def parsed(version: str) -> Version | None:
    """None for what is no release: builds of one's own call themselves 0.0.0."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        return None
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    return numbers if any(numbers) else None


def full_name(name: str) -> str:
    """As Ollama lists it: without its own registry, in small letters, and ``latest`` where no tag is named."""
    name = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def is_cloud_name(model: str) -> bool:
    """Whether a name says that the model runs in Ollama's cloud."""
    name, _, tag = full_name(model).rpartition(":")
    return name.endswith("-cloud") or tag == "cloud" or tag.endswith("-cloud")


def _trained(info: Mapping[str, object]) -> int | None:
    architecture = _text(info, "general.architecture")
    found = info.get(f"{architecture}.context_length")
    return found if isinstance(found, int) and found > 0 else None


def _text(told: Mapping[str, object], key: str) -> str:
    found = told.get(key)
    return found if isinstance(found, str) else ""


def _object(told: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = told.get(key)
    return found if isinstance(found, dict) else {}


def _objects(told: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = told.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
