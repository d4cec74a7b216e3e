"""What a process costs while it is left alone, as Linux counts it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import sysconf
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Cost:
    """cpu     share of one core, over ``seconds``
    memory  resident bytes at the end
    wakes   how often any of its threads began to run again after it had waited, a minute
    """

    seconds: float
    cpu: float
    memory: int
    wakes: float


def cost_of(pid: int, seconds: float, *, first_s: float = 0.0) -> Cost | None:
    """Of the process and all its threads, ``first_s`` seconds from now on; None where there is no /proc."""
    place = Path(f"/proc/{pid}")
    if not place.exists():
        return None
    time.sleep(first_s)
    begun, cpu, wakes = time.monotonic(), _cpu_s(place), _wakes(place)
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return Cost(
        seconds=passed,
        cpu=(_cpu_s(place) - cpu) / passed,
        memory=int((place / "statm").read_text().split()[1]) * sysconf("SC_PAGE_SIZE"),
        wakes=(_wakes(place) - wakes) / passed * 60,
    )


def _cpu_s(place: Path) -> float:
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


def _wakes(place: Path) -> int:
    """Voluntary switches: each is a wait, which ended."""
    total = 0
    for task in (place / "task").iterdir():
        try:
            lines = (task / "status").read_text().splitlines()
        except FileNotFoundError:
            continue  # a thread that has just ended
        for line in lines:
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def family(pid: int) -> Iterator[int]:
    """The process and all that it and its children have started, as far as they still run."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has just ended
            for child in children.read_text().split():
                yield from family(int(child))


def memory_of(pid: int) -> int:
    """Bytes: its proportional set size, in which what n processes share counts as an nth; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)
