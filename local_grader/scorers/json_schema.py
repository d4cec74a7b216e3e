"""The answer is JSON that a schema accepts. There is no reference.

Text must be JSON as a whole: the question is whether a program could read the answer, and a program stops at a friendly
word before it. Formats (``"format": "date"``) are remarks and not checked, as JSON Schema has it by default; a schema
on another machine is not fetched.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scorer import Option, Shape
from ..scores import NO_ANSWER, Score
from ..texts import as_text

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_LONGEST_REASON = 300


class JsonSchema:
    """``schema`` is a file. It is known by the SHA-256 of its content, so that a changed schema is another grading.

    An answer that was parsed already is taken as it is, a list too: here it is one answer and not several.
    """

    name: ClassVar[str] = "json-schema"
    version: ClassVar[int] = 1
    shape: ClassVar[Shape] = Shape.ROWS

    def __init__(self, *, schema: str | None = None) -> None:
        if schema is None:
            raise UsageError("The scorer json-schema was given no schema.", "Name a file with --schema.")
        self._path = Path(schema)
        try:
            content = self._path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"The schema {schema} cannot be read ({reason}).", "Name a file that is there with --schema."
            ) from error
        self._sha256 = hashlib.sha256(content).hexdigest()
        self._schema = self._parsed(content)
        self._check()

    @property
    def options(self) -> Mapping[str, Option]:
        return {"schema": f"sha256:{self._sha256}"}

    def score(self, sample: Sample) -> Score:
        if sample.answer is None:
            return Score.unscored(NO_ANSWER)
        text = as_text(sample.answer)
        value = sample.answer
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_refuse)
            except RecursionError:
                return Score.verdict(False, text, "nested too deeply")
            except ValueError as error:
                return Score.verdict(False, text, f"not JSON ({str(error).partition(';')[0]})")
        try:
            reason = self._objection(value)
        except RecursionError:
            return Score.unscored("schema or answer nested without end", answer=text)
        except (ArithmeticError, ValueError) as error:  # a number that is too large to be compared
            return Score.verdict(False, text, f"cannot be checked ({error})")
        return Score.verdict(not reason, text, reason)

    def _objection(self, value: Any) -> str:
        """The most telling one, or nothing."""
        from jsonschema.exceptions import best_match

        error = best_match(self._validator.iter_errors(value))
        return "" if error is None else f"{error.json_path}: {error.message}"[:_LONGEST_REASON]

    def _parsed(self, content: bytes) -> Any:
        try:
            schema = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The schema {self._path} is not JSON ({error}).") from error
        if not isinstance(schema, dict | bool):
            raise UsageError(f"The schema {self._path} is neither an object nor true or false.")
        return schema

    @cached_property
    def _validator(self) -> "Validator":
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry
        from referencing.jsonschema import EMPTY_REGISTRY

        registry: Registry[Any] = EMPTY_REGISTRY
        return validator_for(self._schema, default=Draft202012Validator)(self._schema, registry=registry)

    def _check(self) -> None:
        from jsonschema.exceptions import SchemaError

        try:
            self._validator.check_schema(self._schema)
        except SchemaError as error:
            raise UsageError(
                f"The schema {self._path} is no JSON schema at {error.json_path}: {error.message[:_LONGEST_REASON]}."
            ) from error
        except RecursionError as error:
            raise UsageError(f"The schema {self._path} is nested too deeply.") from error
        self._check_references()

    def _check_references(self) -> None:
        """What a schema refers to is looked up only when an answer gets there, which is too late to say so."""
        from referencing import Resource
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

        whole = Resource.from_contents(self._schema, default_specification=DRAFT202012)
        pending = [(whole, EMPTY_REGISTRY.resolver_with_root(whole))]
        while pending:
            part, resolver = pending.pop()
            if isinstance(part.contents, dict):
                for keyword in ("$ref", "$dynamicRef"):
                    reference = part.contents.get(keyword)
                    try:
                        if isinstance(reference, str):
                            resolver.lookup(reference)
                    except Unresolvable as error:
                        raise UsageError(
                            f"The schema {self._path} refers to {reference}, which is not in it.",
                            "Put what it refers to under $defs in the same file.",
                        ) from error
            pending += [(below, resolver.in_subresource(below)) for below in part.subresources()]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
