"""Replies as JSON: Ollama's own records, and those of the endpoint that speaks as OpenAI's does."""

import datetime
import json
import time
from collections.abc import Sequence
from typing import Any

from .asked import Asked
from .models import Model
from .pieces import Final, Piece
from .tokens import tokens_of


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def record(asked: Asked, model: Model, pieces: Sequence[Piece], final: Final | None) -> dict[str, Any]:
    """One line of a stream, or all of a reply; ``done`` is false unless there is a ``final``."""
    text = "".join(each.text for each in pieces if not each.is_thought)
    thought = "".join(each.text for each in pieces if each.is_thought)
    line: dict[str, Any] = {"model": asked.model, "created_at": now()}
    if model.remote_host:
        line |= {"remote_model": model.name.partition("-cloud")[0], "remote_host": model.remote_host}
    thinking = {"thinking": thought} if thought else {}
    if asked.path == "/api/chat":
        line["message"] = {"role": "assistant", "content": text} | thinking
    else:
        line |= {"response": text} | thinking
    line["done"] = final is not None
    if asked.logprobs and text:
        line["logprobs"] = [_logprob(each, asked.top_logprobs) for each in tokens_of(text)]
    return line | (_counts(final) if final else {})


def completion(asked: Asked, pieces: Sequence[Piece], final: Final | None) -> dict[str, Any]:
    """A ``chat.completion``."""
    text = "".join(each.text for each in pieces if not each.is_thought)
    thought = "".join(each.text for each in pieces if each.is_thought)
    message = {"role": "assistant", "content": text} | ({"reasoning": thought} if thought else {})
    return {
        "id": f"chatcmpl-{asked.number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": "fp_ollama",
        "choices": [{"index": 0, "message": message, "finish_reason": final.reason if final else None}],
        "usage": _usage(final),
    }


def event(asked: Asked, piece: Piece | None, final: Final | None) -> bytes:
    """One event of a stream of ``chat.completion.chunk``; without either, the end of the stream."""
    if piece is None and final is None:
        return b"data: [DONE]\n\n"
    delta: dict[str, Any] = {"role": "assistant", "content": ""}
    if piece is not None:
        delta["reasoning" if piece.is_thought else "content"] = piece.text
    chunk = {
        "id": f"chatcmpl-{asked.number}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": final.reason if final else None}],
    }
    if final and (asked.body.get("stream_options") or {}).get("include_usage"):
        chunk["usage"] = _usage(final)
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def openai_error(status: int, text: str) -> dict[str, Any]:
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
    return {"error": {"message": text, "type": kind, "param": None, "code": None}}


def _counts(final: Final) -> dict[str, Any]:
    if final.reason in ("load", "unload"):
        return {"done_reason": final.reason}
    return {
        "done_reason": final.reason,
        "total_duration": final.total_ns,
        "load_duration": final.load_ns,
        "prompt_eval_count": final.prompt_count,
        "prompt_eval_duration": final.prompt_ns,
        "eval_count": final.reply_count,
        "eval_duration": final.reply_ns,
    }


def _usage(final: Final | None) -> dict[str, int]:
    read, said = (final.prompt_count, final.reply_count) if final else (0, 0)
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}


def _logprob(token: str, tops: int) -> dict[str, Any]:
    """Alternatives are what the model would have said without a grammar, so the token need not be among them."""
    others = (
        "The",
        "I",
        "\n",
        "Yes",
        "No",
        "yes",
        "no",
        "{",
        "<",
        "Sure",
        "It",
        "This",
        "A",
        "Let",
        "To",
        "Here",
    )
    more = [{"token": each, "logprob": -1.0 - 0.5 * rank} for rank, each in enumerate(others[:tops])]
    return {"token": token, "logprob": -4.5, "bytes": list(token.encode()), "top_logprobs": more}
