"""What ``hybrid logs`` tells, and a world that goes on while it sleeps."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sync.clock import SystemClock

from .projects import Project


def pieces(project: Project, *words: str, code: int = 0) -> list[dict[str, Any]]:
    found, out, err = project.call("logs", *words, "--json")
    assert found == code, err
    return [json.loads(line) for line in out.splitlines()]


def while_asleep(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
    """What happens at the other side while a command that follows sleeps; after the last step nothing may sleep."""
    left = list(steps)
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: left.pop(0)())
