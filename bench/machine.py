"""What the numbers were measured on, without naming the machine."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

_ASK = {"rclone": "version", "restic": "version", "unison": "-version", "ssh": "-V"}


def machine(folder: Path) -> dict[str, str | int | float]:
    """Cores, memory, the file system that ``folder`` lies on, and versions; what cannot be told is absent."""
    found: dict[str, str | int | float] = {
        "system": platform.system(),
        "python": platform.python_version(),
        "cores": os.cpu_count() or 1,
    }
    if processor := _field(Path("/proc/cpuinfo"), "model name"):
        found["processor"] = processor
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["memory_gib"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    if file_system := _file_system(folder):
        found["file_system"] = file_system
    return found


def in_words(found: dict[str, str | int | float]) -> str:
    memory = f", {found['memory_gib']} GiB of memory" if "memory_gib" in found else ""
    disk = f", {found['file_system']}" if "file_system" in found else ""
    return f"{found['system']}, {found['cores']} cores{memory}{disk}, Python {found['python']}"


def versions(programs: Iterable[str]) -> dict[str, str]:
    """What the programs themselves say that they are; they must be installed."""
    found = {}
    for program in sorted(set(programs)):
        asked = [program, _ASK.get(program, "--version")]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        match = re.search(r"\d+(\.\d+)+\w*", told.stdout + told.stderr)
        found[program] = match[0] if match else "of an unknown version"
    return found


def _field(path: Path, name: str) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _file_system(folder: Path) -> str:
    """The type of the file system, from the longest mount point that ``folder`` is below."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    place = folder.resolve()
    above = [(len(point), kind) for _, point, kind, *_ in mounts if place.is_relative_to(point)]
    return max(above)[1] if above else ""
