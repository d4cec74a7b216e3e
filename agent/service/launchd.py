"""An agent of launchd: on macOS."""

import os
import plistlib
import shutil
from pathlib import Path

from ..daemon.tell.log import OUTPUT_NAME
from .base import AGAIN_S, NICENESS, Call, Remove, Service, Step, System, Write, text


def description(service: Service) -> bytes:
    """The property list. Raises UsageError for a path that it cannot hold."""
    output = told(str(service.place / OUTPUT_NAME))
    return plistlib.dumps(
        {
            "Label": service.name,
            "ProgramArguments": [told(word) for word in service.command],
            "EnvironmentVariables": {name: told(value) for name, value in service.variables.items()},
            "RunAtLoad": True,
            # It is started again where it failed, not where it was told to end.
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": AGAIN_S,
            "ProcessType": "Background",
            "Nice": NICENESS,
            # Runners that the agent has started on this machine outlive it.
            "AbandonProcessGroup": True,
            "StandardOutPath": output,
            "StandardErrorPath": output,
        },
        sort_keys=True,
    )


def told(value: str) -> str:
    return text(value, "launchd")


def file(service: Service) -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{service.name}.plist"


def install(service: Service) -> list[Step]:
    path = file(service)
    return [
        Write(path, description(service)),
        Call(("launchctl", "bootout", target(service)), may_fail=True),
        Call(("launchctl", "bootstrap", domain(), str(path))),
    ]


def uninstall(service: Service) -> list[Step]:
    return [
        Call(("launchctl", "bootout", target(service)), may_fail=True),
        Remove(file(service), Path.home() / "Library"),
    ]


def domain() -> str:
    """The user's session on the screen."""
    return f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"


def target(service: Service) -> str:
    return f"{domain()}/{service.name}"


def answers() -> bool:
    return shutil.which("launchctl") is not None


SYSTEM = System(
    name="an agent of launchd",
    program="launchctl",
    file=file,
    install=install,
    uninstall=uninstall,
    answers=answers,
)
