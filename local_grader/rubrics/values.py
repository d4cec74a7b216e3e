"""Values of a rubric file, each checked when it is taken. What is wrong is noted, and a harmless value stands in for it."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from .complaints import Complaints, Key


def text(holder: Mapping[str, Any], key: Key, complaints: Complaints) -> str:
    """The text under the last part of ``key``, without white space around it; nothing where it is not there."""
    value = holder.get(str(key[-1]), None)
    if value is None:
        return ""
    if isinstance(value, str) and value.strip():
        return value.strip()
    complaints.add(
        key,
        "must be text, in quotes" if not isinstance(value, str) else "is empty; write it, or leave it out",
    )
    return ""


def number(
    value: object, key: Key, complaints: Complaints, name: str, fits: Callable[[float], bool]
) -> float:
    """``name`` completes "must be a number "; what is none becomes NaN, which no later check takes for a mistake of its own."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and fits(value):
        return float(value)
    complaints.add(key, f"must be a number {name}, not {json.dumps(value, default=str)}")
    return math.nan


def is_worth(value: float) -> bool:
    return 0 <= value <= 1


def table(holder: Mapping[str, Any], key: Key, complaints: Complaints) -> Mapping[str, Any]:
    value = holder.get(str(key[-1]), {})
    if isinstance(value, dict):
        return value
    complaints.add(key, f"must be a table: write [{key[-1]}] above its lines")
    return {}


def tables(holder: Mapping[str, Any], key: Key, complaints: Complaints) -> list[Mapping[str, Any]]:
    value = holder.get(str(key[-1]), [])
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    complaints.add(key, f"must be written as [[{key[-1]}]], with double brackets, above each of them")
    return []
