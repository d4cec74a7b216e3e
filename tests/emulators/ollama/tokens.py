"""Tokens and context: how a prompt is counted, and what the server does to one that is too long."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Every character belongs to exactly one token, so that tokens put together are the text again.
_TOKEN = re.compile(r" ?[A-Za-z]{1,6}|\d{1,3}| ?[^\sA-Za-z\d]|\s+")

Messages = Sequence[Mapping[str, str]]


class PromptTooLong(Exception):
    """``str(error)`` is the server's own text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """How one request meets the context: ``size`` in tokens, ``halves`` for servers that cut to half of it (0.30),
    not to all of it; ``native`` and ``shifts`` as the model is."""

    size: int
    keep: int
    truncate: bool
    shift: bool
    halves: bool
    native: bool


def tokens_of(text: str) -> list[str]:
    return _TOKEN.findall(text)


def rendered(messages: Messages) -> str:
    """What the model reads."""
    parts = [f"<{each['role']}>\n{each.get('content') or ''}\n" for each in messages]
    return "".join([*parts, "<assistant>\n"])


def fitted(messages: Messages, window: Window) -> str:
    """The prompt as the model will see it: whole, or cut without a word. Raises PromptTooLong."""
    prompt = rendered(messages)
    tokens = tokens_of(prompt)
    if len(tokens) < window.size:
        return prompt
    if not window.truncate:
        raise PromptTooLong(_engine_says(len(tokens), window))
    shorter = _without_oldest(messages, window.size)
    prompt = rendered(shorter)
    tokens = tokens_of(prompt)
    if len(tokens) < window.size:
        return prompt
    if window.native:
        raise PromptTooLong(_engine_says(len(tokens), window))
    if not window.shift:
        raise PromptTooLong(
            "the prompt is longer than the context length currently available to the model; shorten the prompt, "
            "adjust the context length in settings, or use a model with a longer context length"
        )
    keep = min(window.keep, window.size - 1)
    rest = window.size - keep
    rest = rest // 2 if window.halves else rest
    return "".join([*tokens[:keep], *tokens[len(tokens) - rest :]])


def shared_tokens(one: str, other: str) -> int:
    """How many tokens two prompts have in common from their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[:middle]):
            low = middle
        else:
            high = middle - 1
    if low == len(one) == len(other):
        return len(tokens_of(one))
    return max(0, len(tokens_of(one[:low])) - 1)


def _without_oldest(messages: Messages, size: int) -> Messages:
    """System messages and the last message stay, whatever their length."""
    kept = list(messages)
    while len(tokens_of(rendered(kept))) >= size:
        oldest = next((i for i, each in enumerate(kept[:-1]) if each["role"] != "system"), None)
        if oldest is None:
            break
        del kept[oldest]
    return kept


def _engine_says(count: int, window: Window) -> str:
    if not window.halves:
        return "the input length exceeds the context length"
    # The error of the engine inside, as JSON inside of JSON.
    size = window.size
    message = (
        f"request ({count} tokens) exceeds the available context size ({size} tokens), try increasing it"
    )
    kind = "exceed_context_size_error"
    error = {"code": 400, "message": message, "type": kind, "n_prompt_tokens": count, "n_ctx": size}
    return json.dumps({"error": error}, separators=(",", ":"))
