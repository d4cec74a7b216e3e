"""Checks of this machine: Python, what hybrid is built on, and whether the runner starts."""

import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sync.errors import HybridError
from sync.store import chunker, codec

from . import ship
from .doctor import Finding, fail, failed, ok, warn

LEAST_PYTHON = (3, 11)
# Distribution and module; those of the codec and the chunker have checks of their own.
MODULES = {
    "click": "click",
    "filelock": "filelock",
    "paramiko": "paramiko",
    "platformdirs": "platformdirs",
    "pyarrow": "pyarrow",
    "rich": "rich",
}
_AGAIN = "install hybrid again, say with `uv tool install --force`."
_START_S = 60


def examine() -> Iterator[Finding]:
    yield python_version(sys.version_info[:3])
    yield dependencies(MODULES)
    yield zstd(codec.zstd())
    yield cuts(_core())
    yield git(shutil.which("git"))
    yield runner(sys.executable)


def python_version(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        return fail("python", f"this is Python {shown}", f"hybrid needs Python {least} or newer.")
    return ok("python", shown)


def dependencies(modules: Mapping[str, str]) -> Finding:
    """Whether ``modules`` (by distribution) can be imported."""
    broken = []
    for distribution, module in modules.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # a broken installation raises anything
            broken.append(f"{distribution} ({error})")
    if broken:
        return fail("dependencies", f"cannot be imported: {', '.join(broken)}", _AGAIN)
    return ok("dependencies", ", ".join(modules))


def zstd(engine: codec.Zstd | None) -> Finding:
    if engine is None:
        fix = "install backports.zstd into hybrid's environment; results packed with zstd cannot be read without."
        return fail("compression", "there is no zstd codec", fix)
    sample = b"doctor " * 1000
    try:
        same = engine.decompress(engine.compress(sample), len(sample)) == sample
    except Exception as error:  # each provider has errors of its own
        return fail("compression", f"zstd from {engine.provider} fails: {error}", _AGAIN)
    if not same:
        return fail(
            "compression", f"zstd from {engine.provider} does not give back what it was given", _AGAIN
        )
    return ok("compression", f"zstd from {engine.provider}")


def cuts(core: str) -> Finding:
    """``core`` is the module that finds where content is cut; empty where there is none."""
    fix = "install pyfastcdc into hybrid's environment, as a wheel for this platform."
    if not core:
        return warn("chunker", "pyfastcdc is missing: changed files travel in fixed blocks", fix)
    if not core.startswith("pyfastcdc.cy"):
        return warn("chunker", "pyfastcdc is not compiled here: pushing large files is slow", fix)
    return ok("chunker", "pyfastcdc, compiled")


def git(program: str | None) -> Finding:
    if program is None:
        what = (
            "git is not installed: snapshots carry no commit, and files that git tracks although ignored stay"
        )
        return warn("git", what, "install git.")
    return ok("git", program)


def runner(python: str) -> Finding:
    """Builds the runner's archive and has ``python`` start it, bare of everything that is installed."""
    archive = ship.build()
    with tempfile.TemporaryDirectory(prefix="hybrid-doctor-") as folder:
        path = Path(folder) / "runner.pyz"
        path.write_bytes(archive.data)
        try:
            done = subprocess.run(
                [python, "-I", "-S", str(path), "--help"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_START_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return failed("runner", HybridError(f"{python} could not be started: {error}", _AGAIN))
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        return fail(
            "runner", f"the runner ends with exit code {done.returncode} under {python}: {last}", _AGAIN
        )
    return ok("runner", f"{archive.sha256[:12]}, {len(archive.data) // 1000} kB, starts")


def _core() -> str:
    if not chunker.follows_content():
        return ""
    from pyfastcdc import FastCDC

    return str(FastCDC.__module__)
