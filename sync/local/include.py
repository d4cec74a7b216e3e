"""``[push] include``: git patterns relative to the project root that bring in what would be held back.

A path (``data/plates``), a glob (``data/*.npz``, ``**/labels.csv``), or a glob without a slash, which counts at
any depth (``*.bin``). A plain name counts only at the root, or ``data`` would bring in every ``data`` of a
virtual environment.
"""

import json
from collections.abc import Iterable

from ..errors import UsageError
from .ignore import Rule
from .patterns import BadPattern, escaped, parse


def parse_include(include: Iterable[str], ignore_case: bool = False) -> tuple[Rule, ...]:
    """The rules of ``[push] include``, those that ``names`` last. Raises UsageError."""
    rules = []
    for text in include:
        body = text.encode().removeprefix(b"./")
        if body.startswith(b"!"):
            raise UsageError(
                f"[push] include: {text!r} takes something away.",
                "Write what is to be left out into .hybridignore.",
            )
        if b"/" not in body.rstrip(b"/") and not any(glob in body for glob in (b"*", b"?", b"[")):
            body = b"/" + body
        try:
            pattern = parse(body, ignore_case)
        except BadPattern as bad:
            raise UsageError(
                f"[push] include: {text!r} never matches: {bad}.", "Correct or remove it."
            ) from bad
        if any(part.literal in (b".", b"..") for part in pattern.parts):
            raise UsageError(
                f"[push] include: {text!r} is not a path or glob below the project root.",
                "Write it like data/plates.",
            )
        rules.append(Rule(source="[push] include", line=0, text=body, pattern=pattern))
    return tuple(sorted(rules, key=names))


def names(rule: Rule) -> bool:
    """The include says something about the name that it ends in, more than ``*``."""
    return not rule.pattern.parts[-1].any_name


def suggestion(path: bytes, folder: bool) -> str:
    """The include that brings in just this path; bytes that are not UTF-8 become ``?``."""
    text = escaped(path).decode("utf-8", "surrogateescape")
    text = "".join("?" if "\udc80" <= char <= "\udcff" else char for char in text)
    if "/" not in text and (text != path.decode("utf-8", "replace") or text.startswith("!")):
        text = "/" + text
    return text + "/" if folder else text


def include_line(patterns: Iterable[str]) -> str:
    """The line of ``hybrid.toml`` that includes these."""
    return f"include = [{', '.join(json.dumps(pattern, ensure_ascii=False) for pattern in patterns)}]"
