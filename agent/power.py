"""Whether this machine runs on mains, and keeping it awake: asked of each system in its own way.

A sleeping laptop grades nothing. ``awake`` holds the system's own promise not to sleep, for as long as this process lives:
the promise is another process (or a state of this one, on Windows) that ends with ours, however ours ends. Closing the
lid is covered where the system allows that at all: by logind on Linux; macOS and Windows go by their own settings.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SUPPLIES = Path("/sys/class/power_supply")


def on_mains(platform: str = sys.platform, supplies: Path = SUPPLIES) -> bool | None:
    """None where nobody can tell, as on a machine without a battery."""
    if platform == "win32":
        return _windows_mains()
    if platform == "darwin":
        return _told_by_pmset(_output(["pmset", "-g", "batt"]))
    return _linux_mains(supplies)


def _linux_mains(supplies: Path) -> bool | None:
    """By sysfs: a supply of type Mains or USB says whether it is online, a battery whether it discharges."""
    online: list[bool] = []
    discharging: list[bool] = []
    for supply in sorted(supplies.glob("*")):
        kind = _read(supply / "type")
        if kind in ("Mains", "USB") and (text := _read(supply / "online")):
            online.append(text != "0")
        elif kind == "Battery" and _read(supply / "scope") != "Device" and (text := _read(supply / "status")):
            discharging.append(text == "Discharging")
    if any(online):
        return True
    if discharging:
        return not any(discharging)
    return False if online else None


def _told_by_pmset(text: str) -> bool | None:
    if "AC Power" in text:
        return True
    return False if "Battery Power" in text else None


def _windows_mains() -> bool | None:
    if sys.platform == "win32":
        import ctypes

        # SYSTEM_POWER_STATUS: ACLineStatus, BatteryFlag, BatteryLifePercent, SystemStatusFlag, and two DWORDs.
        status = (ctypes.c_ubyte * 12)()
        if ctypes.windll.kernel32.GetSystemPowerStatus(ctypes.byref(status)):
            return {0: False, 1: True}.get(status[0])
    return None


@contextmanager
def awake(warn: Callable[[str], None], platform: str = sys.platform) -> Iterator[None]:
    """Keeps this machine from sleeping while the block runs; warns, and goes on, where it cannot."""
    if platform == "win32":
        with _windows_awake():
            yield
        return
    command = _keeper(platform)
    process = None
    if command is not None:
        try:
            # It lives as long as its standard input does: the end of this process, however it comes, is its end.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            process = None
    if process is None or _has_failed(process):
        warn("This machine may fall asleep while it grades: the system offers no way to keep it awake.")
    try:
        yield
    finally:
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            process.terminate()
            process.wait()


def _keeper(platform: str) -> list[str] | None:
    if platform == "darwin":
        return ["caffeinate", "-i", "-s", "-w", str(os.getpid())] if shutil.which("caffeinate") else None
    if shutil.which("systemd-inhibit") is None:
        return None
    what = ["--what=idle:sleep:handle-lid-switch", "--who=hybrid", "--why=Grading", "--mode=block"]
    return ["systemd-inhibit", *what, "cat"]


def _has_failed(process: "subprocess.Popen[bytes]") -> bool:
    try:
        return process.wait(timeout=0.5) != 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def _windows_awake() -> Iterator[None]:
    continuous, system_required = 0x80000000, 0x00000001
    _set_execution_state(continuous | system_required)
    try:
        yield
    finally:
        _set_execution_state(continuous)


def _set_execution_state(flags: int) -> None:
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadExecutionState(flags)


def lower_priority() -> None:
    """What else runs on this machine goes before this process from now on."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x00004000
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
    else:
        os.nice(10)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
