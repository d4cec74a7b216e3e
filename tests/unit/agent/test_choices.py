"""What this laptop has chosen outlives the process, and shares its database with the index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import state
from agent.choices import LocalChoices
from agent.project import Project
from sync.errors import HybridError
from sync.local.index import Index
from sync.pull.pulled import Choice

ONE = Choice(attempt="0.worker22.1", snapshot="runs/r1/a.snap")
TWO = Choice(attempt="0.worker33.1", snapshot="runs/r1/b.snap")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    yield Project.find(tmp_path)


def quiet(text: str) -> None:
    raise AssertionError(text)


def test_choice_is_there_for_the_next_process(project: Project) -> None:
    with state.opened(project, quiet) as opened:
        choices = LocalChoices(opened)
        assert choices.get("r1", 0) is None
        choices.put("r1", 0, ONE)
        choices.put("r1", 1, TWO)
        choices.put("r2", 0, TWO)
        choices.drop("r1", 1)
    with state.opened(project, quiet) as opened:
        choices = LocalChoices(opened)
        assert (choices.get("r1", 0), choices.get("r1", 1), choices.get("r2", 0)) == (ONE, None, TWO)
        choices.put("r1", 0, TWO)
        choices.forget("r2")
    with state.opened(project, quiet) as opened:
        choices = LocalChoices(opened)
        assert (choices.get("r1", 0), choices.get("r2", 0)) == (TWO, None)


def test_index_may_be_open_at_the_same_time(project: Project) -> None:
    index, _ = Index.open(project.state_dir / state.FILE_NAME)
    with index, state.opened(project, quiet) as first, state.opened(project, quiet) as second:
        LocalChoices(first).put("r1", 0, ONE)
        index.meta_set("a", "b")
        assert LocalChoices(second).get("r1", 0) == ONE
        assert index.meta_get("a") == "b"


def test_damaged_state_is_set_aside_and_said(project: Project) -> None:
    path = project.state_dir / state.FILE_NAME
    path.write_bytes(b"no database at all" * 100)
    said: list[str] = []
    with state.opened(project, said.append) as opened:
        assert LocalChoices(opened).get("r1", 0) is None
    assert len(said) == 1 and "was damaged" in said[0]


def test_damage_that_shows_later_is_an_error_with_a_way_on(project: Project) -> None:
    path = project.state_dir / state.FILE_NAME
    with state.opened(project, quiet) as opened:
        choices = LocalChoices(opened)
        for shard in range(2000):
            choices.put("r1", shard, ONE)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(HybridError, match="was damaged"), state.opened(project, quiet) as opened:
        LocalChoices(opened).get("r1", 1999)
    with state.opened(project, quiet) as opened:
        assert LocalChoices(opened).get("r1", 0) is None
