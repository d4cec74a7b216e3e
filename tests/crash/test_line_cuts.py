"""The line to the server breaks anywhere: nothing half is visible, the exit code says so, and again completes it."""

import random
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.exits import Exit
from sync.remotes.folder import FolderRemote
from tests.support.bad_line import BadLine, Fault, Kind, Way, bad_line
from tests.support.laptop import Answer, Laptop
from tests.support.mailboxes import make_mailbox, publish_tree, queue_run
from tests.support.pulls import tree
from tests.support.sshd import Sshd, running_sshd
from tests.support.stage import whole
from tests.support.trees import make_tree, noise
from tests.support.workers import Worker

pytestmark = [
    pytest.mark.platform,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="OpenSSH's server is started as on POSIX"),
]

BASE = "project-test"
HANDSHAKE = 4_000
"""Bytes, more or less, before the first call of SFTP."""
ENDS: dict[Kind, tuple[Exit, ...]] = {
    "cut": (Exit.DONE, Exit.UNREACHABLE),
    "down": (Exit.UNREACHABLE,),
    "stall": (Exit.DONE, Exit.UNREACHABLE),
    "silence": (Exit.UNREACHABLE,),
}
"""How a command may end over such a line. It goes on with another connection, but not where a handshake fails."""
FILES = {f"{n}.bin": noise(150_000, n) for n in range(8)} | {
    "big.bin": noise(2_000_000),
    "small.txt": b"small",
}


class Desk:
    """A laptop whose mailbox is behind a line that breaks, and the mailbox as the server's disk holds it."""

    def __init__(self, home: Path, server: Sshd, line: BadLine) -> None:
        self.laptop = Laptop(home)
        self.line = line
        self.mail = server.root / "mailbox"
        self.remote = FolderRemote(str(self.mail))
        self.laptop.init_ssh(server)
        known = home / "known_hosts"
        known.write_text(
            "".join(f"{each}\n" for each in server.host_key_lines()).replace(str(server.port), str(line.port))
        )
        settings = self.laptop.project / "hybrid.toml"
        text = settings.read_text().replace(f":{server.port}/", f":{line.port}/")
        settings.write_text(text.replace(str(server.known_hosts), str(known)))

    def forget_all(self) -> None:
        """As it was before the first command."""
        for folder in (self.mail, self.laptop.project / ".hybrid", self.laptop.project / "outputs"):
            shutil.rmtree(folder, ignore_errors=True)

    def snapshot_count(self) -> int:
        """Those that may be seen; fails where one of them is not there whole."""
        return len([name for name in whole(self.remote, BASE) if name.startswith("snapshots/")])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running_sshd(tmp_path / "server") as server, bad_line(server.port) as line:
        yield Desk(tmp_path / "home", server, line)


def places(dice: random.Random, total: int, times: int) -> list[int]:
    """Where to break: in the handshake, and spread over all the rest but the end, which not every command reaches.

    How many connections there are, and so how many handshakes, is a matter of moments.
    """
    total = total * 3 // 4
    early = [dice.randint(1, HANDSHAKE) for _ in range(max(1, times // 4))]
    width = (total - HANDSHAKE) // (times - len(early))
    return early + [HANDSHAKE + n * width + dice.randrange(width) for n in range(times - len(early))]


def broken(desk: Desk, command: str, kind: Kind, way: Way, after: int) -> Answer:
    fault = Fault(kind=kind, way=way, after=after)
    desk.line.plan(fault)
    answer = desk.laptop.hybrid(command, expect=None)
    assert fault.happened, f"the line did not break after {after} bytes {way}"
    assert answer.code in ENDS[kind], f"{kind} after {after} bytes {way}: {answer}"
    desk.line.repair()
    return answer


@pytest.mark.parametrize(
    ("kind", "way", "times"),
    [
        ("cut", "up", 4),
        ("cut", "down", 3),
        ("down", "up", 4),
        ("down", "down", 2),
        ("stall", "up", 4),
        ("stall", "down", 2),
        ("silence", "up", 2),
    ],
)
def test_a_push_over_a_line_that_breaks_is_completed_by_the_next(
    desk: Desk, kind: Kind, way: Way, times: int
) -> None:
    make_tree(desk.laptop.project, FILES)
    desk.laptop.hybrid("push")
    desk.laptop.program = "tests.support.impatient"
    total = desk.line.passed[way]
    sizes = sum(path.stat().st_size for path in (desk.mail / BASE / "packs").iterdir())
    for after in places(random.Random(f"{kind} {way}"), total, times):
        desk.forget_all()
        answer = broken(desk, "push", kind, way, after)
        assert desk.snapshot_count() <= 1
        if answer.code:
            desk.laptop.hybrid("push")
        assert desk.snapshot_count() >= 1
        stored = sum(path.stat().st_size for path in (desk.mail / BASE / "packs").glob("*.pack"))
        assert stored < sizes * 1.01, "no content is there twice"
        assert "Nothing has changed" in desk.laptop.hybrid("push").out


@pytest.mark.parametrize(
    ("kind", "way", "times"),
    [("cut", "down", 4), ("down", "down", 3), ("stall", "down", 4), ("stall", "up", 2)],
)
def test_a_pull_over_a_line_that_breaks_is_completed_by_the_next(
    desk: Desk, kind: Kind, way: Way, times: int
) -> None:
    laptop_id = "laptop22"
    (desk.laptop.home / "config").mkdir()
    (desk.laptop.home / "config" / "laptop-id").write_text(laptop_id)

    def begin() -> None:
        desk.forget_all()
        make_mailbox(desk.remote, BASE)
        state = publish_tree(desk.remote, BASE, {"a.py": b"print()"}).name
        queue_run(desk.remote, BASE, "r1", state)
        Worker(desk.remote, BASE, "r1").claim().done(0, FILES)

    begin()
    before = desk.line.passed[way]
    desk.laptop.hybrid("pull")
    desk.laptop.program = "tests.support.impatient"
    total = desk.line.passed[way] - before
    wanted = tree(desk.laptop.project / "outputs")
    assert {name.removeprefix("r1/") for name in wanted} == FILES.keys() | {"hybrid.log"}
    for after in places(random.Random(f"{kind} {way}"), total, times):
        begin()
        answer = broken(desk, "pull", kind, way, after)
        place = desk.laptop.project / "outputs" / "r1"
        assert not place.exists() or tree(place.parent) == wanted, "it is here whole or not at all"
        if answer.code:
            desk.laptop.hybrid("pull")
        assert tree(desk.laptop.project / "outputs") == wanted
        assert (desk.mail / BASE / "runs" / "r1" / f"accepted-0-{laptop_id}.json").exists()


@pytest.mark.parametrize("after", [100, 1_500, 1_000_000])
def test_a_line_that_is_silent_for_a_while_only_takes_longer(desk: Desk, after: int) -> None:
    make_tree(desk.laptop.project, FILES)
    fault = Fault(kind="silence", after=after)
    desk.line.plan(fault)
    again = threading.Timer(3.0, desk.line.repair)
    again.start()
    try:
        desk.laptop.hybrid("push")
    finally:
        again.join()
    assert fault.happened
    assert desk.snapshot_count() == 1
