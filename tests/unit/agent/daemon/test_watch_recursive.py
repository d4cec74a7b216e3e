"""Where the system watches the whole tree: what is made of its words, given here by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon.bell import SystemBell
from agent.daemon.watch.hints import Heard, Hints
from agent.daemon.watch.mode import EVENTS, GONE, Mode
from agent.daemon.watch.recursive import Recursive
from agent.daemon.watch.rules import RULES_CHANGED, SETTINGS_CHANGED
from agent.daemon.watch.words import Listener, Word
from sync.clock import ManualClock
from sync.local.folders import Folders
from sync.local.load_rules import load_rules
from tests.support.trees import make_tree


class ByHand:
    """A system whose words are those of the test."""

    def __init__(self, project: Path) -> None:
        self.running: dict[Path, HandStream] = {}
        self.listener: Listener | None = None
        self.refuses: OSError | None = None
        self.modes: list[Mode] = []
        self.hints = Hints(ManualClock(), SystemBell())
        self.folders = Folders(project, load_rules(project))
        self.watch = Recursive(project, lambda: self.folders, self.hints, self.modes.append, self.listen)
        self.project = project

    def listen(self, place: Path, listener: Listener, heard: Callable[[Word | None], None]) -> "HandStream":
        self.listener = listener
        return HandStream(self, place, heard)

    def tell(self, path: bytes, came: bool = False, folder: bool | None = None) -> Heard | None:
        self.running[self.project].heard(Word(path=path, came=came, folder=folder))
        return self.hints.take()


class HandStream:
    def __init__(self, system: ByHand, place: Path, heard: Callable[[Word | None], None]) -> None:
        self.system, self.place, self.heard = system, place, heard

    def start(self) -> None:
        if self.system.refuses:
            raise self.system.refuses
        self.system.running[self.place] = self

    def stop(self) -> None:
        if self.system.running[self.place] is self:
            del self.system.running[self.place]

    def join(self) -> None:
        assert self.system.running.get(self.place) is not self


@pytest.fixture
def system(tmp_path: Path) -> ByHand:
    tree = {
        ".gitignore": "/data/\n*.log\n",
        "src/a.py": "",
        "data/more/.gitignore": "x",
        "src/new/.gitignore": "y",
    }
    found = ByHand(make_tree(tmp_path / "project", tree))
    found.watch.start()
    return found


@pytest.mark.parametrize("path", [b"src/a.py", b"src/deep", b"deep/er/file", b"caf\xc3\xa9", b"data.csv"])
def test_what_may_go_is_heard_of(system: ByHand, path: bytes) -> None:
    heard = system.tell(path)
    assert heard is not None
    assert heard.paths == {path}


@pytest.mark.parametrize(
    "path", [b"data/a", b"data/more", b".venv/x", b".hybrid/state", b"outputs/run/o", b""]
)
def test_what_cannot_go_is_dropped_and_not_looked_at(system: ByHand, path: bytes) -> None:
    assert system.tell(path, came=True) is None


def test_a_file_that_is_known_as_one_is_judged_as_one(system: ByHand) -> None:
    assert system.tell(b"a.log", folder=False) is None
    assert system.tell(b"b.log", folder=True) is None
    assert system.tell(b"gone", folder=True) is not None


@pytest.mark.parametrize("folder", [None, True])
def test_a_folder_in_which_something_changed_is_no_hint_but_one_that_came_is(
    system: ByHand, folder: bool | None
) -> None:
    assert system.tell(b"src", folder=folder) is None
    heard = system.tell(b"src", came=True, folder=folder)
    assert heard is not None
    assert heard.paths == {b"src"}


@pytest.mark.parametrize(
    ("path", "doubt"),
    [
        (b".gitignore", RULES_CHANGED),
        (b"src/.hybridignore", RULES_CHANGED),
        (b"src/new", RULES_CHANGED),
        (b"hybrid.toml", SETTINGS_CHANGED),
    ],
)
def test_what_decides_what_goes_is_a_doubt(system: ByHand, path: bytes, doubt: str) -> None:
    heard = system.tell(path, came=True)
    assert heard is not None
    assert heard.doubt == doubt


def test_git_is_heard_of_and_never_a_path(system: ByHand) -> None:
    assert system.tell(b".git/index.lock") is None
    assert system.hints.take_git()
    assert system.tell(b".git/objects/ab/cdef") is None
    assert not system.hints.take_git()


def test_a_lost_root_an_overflow_and_an_end_are_told(system: ByHand) -> None:
    assert system.modes == [EVENTS]
    system.running[system.project].heard(None)
    assert system.modes[-1] == GONE
    assert system.listener is not None
    system.listener.overflowed()
    assert (heard := system.hints.take()) is not None and heard.doubt
    system.listener.ended(OSError(5, "Input/output error"))
    assert "Input/output error" in system.modes[-1].how


def test_renew_listens_anew_and_stop_ends_it(system: ByHand) -> None:
    before = dict(system.running)
    system.watch.renew()
    assert system.running.keys() == before.keys()
    assert system.running != before
    system.refuses = OSError(5, "Input/output error")
    system.watch.renew()
    assert "Input/output error" in system.modes[-1].how
    assert system.running == {}
    system.watch.stop()
    system.watch.stop()


def test_a_git_folder_elsewhere_is_listened_to_as_well(tmp_path: Path) -> None:
    make_tree(tmp_path, {".git/HEAD": "ref: refs/heads/main\n", "project/a": ""})
    system = ByHand(tmp_path / "project")
    system.watch.start()
    (elsewhere,) = system.running.keys() - {tmp_path / "project"}
    system.running[elsewhere].heard(Word(path=b"objects/ab/cdef"))
    assert not system.hints.take_git()
    system.running[elsewhere].heard(Word(path=b"index"))
    assert system.hints.take_git()
