"""The task of the Task Scheduler, against what its schema (version 1.2) allows."""

import re
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from agent.service import tasks
from agent.service.base import Call, Remove, Service, Write
from sync.errors import UsageError

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
ODD = "C:\\we ird\\100% 'q' <&> \u00fc\u4e2d"
BOOLEAN = "true|false"
# What may stand in each element of those that we write: their order is free, as each is "xs:all", but in a trigger.
CHILDREN = {
    "Task": {"RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"},
    "RegistrationInfo": {"URI", "Author", "Version", "Date", "Description", "Source", "Documentation"},
    "Triggers": {"LogonTrigger", "BootTrigger", "TimeTrigger"},
    "LogonTrigger": {"Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "UserId", "Delay"},
    "Principals": {"Principal"},
    "Principal": {"UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"},
    "Settings": {
        "AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "DisallowStartIfOnBatteries",
        "StopIfGoingOnBatteries", "AllowHardTerminate", "StartWhenAvailable", "RunOnlyIfNetworkAvailable", "WakeToRun",
        "Enabled", "Hidden", "DeleteExpiredTaskAfter", "IdleSettings", "ExecutionTimeLimit", "Priority", "RunOnlyIfIdle",
    },
    "RestartOnFailure": {"Interval", "Count"},
    "Actions": {"Exec", "ComHandler", "SendEmail", "ShowMessage"},
    "Exec": {"Command", "Arguments", "WorkingDirectory"},
}  # fmt: skip
NEEDED = {"Task": {"Actions"}, "RestartOnFailure": {"Interval", "Count"}, "Exec": {"Command"}}
VALUES = {
    "Description": ".*",
    "Enabled": BOOLEAN,
    "LogonType": "S4U|Password|InteractiveToken|InteractiveTokenOrPassword",
    "RunLevel": "LeastPrivilege|HighestAvailable",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "DisallowStartIfOnBatteries": BOOLEAN,
    "StopIfGoingOnBatteries": BOOLEAN,
    "StartWhenAvailable": BOOLEAN,
    "ExecutionTimeLimit": "PT[0-9]+[SMH]",
    "Priority": "10|[0-9]",
    "Interval": "PT([1-9]|[1-5][0-9])M",
    "Count": "[1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]",
    "Command": ".{1,260}",
    "Arguments": ".*",
}
ATTRIBUTES = {"Task": {"version"}, "Principal": {"id"}, "Actions": {"Context"}}


def service(*more: str) -> Service:
    return Service(
        project="plates-2",
        command=("C:\\Program Files\\Python\\python.exe", "-I", "-m", "agent", *more),
        variables={},
        place=Path("/data") / "agents",
    )


def read(*more: str) -> xml.Element:
    return xml.fromstring(tasks.description(service(*more)))


def value(task: xml.Element, name: str) -> str:
    [found] = task.iter(f"{SPACE}{name}")
    return found.text or ""


def test_every_element_is_one_that_the_schema_has_there_with_a_value_that_it_allows() -> None:
    task = read("-C", ODD)
    assert (task.tag, task.get("version")) == (f"{SPACE}Task", "1.2")
    for element in task.iter():
        name = element.tag.removeprefix(SPACE)
        assert set(element.attrib) == ATTRIBUTES.get(name, set())
        children = [child.tag.removeprefix(SPACE) for child in element]
        if name in CHILDREN:
            assert set(children) <= CHILDREN[name] and len(set(children)) == len(children)
            assert set(children) >= NEEDED.get(name, set())
        else:
            assert not children and re.fullmatch(VALUES[name], element.text or "")


def test_actions_run_as_the_principal_that_the_task_has() -> None:
    task = read()
    [principal] = task.iter(f"{SPACE}Principal")
    [actions] = task.iter(f"{SPACE}Actions")
    assert principal.get("id") == actions.get("Context")
    assert [child.tag.removeprefix(SPACE) for child in task] == [
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    ]


def test_file_is_utf_16_with_its_mark() -> None:
    content = tasks.description(service())
    assert content[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert content.decode("utf-16").startswith("<?xml version='1.0' encoding='utf-16'?>")


def test_words_are_quoted_as_windows_takes_them_apart() -> None:
    assert value(read("-C", ODD), "Command") == "C:\\Program Files\\Python\\python.exe"
    assert value(read("-C", ODD), "Arguments") == f'-I -m agent -C "{ODD}"'
    assert value(read('say "x"', "a b\\"), "Arguments").endswith('"say \\"x\\"" "a b\\\\"')


@pytest.mark.parametrize("path", ["C:\\%TEMP%\\x", "C:\\$(Arg0)"])
def test_what_would_be_replaced_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="something else in place"):
        tasks.description(service(path))


def test_what_it_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be told"):
        tasks.description(service("a\x01"))
    with pytest.raises(UsageError, match="too long"):
        tasks.description(Service(project="p", command=("C:\\" + "x" * 300,), variables={}, place=Path("/d")))


def test_python_without_a_window_is_taken_where_there_is_one(tmp_path: Path) -> None:
    python = tmp_path / "python.exe"
    assert tasks.without_window(str(python)) == str(python)
    (tmp_path / "pythonw.exe").touch()
    assert tasks.without_window(str(python)) == str(tmp_path / "pythonw.exe")


def test_task_is_made_anew_started_and_taken_away_with_its_file() -> None:
    write, create, run = tasks.install(service())
    assert isinstance(write, Write) and isinstance(create, Call) and isinstance(run, Call)
    assert create.words == (
        *("schtasks", "/Create", "/TN", "hybrid-plates-2"),
        *("/XML", str(write.path), "/F"),
    )
    assert run.words[1:] == ("/Run", "/TN", "hybrid-plates-2")
    end, delete, remove = tasks.uninstall(service())
    assert isinstance(end, Call) and isinstance(delete, Call) and end.may_fail and delete.may_fail
    assert isinstance(remove, Remove) and remove.path == write.path
