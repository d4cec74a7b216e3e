"""What GPUs are here for us, as the driver's own tool tells it."""

import dataclasses
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Device:
    """One GPU; memory in GB (10^9 bytes), 0 where it shares the machine's.

    handle  what CUDA_VISIBLE_DEVICES must say for a process that is to see only this one
    """

    handle: str
    uuid: str
    name: str
    total_gb: float
    free_gb: float

    def is_a(self, wanted: str) -> bool:
        """Whether it will do: ``any`` GPU, or one whose name holds ``wanted`` as a word, in capitals or not."""
        word = rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])"
        return wanted == "any" or re.search(word, self.name, re.IGNORECASE) is not None


def devices(visible: str | None) -> list[Device]:
    """The GPUs that ``nvidia-smi`` lists and that ``visible`` leaves to us; empty where there is none.

    visible  this process's own CUDA_VISIBLE_DEVICES, as a scheduler or a person has set it; None where it is unset
    """
    query = [
        "nvidia-smi",
        "--query-gpu=index,uuid,name,memory.total,memory.free",
        "--format=csv,noheader,nounits",
    ]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return left_to_us(parse(done.stdout), visible) if done.returncode == 0 else []


def parse(text: str) -> list[Device]:
    """``index, uuid, name, MiB in all, MiB free`` a line; lines of another form (a GPU that is lost) are left out."""
    found = []
    for line in text.splitlines():
        head = [part.strip() for part in line.split(",", 2)]
        if len(head) < 3 or not head[0].isdigit():
            continue
        name, *memory = [part.strip() for part in head[2].rsplit(",", 2)]
        sizes = [_gb(part) for part in memory]
        if len(sizes) == 2 and sizes[0] is not None and sizes[1] is not None:
            device = Device(handle=head[0], uuid=head[1], name=name, total_gb=sizes[0], free_gb=sizes[1])
            found.append(device)
    return found


def left_to_us(all_here: list[Device], visible: str | None) -> list[Device]:
    """As CUDA reads its variable: numbers or the beginnings of UUIDs, up to the first that is neither."""
    if visible is None:
        return all_here
    chosen: list[Device] = []
    for handle in (part.strip() for part in visible.split(",")):
        matches = [d for d in all_here if handle and (d.handle == handle or d.uuid.startswith(handle))]
        if len(matches) != 1:
            break
        chosen.append(dataclasses.replace(matches[0], handle=handle))
    return chosen


def _gb(mib: str) -> float | None:
    if mib in ("[N/A]", "[Not Supported]"):  # memory that is shared with the processor
        return 0.0
    return int(mib) * 1024 * 1024 / 1e9 if mib.isdigit() else None
