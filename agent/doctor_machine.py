"""Checks of this machine: Python, what hybrid is built on, what it keeps for this user, and whether the runner starts."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from sync.store import chunker, codec

from . import __version__, places, ship
from .doctor_findings import Examiner, Finding, Status, fail, ok, warn
from .project import laptop_id
from .sizes import size

LEAST_PYTHON = (3, 11)
# Distribution and module; those of the codec and the chunker have checks of their own.
MODULES = {
    "click": "click",
    "desktop-notifier": "desktop_notifier",
    "filelock": "filelock",
    "httpx": "httpx",
    "jsonschema": "jsonschema",
    "ollama": "ollama",
    "paramiko": "paramiko",
    "platformdirs": "platformdirs",
    "pyarrow": "pyarrow",
    "rich": "rich",
    "watchdog": "watchdog",
}
LITTLE = 1_000_000_000
"""Bytes of free disk below which it is worth a word; a tenth of it is too little."""
APART_S = 120
"""Seconds by which two clocks may differ before it is worth a word."""
_AGAIN = "Install hybrid again, say with `uv tool install --force`."
_START_S = 35.0


def examine(examiner: Examiner) -> Generator[Finding, None, bool]:
    """Returns whether everything is there that the other checks are built on."""
    yield python_version(sys.version_info[:3])
    needed = examiner.make("dependencies", lambda: [dependencies(MODULES)], _START_S)
    yield from needed
    yield from examiner.make("compression", lambda: [zstd(codec.zstd())])
    yield from examiner.make("chunker", lambda: [cuts(cutting_module())])
    yield from examiner.make("git", lambda: [git(shutil.which("git"))])
    # The process must not outlive the check, in which the archive is built before it starts.
    start_s = 0.8 * examiner.limit(_START_S)
    yield from examiner.make("runner", lambda: [runner(sys.executable, start_s)], _START_S)
    if needed[0].status is Status.FAIL:
        return False
    yield from examiner.make("user folders", own_folders)
    return True


def python_version(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        return fail("python", f"this is Python {shown}", f"hybrid needs Python {least} or newer.")
    return ok("python", f"{shown}, with hybrid {__version__}")


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
        fix = "Install backports.zstd into hybrid's environment; results packed with zstd cannot be read without."
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
    fix = "Install pyfastcdc into hybrid's environment, as a wheel for this platform."
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
        return warn("git", what, "Install git.")
    return ok("git", program)


def own_folders() -> Iterator[Finding]:
    """Where hybrid keeps this laptop's id, its locks, and the runner that is started here. Makes nothing."""
    name = "user folders"
    for folder, variable in (
        (places.config_folder(), "HYBRID_CONFIG_DIR"),
        (places.data_folder(), "HYBRID_DATA_DIR"),
    ):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        try:
            if not there.is_dir():
                raise NotADirectoryError(0, "it is no folder", str(there))
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            what = f"nothing can be kept in {folder}: {there}: {error.strerror}"
            yield fail(name, what, f"See who owns it, or name another folder in {variable}.")
            return
    known = (places.config_folder() / "laptop-id").exists()
    yield ok(
        name,
        f"this laptop is {laptop_id()}"
        if known
        else "this laptop gets its id where it first meets a mailbox",
    )


def runner(python: str, limit_s: float = _START_S) -> Finding:
    """Builds the runner's archive and has ``python`` start it, bare of everything that is installed; the process has
    ``limit_s`` seconds."""
    archive = ship.build()
    try:
        with tempfile.TemporaryDirectory(prefix="hybrid-doctor-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "runner.pyz"
            path.write_bytes(archive.data)
            command = [python, "-I", "-S", str(path), "--help"]
            env = {key: value for key, value in os.environ.items() if not key.startswith("HYBRID_")}
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                env=env,
                timeout=limit_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return fail("runner", f"{python} does not start it within {limit_s:g} s", _AGAIN)
    except OSError as error:
        what = f"it cannot be started: {error.filename or tempfile.gettempdir()}: {error.strerror or error}"
        return fail("runner", what, "Make room for temporary files, or install hybrid again.")
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        what = f"the runner ends with exit code {done.returncode} under {python}: {last}"
        return fail("runner", what, _AGAIN)
    return ok("runner", f"{archive.sha256[:12]}, {len(archive.data) // 1000} kB, starts")


def disk(name: str, where: str, free: int) -> Finding:
    """``free`` bytes are left at ``where``."""
    fix = "Make room there: what comes is laid out in full before it replaces anything."
    if free < LITTLE:
        return (fail if free < LITTLE / 10 else warn)(name, f"only {size(free)} are free at {where}", fix)
    return ok(name, f"{size(free)} free")


def cutting_module() -> str:
    """The module that finds where content is cut; empty where there is none."""
    if not chunker.follows_content():
        return ""
    from pyfastcdc import FastCDC

    return str(FastCDC.__module__)
