"""What runs in the process in which other people's code runs: a script of its own, that needs nothing but Python.

``confined`` starts it and speaks with it in lines of JSON on standard input and output. Both are put out of the code's
reach first: it reads and prints nothing. Then the process takes away from itself what the system lets it take. Its
first line says how it is to confine itself and what it is for:

- ``{"limits": …, "function": {"path", "name"}}``: it answers ``{"ready": true}``, then each line of arguments with what
  the function made of them.
- ``{"limits": …, "program": [[name, source], …]}``: it answers ``{"ready": true}``, waits for a line, runs
  the parts, one after the other, as one program, and answers how that went.
"""

import contextlib
import ctypes
import importlib.util
import json
import math
import os
import queue
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import IO, Any

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_LONGEST = 500
_MOST_WORDS = 20_000
"""Characters of an explanation: a reply of a megabyte would not be read."""


def _main() -> None:
    asked, told = _private_ends()
    wish = json.loads(asked.readline())
    limits = wish["limits"]
    if limits["processes"] is not None:
        limits["processes"] += _running()
    if not limits.pop("network"):
        _leave_network()
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, questions), daemon=True).start()
    _confine(**limits)
    if "program" in wish:
        _tell(told, {"ready": True})
        questions.get()
        _tell(told, _run(wish["program"]))
        os._exit(0)  # whatever the program left behind, such as threads, is not waited for
    function = wish["function"]
    try:
        call = _load(function["path"], function["name"])
    except BaseException as error:
        _tell(told, {"raised": _said(error)})
        return
    _tell(told, {"ready": True})
    while True:
        _tell(told, _call(call, *json.loads(questions.get())))


def _private_ends() -> tuple[IO[str], IO[str]]:
    """Where the starter asks and is told; the usual streams then lead nowhere."""
    asked = os.fdopen(os.dup(0), "r", encoding="ascii")
    told = os.fdopen(os.dup(1), "w", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return asked, told


def _tell(told: IO[str], reply: object) -> None:
    told.write(json.dumps(reply) + "\n")
    told.flush()


def _listen(asked: IO[str], questions: "queue.SimpleQueue[str]") -> None:
    """Where the starter is gone, nobody ends this process; so it ends itself, whatever it is doing."""
    for line in asked:
        questions.put(line)
    os._exit(1)


def _running() -> int:
    """How many threads this user has: the limit counts them all, not only those of the code. Only Linux tells."""
    threads = 0
    with contextlib.suppress(OSError):
        for process in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if os.stat(f"/proc/{process}").st_uid == os.getuid():
                    threads += len(os.listdir(f"/proc/{process}/task"))
    return threads


def _leave_network() -> None:
    """Into a network of its own, with nobody in it: on Linux, where users may make one; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC)


def _confine(memory: int, processes: int | None, file_bytes: int | None, cpu: int | None) -> None:
    """Takes from this process what the system lets it take; on Windows nothing."""
    if sys.platform != "win32":
        import resource

        for kind, limit in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_FSIZE, file_bytes),
            (resource.RLIMIT_CPU, cpu),
            (resource.RLIMIT_NPROC, processes),
        ):
            if limit is not None and (kind != resource.RLIMIT_NPROC or sys.platform == "linux"):
                _, hard = resource.getrlimit(kind)
                limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                try:
                    resource.setrlimit(kind, (limit, hard if kind == resource.RLIMIT_CPU else limit))
                except (OSError, ValueError):
                    continue  # macOS does not limit memory


def _load(path: str, name: str) -> Callable[..., object]:
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: Callable[..., object] = getattr(module, name)
    return found


def _call(
    call: Callable[..., object], answer: object, reference: object, sample: object
) -> dict[str, object]:
    try:
        return _plain(call(answer, reference, sample))
    except BaseException as error:
        return {"raised": _said(error)}


def _plain(result: Any) -> dict[str, object]:
    """``value``, ``explanation``, ``reason`` and ``details`` of what a function returned, or ``refused``: it is no grade."""
    told = {str(key): one for key, one in result.items()} if isinstance(result, dict) else {"value": result}
    value = _number(told.get("value"))
    gives_none = "value" in told and told["value"] is None
    if not gives_none and (value is None or not 0 <= value <= 1):
        return {"refused": " ".join(repr(result).split())[:_LONGEST]}
    said = {
        key: str(told[key])[:_MOST_WORDS] for key in ("explanation", "reason") if told.get(key) is not None
    }
    names = told.keys() - {"value", "explanation", "reason"}
    details = {key: number for key in sorted(names) if (number := _number(told[key])) is not None}
    return {"value": value, "details": details, **said}


def _number(value: Any) -> float | None:
    """Of whatever is a number, numpy's too; None for all else, and for what is not finite."""
    if isinstance(value, str | bytes):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _run(parts: list[list[str]]) -> dict[str, object]:
    """Ends with ``{"done": true}``, or says which part raised what: leaving early is no way to be done."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program"]
    codes = []
    for name, source in parts:
        try:
            codes.append((name, compile(source, f"<{name}>", "exec", dont_inherit=True)))
        except BaseException as error:
            return {"unreadable": name, "raised": _said(error)}
    try:
        for _, code in codes:
            exec(code, module.__dict__)
    except BaseException as error:
        return {"raised": _said(error)}
    return {"done": True}


def _said(error: BaseException) -> str:
    try:
        return (
            "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1][:_LONGEST]
        )
    except Exception:  # a class of errors may be as odd as any code
        return type(error).__name__[:_LONGEST]


if __name__ == "__main__":
    _main()
