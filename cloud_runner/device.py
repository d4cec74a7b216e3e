"""What GPU is here, as the driver's own tool tells it."""

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Device:
    """One GPU; memory in GB (10^9 bytes)."""

    name: str
    total_gb: float
    free_gb: float


def devices() -> list[Device]:
    """The GPUs that ``nvidia-smi`` lists; empty where there is none."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse(done.stdout) if done.returncode == 0 else []


def parse(text: str) -> list[Device]:
    """``name, MiB in all, MiB free`` a line; lines of another form (a GPU that is lost) are left out."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.rsplit(",", 2)]
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            mib = 1024 * 1024 / 1e9
            found.append(Device(name=parts[0], total_gb=int(parts[1]) * mib, free_gb=int(parts[2]) * mib))
    return found
