"""JSON that fits a schema, chosen by a number: what a model under a grammar might say."""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema

_WORDS = [
    "the",
    "answer",
    "names",
    "what",
    "the",
    "reference",
    "says",
    "and",
    "leaves",
    "out",
    "a",
    "date",
    "that",
    "was",
    "asked",
    "for",
    "in",
    "between",
]
_PATTERN_TRIES = ("a", "A", "0", "yes", "no", "abc", "ABC", "42", "2024-01-01", "a1", "A1")


def ordered_properties(schema: Mapping[str, Any], alphabetical: bool) -> list[str]:
    """Names in the order in which the grammar has them written: those that are required come first."""
    properties = schema.get("properties", {})
    names = sorted(properties) if alphabetical else list(properties)
    required = set(schema.get("required", []))
    return [name for name in names if name in required] + [name for name in names if name not in required]


def filled(schema: Mapping[str, Any], seed: str) -> str:
    """The same for the same seed. Raises ValueError where a schema asks for more than this can make up."""
    return json.dumps(_Filler(schema, random.Random(seed)).value(schema), ensure_ascii=False)


def in_order(text: str, schema: Mapping[str, Any], *, alphabetical: bool) -> str:
    """``text`` with its keys in the order that a grammar enforces, if it fits the schema at all."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not jsonschema.Draft202012Validator(schema).is_valid(value):
        return text
    return json.dumps(_arranged(value, schema, schema, alphabetical), ensure_ascii=False)


def _arranged(value: Any, schema: Any, whole: Mapping[str, Any], alphabetical: bool) -> Any:
    schema = _resolved(schema, whole)
    if isinstance(value, dict):
        names = [name for name in ordered_properties(schema, alphabetical) if name in value]
        names += [name for name in value if name not in names]
        inner = schema.get("properties", {})
        return {name: _arranged(value[name], inner.get(name), whole, alphabetical) for name in names}
    if isinstance(value, list):
        return [_arranged(each, schema.get("items"), whole, alphabetical) for each in value]
    return value


def _resolved(schema: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    if "$ref" not in schema:
        return schema
    found: Any = whole
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found, whole)


class _Filler:
    def __init__(self, whole: Mapping[str, Any], chance: random.Random) -> None:
        self._whole = whole
        self._chance = chance

    def value(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping):
            return "anything"
        if "$ref" in schema:
            return self.value(_resolved(schema, self._whole))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.value(self._chance.choice(schema[choice]))
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kind = kind[0]
        return self._of_kind(kind, schema)

    def _of_kind(self, kind: str, schema: Mapping[str, Any]) -> Any:
        match kind:
            case "object":
                names = schema.get("properties", {})
                return {name: self.value(schema["properties"][name]) for name in names}
            case "array":
                least, most = schema.get("minItems", 1), schema.get("maxItems", 3)
                count = self._chance.randint(least, max(least, most))
                return [self.value(schema.get("items", {"type": "string"})) for _ in range(count)]
            case "string":
                return self._text(schema)
            case "boolean":
                return self._chance.random() < 0.5
            case "null":
                return None
            case "integer":
                low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
                high = schema.get("maximum", schema.get("exclusiveMaximum", low + 11) - 1)
                return self._chance.randint(math.ceil(low), math.floor(high))
            case "number":
                low = schema.get("minimum", 0)
                return round(self._chance.uniform(low, schema.get("maximum", low + 1)), 3)
        raise ValueError(f"no value of type {kind!r} can be made up")

    def _text(self, schema: Mapping[str, Any]) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        if "pattern" in schema:
            tries = [
                each for each in _PATTERN_TRIES if re.search(schema["pattern"], each) and len(each) >= least
            ]
            if not tries:
                raise ValueError(f"no text is at hand for the pattern {schema['pattern']}")
            return tries[0][:most]
        text = " ".join(self._chance.choices(_WORDS, k=self._chance.randint(4, 12)))
        while len(text) < least:
            text += " " + self._chance.choice(_WORDS)
        return text[:most]
