"""A function of the user's own decides. It is called in a process beside, which is kept from one sample to the next.

What the function cannot grade, because it raises, hangs or dies, is unscored: that says something about the function and
nothing about the answer.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scorer import Option, Shape
from ..scores import NO_ANSWER, Score
from ..texts import as_text
from .confined import Confined, Died, Limits, TookTooLong, check_limits

_LOADING = 120.0
"""Seconds for importing the file and what it imports: the libraries of a grader can be large."""
_NO_GRADE = "function gave no grade"
_GRADES = "true, false, None or a number from 0 to 1, alone or as the value of a dictionary"


class Python:
    """``function`` is ``FILE.py:NAME``, called as ``NAME(answer, reference, sample)``; ``sample`` is a dictionary.

    It returns true or false, a number in [0, 1], None for what it cannot grade, or a dictionary with such a ``value``,
    perhaps an ``explanation``, a ``reason`` where the value is None, and numbers by other names, which are kept; what else
    it holds is not.
    ``seconds`` is the time for one answer, ``memory`` what the process may take, in GB. The file is known by the
    SHA-256 of its content; what it imports is not looked at.
    """

    name: ClassVar[str] = "python"
    version: ClassVar[int] = 1
    shape: ClassVar[Shape] = Shape.ROWS

    def __init__(self, *, function: str | None = None, seconds: float = 10.0, memory: float = 8.0) -> None:
        if function is None:
            raise UsageError(
                "The scorer python was given no function.", "Name one with --function FILE.py:NAME."
            )
        file, _, name = function.rpartition(":")
        if not file or not name.isidentifier():
            raise UsageError(
                f"{function} names no function.", "Give a file and a function, as in grade.py:score."
            )
        check_limits(seconds, memory)
        self._path, self._name = Path(file).resolve(), name
        self._sha256 = _looked_at(Path(file), name)
        self._seconds, self._memory = seconds, memory
        self._process: Confined | None = None
        self._broken: Score | None = None

    @property
    def options(self) -> Mapping[str, Option]:
        return {
            "function": self._name,
            "file": f"sha256:{self._sha256}",
            "seconds": self._seconds,
            "memory": self._memory,
        }

    def score(self, sample: Sample) -> Score:
        """A list of answers is handed over as it is."""
        if sample.answer is None:
            return Score.unscored(NO_ANSWER)
        answer = as_text(sample.answer)
        try:
            process = self._ready()
            if self._broken is not None:
                return self._broken
            reply = process.ask([sample.answer, sample.reference, _described(sample)], self._seconds)
        except TookTooLong:
            self._process = None
            return Score.unscored("function took too long", f"longer than {self._seconds:g} seconds", answer)
        except Died as error:
            self._process = None
            return Score.unscored("function ended the process", str(error), answer)
        except (TypeError, ValueError, RecursionError) as error:
            return Score.unscored("answer cannot be handed to a function", str(error), answer)
        return _score(reply, answer, self._name)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _ready(self) -> Confined:
        """A process that has loaded the function. Where that fails, it would again, and ``_broken`` says so."""
        if self._process is None:
            limits = Limits(memory=int(self._memory * 1e9))
            task = {"function": {"path": str(self._path), "name": self._name}}
            self._process = Confined(limits, task, home=True)
            try:
                raised = self._process.hear(_LOADING).get("raised")
            except TookTooLong:
                raised = f"its file takes longer than {_LOADING:g} seconds"
            except Died as error:
                raised = f"its file ends the process: {error}"
            if raised is not None:
                self._broken = Score.unscored("function cannot be loaded", str(raised))
        return self._process


def _score(reply: Mapping[str, Any], answer: str, function: str) -> Score:
    if "raised" in reply:
        return Score.unscored("function raised an error", str(reply["raised"]), answer)
    if "refused" in reply:
        told = f"{function} returned {reply['refused']}, and not {_GRADES}"
        return Score.unscored(_NO_GRADE, told, answer)
    value, explanation = reply.get("value"), str(reply.get("explanation", ""))
    if value is None:
        return Score.unscored(str(reply.get("reason") or _NO_GRADE), explanation, answer)
    return Score(value=value, answer=answer, explanation=explanation, details=reply.get("details", {}))


def _described(sample: Sample) -> dict[str, object]:
    return {
        "id": sample.id,
        "answer": sample.answer,
        "reference": sample.reference,
        "prompt": sample.prompt,
        "context": sample.context,
        "group": sample.group,
        "shard": sample.shard,
    }


def _looked_at(path: Path, name: str) -> str:
    """The SHA-256 of the file. It is read and not run. Raises UsageError where it holds no such function."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror or error}).",
            "Name a file that is there with --function.",
        ) from error
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UsageError(
            f"{path} is not Python: {error.args[0] if error.args else 'nested too deeply'}{line}."
        ) from error
    names = set(_bound(tree.body))
    if name not in names and "*" not in names:
        raise UsageError(
            f"{path} has no function named {name}.", f"It has {', '.join(sorted(names)[:12]) or 'none'}."
        )
    return hashlib.sha256(content).hexdigest()


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module binds."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name) for alias in node.names)
        else:
            yield from (
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            )
            yield from (each.name for each in ast.walk(node) if isinstance(each, ast.FunctionDef))
