"""The answer is Python code; it is right when the sample's tests pass. Each answer runs in a process of its own.

This runs what a model wrote, on the machine of the user who grades. It is done only for who asked for it; the limits of
``confined`` keep accidents away and stop no malice.
"""

import ast
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sync.errors import ConfirmationNeeded

from ..samples import Sample
from ..scorer import Option, Shape
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, score_each
from .confined import Confined, Died, Limits, TookTooLong, check_limits

_STARTING = 60.0
"""Seconds that the process itself may take to start, on a busy machine; those are not the code's."""

_NOT_RUN = "code cannot be run"
_PROCESSES = 64
_FILE_BYTES = 64 << 20
_LANGUAGES = ("python", "py", "python3", "")

_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*$", re.MULTILINE)
_DEF = re.compile(r"^def\s+(\w+)", re.MULTILINE)


class Code:
    """``reference`` holds the tests: statements that raise where the answer is wrong; a list holds several, which all
    must pass. Where they are a function ``check`` that nobody calls, as HumanEval's, it is called with the function that
    the prompt asks for. A prompt that is Python goes before the answer, for what it imports and begins.

    ``seconds`` is the time for one answer, ``memory`` what it may take, in GB. Running longer, or taking more, is wrong.
    """

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 1
    shape: ClassVar[Shape] = Shape.ROWS

    def __init__(self, *, allow_code: bool = False, seconds: float = 10.0, memory: float = 2.0) -> None:
        check_limits(seconds, memory)
        if not allow_code:
            raise ConfirmationNeeded(
                "The scorer code runs the answers as programs on this machine, with your rights.",
                "Say --allow-code, or set allow_code = true under [grade] in hybrid.toml.",
            )
        self._seconds, self._memory = seconds, memory

    @property
    def options(self) -> Mapping[str, Option]:
        return {"seconds": self._seconds, "memory": self._memory}

    def score(self, sample: Sample) -> Score:
        tests = "\n".join(text for text in alternatives(sample.reference) if text.strip())
        if not tests:
            return Score.unscored(NO_REFERENCE)
        before = _beginning(sample.prompt)
        return score_each(sample, lambda answer: self._one(answer, before, tests))

    def _one(self, answer: str, before: str, tests: str) -> Score:
        code = extracted(answer)
        program = [
            ("answer", f"{before}\n{code}" if before else code),
            ("tests", called(tests, before, code)),
        ]
        limits = Limits(
            memory=int(self._memory * 1e9),
            processes=_PROCESSES,
            file_bytes=_FILE_BYTES,
            cpu=math.ceil(self._seconds) + 1,
            network=False,
        )
        try:
            process = Confined(limits, {"program": program}, home=False)
        except Died as error:
            return Score.unscored(_NOT_RUN, str(error), code)
        is_ready = False
        try:
            is_ready = bool(process.hear(_STARTING))
            reply = process.ask("go", self._seconds)
        except TookTooLong:
            if not is_ready:
                return Score.unscored(_NOT_RUN, "the process did not start in time", code)
            return Score.verdict(False, code, f"ran longer than {self._seconds:g} seconds")
        except Died as error:
            return (
                Score.verdict(False, code, str(error))
                if is_ready
                else Score.unscored(_NOT_RUN, str(error), code)
            )
        finally:
            process.close()
        return _score(reply, code)


def _score(reply: Mapping[str, Any], code: str) -> Score:
    raised = str(reply.get("raised", ""))
    if reply.get("unreadable") == "tests":
        return Score.unscored("reference is not Python", raised, code)
    return Score.verdict(bool(reply.get("done")), code, raised)


def extracted(answer: str) -> str:
    """The last block that is fenced as Python; else the last fenced one of no language; else the last; else all of it."""
    blocks: list[tuple[str, str]] = []
    fence, language, start = "", "", 0
    for mark in _FENCE.finditer(answer):
        if not fence:
            fence, language, start = mark[1], mark[2].lower(), mark.end() + 1
        elif mark[1].startswith(fence) and not mark[2]:
            blocks.append((language, answer[start : mark.start()]))
            fence = ""
    if fence:  # cut off before its end
        blocks.append((language, answer[start:]))
    for wanted in (_LANGUAGES[:-1], ("",)):
        for language, block in reversed(blocks):
            if language in wanted:
                return block
    return blocks[-1][1] if blocks else answer


def called(tests: str, before: str, code: str) -> str:
    """The tests, with a call of ``check`` where they only define it."""
    try:
        body = ast.parse(tests).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return tests
    defined = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in body)
    calls = any(isinstance(node, ast.Name) and node.id == "check" for part in body for node in ast.walk(part))
    names = _DEF.findall(before) or _DEF.findall(code)
    return f"{tests}\ncheck({names[-1]})\n" if defined and not calls and names else tests


def _beginning(prompt: str | None) -> str:
    """The prompt, or the code in it, where that is Python with a function."""
    if not prompt:
        return ""
    code = extracted(prompt)
    try:
        parsed = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return code if any(isinstance(node, ast.FunctionDef) for node in parsed.body) else ""
