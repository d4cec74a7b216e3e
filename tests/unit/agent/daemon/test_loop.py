"""The agent put together, in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon import loop, process
from agent.daemon.bell import Bell
from agent.daemon.ground import OtherProject
from agent.daemon.tell.record import Record, read
from agent.daemon.tell.status import STOPPED
from agent.project import Project
from sync.clock import Clock, SystemClock
from tests.support import projects

LONG_S = 30.0


def test_agent_ends_by_itself_where_the_project_has_another_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.find(projects.Project(tmp_path, monkeypatch, capsys).root)
    settings = project.root / "hybrid.toml"
    settings.write_text(settings.read_text().replace(f'"{projects.BASE}"', '"another"'))
    until = SystemClock().monotonic() + LONG_S

    def limited(
        project: Project, clock: Clock, *, bell: Bell, record: Record, stopping: Callable[[], bool]
    ) -> None:
        loop.run(project, clock, bell=bell, record=record, stopping=lambda: clock.monotonic() > until)

    with pytest.raises(OtherProject, match="another id"):
        process.run(project, SystemClock(), limited)
    told = read(process.place_of(project))
    assert told is not None and told.trouble is not None
    assert (told.state, told.trouble.how) == (STOPPED, "hybrid agent start")
    assert process.living(project) is None
