"""A task of the Task Scheduler: on Windows. It cannot be given variables: the user's own ones hold."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as xml
from pathlib import Path

from sync.errors import UsageError

from .base import AGAIN_S, Call, Remove, Service, Step, System, Write, text

_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_LONGEST_PATH = 260
# The scheduler puts values in place of these, and there is no way to write them otherwise.
_REPLACED = re.compile(r"%[^%]+%|\$\(")


def description(service: Service) -> bytes:
    """The task as XML, version 1.2, in UTF-16 as ``schtasks`` wants it. Raises UsageError for a path that it cannot hold."""
    program, *arguments = map(told, service.command)
    if len(program) > _LONGEST_PATH:
        raise UsageError(f"The path {program} is too long for a task.", "Install hybrid in another folder.")
    task = xml.Element("Task", {"version": "1.2", "xmlns": _SPACE})
    about = xml.SubElement(task, "RegistrationInfo")
    _add(about, "Description", f"hybrid agent of the project {service.project}")
    trigger = xml.SubElement(xml.SubElement(task, "Triggers"), "LogonTrigger")
    _add(trigger, "Enabled", "true")
    principal = xml.SubElement(xml.SubElement(task, "Principals"), "Principal", {"id": "Author"})
    _add(principal, "LogonType", "InteractiveToken")
    _add(principal, "RunLevel", "LeastPrivilege")
    settings = xml.SubElement(task, "Settings")
    _add(settings, "MultipleInstancesPolicy", "IgnoreNew")
    _add(settings, "DisallowStartIfOnBatteries", "false")
    _add(settings, "StopIfGoingOnBatteries", "false")
    _add(settings, "StartWhenAvailable", "true")
    _add(settings, "ExecutionTimeLimit", "PT0S")
    _add(settings, "Priority", "7")
    again = xml.SubElement(settings, "RestartOnFailure")
    _add(again, "Interval", f"PT{AGAIN_S // 60}M")
    _add(again, "Count", "255")
    action = xml.SubElement(xml.SubElement(task, "Actions", {"Context": "Author"}), "Exec")
    _add(action, "Command", without_window(program))
    _add(action, "Arguments", subprocess.list2cmdline(arguments))
    xml.indent(task)
    encoded: bytes = xml.tostring(task, encoding="utf-16", xml_declaration=True)
    return encoded


def told(value: str) -> str:
    if _REPLACED.search(value):
        raise UsageError(
            f"The Task Scheduler would put something else in place of a part of {value}.",
            "Move it to a path without % and $.",
        )
    return text(value, "the Task Scheduler")


def without_window(program: str) -> str:
    """The Python beside ``program`` that opens no window, where there is one."""
    path = Path(program)
    quiet = path.with_name(path.name.replace("python.exe", "pythonw.exe"))
    return str(quiet) if quiet.exists() else program


def file(service: Service) -> Path:
    return service.place / "task.xml"


def install(service: Service) -> list[Step]:
    path = file(service)
    return [
        Write(path, description(service)),
        Call(("schtasks", "/Create", "/TN", service.name, "/XML", str(path), "/F")),
        Call(("schtasks", "/Run", "/TN", service.name)),
    ]


def uninstall(service: Service) -> list[Step]:
    return [
        Call(("schtasks", "/End", "/TN", service.name), may_fail=True),
        Call(("schtasks", "/Delete", "/TN", service.name, "/F"), may_fail=True),
        Remove(file(service), service.place),
    ]


def answers() -> bool:
    return shutil.which("schtasks") is not None


def _add(parent: xml.Element, name: str, value: str) -> None:
    xml.SubElement(parent, name).text = value


SYSTEM = System(
    name="a task of the Task Scheduler",
    program="schtasks",
    file=file,
    install=install,
    uninstall=uninstall,
    answers=answers,
)
