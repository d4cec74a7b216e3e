"""Where a model is to be asked, from the many ways in which people write that."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sync.errors import UsageError

_OLLAMA_PORT = 11434
_NAMED = re.compile(r"(?P<model>.+?)@(?P<url>[a-z][a-z0-9+.-]*://.+)", re.IGNORECASE)
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What a server is told to listen on everywhere; no client can connect to it on every system."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``url`` has scheme, host and port, a path where there is one, and no slash at its end."""

    url: str

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """From a URL, or what ``OLLAMA_HOST`` may hold: a host, a port behind a colon, or both; empty for Ollama's
        default. Raises UsageError."""
        text = text.strip().strip("\"'")  # as Ollama does, for shells and unit files that leave quotes
        if text.count(":") > 1 and _is_address(text):
            text = f"[{text}]"
        scheme, found, rest = text.partition("://")
        if not found:
            scheme, rest = "", text
        try:
            parts = urlsplit(f"//{rest}")
            host, port = parts.hostname or "127.0.0.1", parts.port
        except ValueError:
            raise _bad(text) from None
        if (
            scheme.lower() not in ("", "http", "https")
            or re.search(r"[\s\\]", text)
            or (found and not parts.hostname)
        ):
            raise _bad(text)
        if "@" in parts.netloc:
            raise UsageError(
                "The endpoint of a judge holds a name or a password.",
                "Leave it out of the URL: a judge is asked without credentials.",
            )
        if parts.query or parts.fragment:
            raise _bad(text)
        host = _ANYWHERE.get(host, host)
        port = port or {"": _OLLAMA_PORT, "http": 80, "https": 443}[scheme.lower()]
        shown = f"[{host}]" if ":" in host else host
        return cls(f"{scheme.lower() or 'http'}://{shown}:{port}{parts.path.rstrip('/')}")

    @property
    def is_openai(self) -> bool:
        return self.url.endswith("/v1")

    @property
    def root(self) -> str:
        """The URL without the ``/v1`` of OpenAI's API."""
        return self.url.removesuffix("/v1")

    @property
    def is_here(self) -> bool:
        """Whether what is sent there stays on this machine, as far as the address tells."""
        host = urlsplit(self.url).hostname or ""
        if _is_address(host):
            return ipaddress.ip_address(host).is_loopback
        return host == "localhost" or host.endswith(".localhost")

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.is_here:
            return ()
        return (f"Prompts, and the samples in them, leave this machine: they go to {self.url}.",)


def split(name: str) -> tuple[str, str]:
    """``MODEL@URL`` as model and URL, which is empty where none is named. Names of models may hold an ``@``, too,
    where the server is none of Ollama's."""
    found = _NAMED.fullmatch(name.strip())
    model, url = (found["model"], found["url"]) if found else (name.strip(), "")
    if not model or model.lower().startswith(("http://", "https://", "@")):
        raise UsageError(f"The judge {name!r} names no model.", "Write MODEL, or MODEL@URL.")
    return model, url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bad(text: str) -> UsageError:
    return UsageError(f"{text!r} is no endpoint of a judge.", "Write a URL, say http://127.0.0.1:11434.")
