"""The endpoints that a model answers at: Ollama's own, and those that speak as OpenAI's does.

Each kind is imported when it is asked for; ``scripted`` is the twin without any server.
"""

import os

from sync.clock import Clock
from sync.errors import UsageError

from ..judge import Judge
from .endpoint import Endpoint, split
from .settings import JudgeSettings

__all__ = ["JudgeSettings", "endpoint_of", "open_judge"]


def open_judge(name: str, settings: JudgeSettings, clock: Clock) -> Judge:
    """The judge that the user names ``MODEL`` or ``MODEL@URL``; nothing is contacted yet.

    An URL whose path ends in ``/v1`` is spoken to as OpenAI's API, any other as Ollama's own. Raises UsageError.
    """
    model, endpoint = endpoint_of(name, settings)
    if endpoint.is_openai:
        from .openai import OpenAIJudge

        return OpenAIJudge(model, endpoint, settings, clock)
    from .ollama import OllamaJudge

    return OllamaJudge(model, endpoint, settings, clock)


def endpoint_of(name: str, settings: JudgeSettings) -> tuple[str, Endpoint]:
    """Model and endpoint of ``MODEL`` or ``MODEL@URL``: the URL named there, else that of the settings, else what
    ``OLLAMA_HOST`` says, else where Ollama listens by default. Raises UsageError."""
    model, url = split(name)
    endpoint = Endpoint.parse(url or settings.endpoint or os.environ.get("OLLAMA_HOST", ""))
    if "@" in model and not endpoint.is_openai:  # LM Studio has such names; Ollama takes none
        raise UsageError(
            f"What follows the @ in the judge {name} is no URL.",
            "Write MODEL, or MODEL@URL, as in qwen3:4b@http://127.0.0.1:11434.",
        )
    return model, endpoint
