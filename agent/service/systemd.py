"""A user unit of systemd: on Linux."""

import os
import re
from pathlib import Path

from .base import AGAIN_S, LOCKED, NICENESS, Call, Remove, Service, Step, System, Write, output

# What systemd does not take in the name of a program, however it is written.
_UNSAFE = re.compile("[\x00-\x1f\x7f\"'\\\\\ud800-\udfff]")
_UNIT = """\
# Made by "hybrid agent install"; "hybrid agent uninstall" takes it away.
[Unit]
Description=hybrid agent of the project {project}
StartLimitIntervalSec=0

[Service]
ExecStart={command}
{variables}\
Restart=on-failure
RestartSec={again}
RestartPreventExitStatus={locked}
# Runners that the agent has started on this machine outlive it.
KillMode=process
TimeoutStopSec=30
Nice={niceness}

[Install]
WantedBy=default.target
"""


def unit(service: Service) -> str:
    """The unit's text. A byte of a path that is no UTF-8 stands in it as an escape."""
    program, *arguments = service.command
    if _UNSAFE.search(program):
        program, arguments = "/bin/sh", ["-c", 'exec "$0" "$@"', program, *arguments]
    # The colon: what looks like a variable is none.
    words = [quoted(f":{program}"), *map(quoted, arguments)]
    variables = [
        f"Environment={quoted(f'{name}={value}')}\n" for name, value in sorted(service.variables.items())
    ]
    return _UNIT.format(
        project=service.project,
        command=" ".join(words),
        variables="".join(variables),
        again=AGAIN_S,
        locked=LOCKED,
        niceness=NICENESS,
    )


def quoted(word: str) -> str:
    """One word of a unit file: in quotes, with escapes as in C, and without specifiers."""
    shown = []
    for character in word:
        if character in '\\"':
            shown.append(f"\\{character}")
        elif character == "%":
            shown.append("%%")
        elif ord(character) < 32 or ord(character) == 127 or "\ud800" <= character <= "\udfff":
            shown += [f"\\x{byte:02x}" for byte in os.fsencode(character)]
        else:
            shown.append(character)
    return f'"{"".join(shown)}"'


def folder() -> Path:
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(chosen) if os.path.isabs(chosen) else Path.home() / ".config"
    return base / "systemd" / "user"


def file(service: Service) -> Path:
    return folder() / f"{service.name}.service"


def install(service: Service) -> list[Step]:
    return [
        Write(file(service), unit(service).encode("utf-8")),
        Call(("systemctl", "--user", "daemon-reload")),
        Call(("systemctl", "--user", "enable", "--now", file(service).name)),
    ]


def uninstall(service: Service) -> list[Step]:
    path = file(service)
    base = folder().parent.parent
    return [
        Call(("systemctl", "--user", "disable", "--now", path.name), may_fail=True),
        # Where nobody answers, this is what stands for "enabled".
        Remove(folder() / "default.target.wants" / path.name, base),
        Remove(path, base),
        Call(("systemctl", "--user", "daemon-reload")),
        Call(("systemctl", "--user", "reset-failed", path.name), may_fail=True),
    ]


def answers() -> bool:
    return output(("systemctl", "--user", "show-environment"))[0] == 0


SYSTEM = System(
    name="a user unit of systemd",
    program="systemctl",
    file=file,
    install=install,
    uninstall=uninstall,
    answers=answers,
)
