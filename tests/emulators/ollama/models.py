"""The models of the emulated server, how fast it works, and what it tells of them."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MADE = "2026-05-04T10:11:12.123456789Z"
_MEBIBYTE = 1 << 20
_PARAMETERS = re.compile(r":(?:.*-)?(\d+(?:\.\d+)?[bm])(?:-|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """``load_s`` for each load of a model; prompt and reply in tokens a second, pulling in bytes a second."""

    load_s: float = 0.0
    prompt_per_s: float = math.inf
    reply_per_s: float = math.inf
    pull_per_s: float = math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """``native``: prompts are rendered by the template inside the model's file, not by one in Go. Such models refuse
    a message that is too long whatever ``truncate`` says, and see the keys of a schema in alphabetical order.

    ``remote_host``: runs in a cloud, and only its name is here. ``shifts``: its window can be moved while it writes, and
    without that nothing is cut either. ``one_slot``: a family that serves one request at a time, whatever was set.
    """

    name: str = "llama3.2:3b"
    trained_context: int = 131_072
    thinking: bool = False
    native: bool = False
    remote_host: str = ""
    shifts: bool = True
    one_slot: bool = False
    size: int = 2 * 1024 * _MEBIBYTE
    weights: str = ""  # another text is another digest under the same name
    architecture: str = "llama"

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.name} {self.weights}".encode()).hexdigest()

    @property
    def parameters(self) -> str:
        """As the tag says it: ``3B`` of ``llama3.2:3b``."""
        found = _PARAMETERS.search(self.name)
        return found[1].upper() if found else "3.2B"

    @property
    def capabilities(self) -> list[str]:
        return ["completion", "thinking"] if self.thinking else ["completion"]

    def details(self) -> dict[str, Any]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.architecture,
            "families": [self.architecture],
            "parameter_size": self.parameters,
            "quantization_level": "Q4_K_M",
        }

    def layers(self) -> Mapping[str, int]:
        """Digest of each part of a download, with its size in bytes."""
        small = min(self.size // 4, 1500)
        names = [f"sha256:{self.digest}", f"sha256:{hashlib.sha256(self.digest.encode()).hexdigest()}"]
        return dict(zip(names, (self.size - small, small), strict=True))


def full_name(name: str) -> str:
    """``llama3.2`` is short for ``llama3.2:latest``."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def in_tags(model: Model) -> dict[str, Any]:
    """One entry of ``/api/tags``."""
    entry = {
        "name": model.name,
        "model": model.name,
        "modified_at": _MADE,
        "size": 384 if model.remote_host else model.size,
        "digest": model.digest,
        "details": model.details(),
        "capabilities": model.capabilities,
    }
    return entry | _remote(model)


def shown(model: Model) -> dict[str, Any]:
    """What ``/api/show`` says, which holds no digest."""
    architecture = model.architecture
    return {
        "license": "",
        "modelfile": f"FROM {model.name}\n",
        "parameters": 'stop                           "<|eot_id|>"',
        "template": "{{ .Messages }}",
        "details": model.details(),
        "model_info": {
            "general.architecture": architecture,
            "general.parameter_count": 3_212_749_888,
            f"{architecture}.context_length": model.trained_context,
        },
        "capabilities": model.capabilities,
        "modified_at": _MADE,
    } | _remote(model)


def _remote(model: Model) -> dict[str, Any]:
    if not model.remote_host:
        return {}
    return {"remote_model": model.name.partition("-cloud")[0], "remote_host": model.remote_host}
