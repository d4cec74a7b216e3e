"""One request for a reply: what real Ollama would make of its fields, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .tokens import rendered


class Refusal(Exception):
    """``status`` and ``str(error)`` go back to the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(kw_only=True, slots=True)
class Asked:
    """``body`` as it came; ``unknown`` names of fields and options in it that Ollama ignores without a word.

    ``outcome`` is empty while the server works on it, then ``answered``, ``refused`` (a status that is not 200),
    ``failed`` (broke off, or an error line) or ``abandoned`` (the client left first). ``reply`` is what the model said.
    """

    number: int
    path: str
    body: Mapping[str, Any]
    messages: Sequence[Mapping[str, str]] = ()
    model: str = ""
    format: Any = None  # None, "json" or a schema
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = True
    keep_alive_s: float | None = None
    think: bool | None = None
    truncate: bool = True
    shift: bool | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    unknown: Sequence[str] = ()

    arrived: float = 0.0
    outcome: str = ""
    status: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    reply_tokens: int = 0
    was_cut: bool = False  # the prompt lost something before the model saw it
    shown: str = ""  # what the model sees: the prompt, or what is left of it
    reply: str = ""

    @property
    def prompt(self) -> str:
        return rendered(self.messages) if self.messages else ""

    @property
    def system(self) -> str:
        return "\n".join(each.get("content") or "" for each in self.messages if each["role"] == "system")

    @property
    def user(self) -> str:
        """The last message of the user."""
        said = [each.get("content") or "" for each in self.messages if each["role"] == "user"]
        return said[-1] if said else ""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        return self.format if isinstance(self.format, Mapping) else None

    @property
    def seed(self) -> int:
        return int(self.options.get("seed", -1))
