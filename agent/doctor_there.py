"""What another machine's Python says about it: one command over SSH, and what its answer means.

The runner's archive goes along on standard input, so that it is tried before anything is in the mailbox.
"""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from . import ship
from .doctor_findings import Finding, fail, ok, warn
from .doctor_machine import APART_S, disk

LEAST_PYTHON = (3, 10)
_MARK = "hybrid-doctor:"
# For any Python 3: an old one is to say that it is old. A login shell may print before and after.
_PROGRAM = f"""
import json, os, sys, time
def tell(**found):
    print("\\n{_MARK}" + json.dumps(found), flush=True)
data = sys.stdin.buffer.read()
tell(python=list(sys.version_info[:2]), time=time.time())
if sys.version_info >= {LEAST_PYTHON!r}:
    import shutil, subprocess, tempfile
    work = os.path.abspath(os.path.expanduser(sys.argv[1] or tempfile.gettempdir()))
    while not os.path.exists(work):
        work = os.path.dirname(work)
    tell(work=work, free=shutil.disk_usage(work).free)
    with tempfile.TemporaryDirectory(prefix="hybrid-doctor-", dir=work) as folder:
        path = os.path.join(folder, "runner.pyz")
        with open(path, "wb") as file:
            file.write(data)
        done = subprocess.run([sys.executable, "-I", path, "--help"], capture_output=True, text=True)
        tell(code=done.returncode, error=done.stderr[-1000:])
        sys.path.insert(0, path)
        from sync.store import codec
        from cloud_runner.device import devices
        engine = codec.zstd()
        cards = devices(os.environ.get("CUDA_VISIBLE_DEVICES"))
    tell(zstd=engine.provider if engine else "", gpus=[card.name for card in cards])
"""


def question(python: str, work: str) -> tuple[str, bytes]:
    """The command for the login shell there, and what goes to its standard input."""
    return shlex.join([python, "-I", "-c", _PROGRAM, work]), ship.build().data


def findings(
    name: str, python: str, out: bytes, err: bytes, wall: float, *, is_mailbox: bool
) -> Iterator[Finding]:
    """What the answer means; ``wall`` is this machine's clock when it came, ``is_mailbox`` whether that is all we know."""
    said = _said(out)
    where = "NAME" if is_mailbox else name
    another = f'Name a Python of {_dotted(LEAST_PYTHON)} or newer: python = "/path/to/python3" under [machines.{where}].'
    version = _version(said.get("python"))
    last = (err.decode("utf-8", "replace").strip() or "it says nothing").splitlines()[-1]
    if version is None:
        yield fail(f"python {name}", f"{python} does not start there: {last}", another)
        return
    if version < LEAST_PYTHON:
        yield fail(f"python {name}", f"{python} is Python {_dotted(version)} there", another)
        return
    yield ok(f"python {name}", f"{python} is Python {_dotted(version)} there")
    if isinstance(said.get("time"), float):
        yield _clock(name, said["time"] - wall)
    if isinstance(said.get("free"), int):
        yield disk(f"disk {name}", f"{said.get('work')} there", said["free"])
    yield _runner(name, said, last)
    if said.get("gpus"):
        yield ok(f"gpu {name}", ", ".join(map(str, said["gpus"])))
    elif "gpus" in said:
        yield ok(f"gpu {name}", "none; runs that ask for one are refused there")


def _said(out: bytes) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for line in out.decode("utf-8", "replace").splitlines():
        if line.startswith(_MARK):
            try:
                said.update(json.loads(line.removeprefix(_MARK)))
            except (ValueError, TypeError):
                continue  # not what was asked for, whoever printed it
    return said


def _version(value: object) -> tuple[int, ...] | None:
    return tuple(value) if isinstance(value, list) and all(type(part) is int for part in value) else None


def _clock(name: str, ahead: float) -> Finding:
    if abs(ahead) > APART_S:
        what = f"it is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
        fix = "Let NTP set both; hybrid compares no clocks, but logs, certificates and your own programs may."
        return warn(f"clock {name}", what, fix)
    return ok(f"clock {name}", "in step with this machine's")


def _runner(name: str, said: dict[str, Any], last: str) -> Finding:
    name = f"runner {name}"
    if said.get("code") != 0 or "zstd" not in said:
        why = (str(said.get("error") or "").strip() or last).splitlines()[-1]
        fix = "See whether that machine's temporary folder can be written and its Python is whole."
        return fail(name, f"the runner does not start there: {why}", fix)
    if not said["zstd"]:
        fix = "There, `python3 -m pip install backports.zstd`, or install the system's libzstd."
        return fail(name, "that Python has no zstd codec, so it cannot read what this machine pushes", fix)
    return ok(name, f"starts there, with zstd from {said['zstd']}")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
