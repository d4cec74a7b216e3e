"""From the body of a request to what it asks for; what Ollama refuses is refused, what it overlooks is noted."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import jsonschema.exceptions

from .asked import Asked, Refusal

_ROLES = ("system", "user", "assistant", "tool")
_BOTH = {
    "model": str,
    "format": (str, dict),
    "options": dict,
    "stream": bool,
    "keep_alive": (str, int, float),
    "think": (bool, str),
    "logprobs": bool,
    "top_logprobs": int,
    "truncate": bool,
    "shift": bool,
}
_OF_CHAT = _BOTH | {"messages": list, "tools": list}
_OF_GENERATE = _BOTH | {
    "prompt": str,
    "suffix": str,
    "system": str,
    "template": str,
    "context": list,
    "raw": bool,
    "images": list,
}
_INTEGERS = [
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "repeat_last_n",
    "draft_num_predict",
]
_NUMBERS = [
    "top_p",
    "min_p",
    "typical_p",
    "temperature",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
]
_OF_OPTIONS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_NUMBERS, (int, float)),
    "use_mmap": bool,
    "stop": list,
}
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SINCE_TRUNCATE, _SINCE_LOGPROBS = (0, 12, 4), (0, 12, 11)

Version = tuple[int, ...]


def native(number: int, path: str, body: Any, version: Version) -> Asked:
    """A request to ``/api/chat`` or ``/api/generate``. Raises Refusal."""
    if not isinstance(body, dict):
        raise Refusal(400, "json: cannot unmarshal value into Go value of type api.ChatRequest")
    known = dict(_OF_CHAT if path == "/api/chat" else _OF_GENERATE)
    if version < _SINCE_TRUNCATE:
        del known["truncate"], known["shift"]
    if version < _SINCE_LOGPROBS:
        del known["logprobs"], known["top_logprobs"]
    given = _checked(body, known)
    if not given.get("model"):
        raise Refusal(400, "model is required")
    options = given.get("options", {})
    _check_options(options)
    top_logprobs = given.get("top_logprobs", 0)
    if not 0 <= top_logprobs <= 20:
        raise Refusal(400, "top_logprobs must be between 0 and 20")
    think = given.get("think")
    if isinstance(think, str) and think not in ("high", "medium", "low"):
        raise Refusal(
            400, f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)'
        )
    return Asked(
        number=number,
        path=path,
        body=body,
        messages=_messages(given["messages"]) if "messages" in given else _of_prompt(given),
        model=given["model"],
        format=checked_format(given.get("format")),
        options=options,
        stream=given.get("stream", True),
        keep_alive_s=_duration(given.get("keep_alive")),
        think=think if think is None else bool(think),
        truncate=given.get("truncate", True),
        shift=given.get("shift"),
        logprobs=given.get("logprobs", False),
        top_logprobs=top_logprobs,
        unknown=sorted(set(body) - set(known))
        + [f"options.{each}" for each in options if each not in _OF_OPTIONS],
    )


def openai(number: int, path: str, body: Any) -> Asked:
    """A request to ``/v1/chat/completions``. Raises Refusal."""
    if not isinstance(body, dict) or not body.get("model"):
        raise Refusal(400, "model is required")
    wanted = body.get("response_format") or {}
    form: Any = None
    if wanted.get("type") == "json_schema":
        form = (wanted.get("json_schema") or {}).get("schema")
    elif wanted.get("type") == "json_object":
        form = "json"
    limit = body.get("max_tokens", body.get("max_completion_tokens"))
    options = {
        name: body[name] for name in ("seed", "temperature", "top_p", "stop") if body.get(name) is not None
    }
    if limit is not None:
        options["num_predict"] = limit
    _check_options(options)
    effort = body.get("reasoning_effort")
    known = (
        "model messages response_format max_tokens max_completion_tokens seed temperature top_p stop stream"
    )
    known += " stream_options reasoning_effort logprobs top_logprobs tools n user frequency_penalty presence_penalty"
    return Asked(
        number=number,
        path=path,
        body=body,
        messages=_messages(body.get("messages") or []),
        model=str(body["model"]),
        format=checked_format(form),
        options=options,
        stream=bool(body.get("stream", False)),
        think=None if effort is None else effort != "none",
        unknown=sorted(set(body) - set(known.split())),
    )


def checked_format(form: Any) -> Any:
    if form in (None, ""):
        return None
    if isinstance(form, str):
        if form != "json":
            raise Refusal(400, f'invalid format: "{form}"; expected "json" or a valid JSON Schema object')
        return form
    try:
        jsonschema.Draft202012Validator.check_schema(form)
    except jsonschema.exceptions.SchemaError as error:
        said = f"Field 'json_schema': JSON schema conversion failed:\nJSON schema error at #: {error.message}"
        inner = {"code": 400, "message": said, "type": "invalid_request_error"}
        raise Refusal(400, json.dumps({"error": inner})) from None
    return form


def _checked(body: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in body.items() if name in known and value is not None}
    for name, value in given.items():
        kinds = known[name]
        if not isinstance(value, kinds) or (
            isinstance(value, bool) and kinds in (int, str, (str, int, float))
        ):
            kind = type(value).__name__
            raise Refusal(400, f"json: cannot unmarshal {kind} into Go struct field .{name}")
    return given


def _check_options(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        kinds = _OF_OPTIONS.get(name)
        if kinds is None or value is None:
            continue
        fits = isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool))
        if not fits and not (kinds is int and isinstance(value, float) and value.is_integer()):
            raise Refusal(400, f'option "{name}" must be of type {_go_name(kinds)}')


def _go_name(kinds: Any) -> str:
    return {int: "integer", bool: "boolean", list: "array"}.get(kinds, "float32")


def _messages(messages: list[Any]) -> list[Mapping[str, str]]:
    for each in messages:
        if not isinstance(each, dict) or not isinstance(each.get("content", ""), str | None):
            raise Refusal(400, "json: cannot unmarshal value into Go struct field ChatRequest.messages")
        if each.get("role") not in _ROLES:
            raise Refusal(
                400,
                f'invalid role: {each.get("role")}, must be one of ["system", "user", "assistant", "tool"]',
            )
    return messages


def _of_prompt(given: Mapping[str, Any]) -> list[Mapping[str, str]]:
    if not given.get("prompt"):
        return []
    system = given.get("system")
    first = [{"role": "system", "content": system}] if system else []
    return [*first, {"role": "user", "content": given["prompt"]}]


def _duration(value: Any) -> float | None:
    """Seconds; a negative duration is for ever."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return math.inf if value < 0 else float(value)
    sign, rest = (-1, value[1:]) if value.startswith("-") else (1, value)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", rest)
    if rest != "0" and "".join(map("".join, parts)) != rest:
        raise Refusal(400, f'time: invalid duration "{value}"')
    if not parts and rest != "0":
        raise Refusal(400, f'time: invalid duration "{value}"')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return math.inf if sign < 0 else seconds
