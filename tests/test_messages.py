"""What is told of a failure is a whole sentence, and what is to be done a sentence or a command: read from the source."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import errors

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("agent", "cloud_runner", "local_grader", "sync")
KINDS = {
    name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.HybridError)
} | {"EndedAtOnce"}
VALUE = "\0"  # stands for what is only known when it happens


def text(node: ast.expr) -> str:
    """What the source says of a text, with VALUE for the rest of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text, node.values))
    return VALUE


def texts(node: ast.expr) -> Iterator[str]:
    """Each text that an expression may give."""
    if isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (each for value in node.values for each in texts(value))
    else:
        yield text(node)


def raised(source: str) -> Iterator[tuple[int, str, str]]:
    """The line, message and hint of each error of ours that the source makes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            for message in texts(node.args[0]):
                for hint in texts(node.args[1]) if len(node.args) > 1 else ("",):
                    yield node.lineno, message, hint


def is_sentence(words: str) -> bool:
    """It begins as one, or with a name such as ``hybrid.toml``, and ends as one. A value may stand at either end."""
    first = words.partition(" ")[0]
    return not (first.isalpha() and first.islower()) and words.endswith((".", "?", VALUE))


def is_advice(words: str) -> bool:
    """A sentence, a command, or a sentence with what is to be typed behind a colon, where a full stop would mislead."""
    return words.startswith("hybrid ") or ":" in words or words.endswith((".", VALUE))


@pytest.mark.parametrize("package", PACKAGES)
def test_errors_are_told_in_whole_sentences(package: str) -> None:
    bad = []
    for path in sorted((REPOSITORY / package).rglob("*.py")):
        for line, message, hint in raised(path.read_text(encoding="utf-8")):
            if not is_sentence(message) or (hint and not is_advice(hint)):
                bad.append(f"{path.relative_to(REPOSITORY)}:{line}: {message!r}, {hint!r}")
    assert not bad, "\n".join(bad)


def test_the_rule_sees_what_is_no_sentence() -> None:
    assert not is_sentence("cannot read it.") and not is_sentence("Cannot read it")
    assert not is_advice("See there") and not is_advice("push again")
    assert is_advice("hybrid push") and is_advice("Write folder:/path") and is_advice("See there.")
    assert list(raised('UsageError(f"No {x}" if y else "No", "go")')) == [
        (1, f"No {VALUE}", "go"),
        (1, "No", "go"),
    ]
