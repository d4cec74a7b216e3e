"""How each group of cases is done: one peer, one new tree, one new place on the server, and one step after the other."""

import functools
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import trees
from bench.command import Failed, Ran
from bench.goals import CASES, Sample, Sizes
from bench.link import Link
from bench.peers import MODEL, Hybrid, Peer
from bench.results import Results

_RSYNC_S = 1.1
"""What rsync needs to see a change by its time: it compares whole seconds."""
_KILLED_AT = 0.6
_STARTS = 5
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Bench:
    """What is the same for all groups.

    wanted    the names of the cases that are measured; what these need is done besides, without being timed
    settle_s  seconds between making a tree and pushing it: a file that is younger than the clock's granularity at a
              push is read again by the next one, as its times may still hide a change
    """

    link: Link
    sizes: Sizes
    wanted: frozenset[str]
    results: Results
    settle_s: float

    def measured(self, cases: frozenset[str], group: str) -> list[str]:
        """Which of ``cases``, those of a peer, are measured in this group."""
        wanted = self.wanted & cases
        return [case.name for case in CASES if case.group == group and case.name in wanted]

    def beforehand(self, what: Callable[[], object]) -> None:
        with self.link.open(plain=True):
            what()

    def ready(self, peer: Peer) -> None:
        """The tree is there, and old enough that every change that follows shows."""
        time.sleep(self.settle_s)
        self.beforehand(peer.prepare)

    def step(
        self,
        peer: Peer,
        case: str,
        what: Callable[[], Ran],
        *,
        needed: bool = False,
        content: int = 0,
        times: float = 1.0,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Measures it, if that is wanted; does it unmeasured where what follows needs it.

        times  so many times as much is the case; a peer that did a part is taken to need as much longer
        check  raises Failed where the peer has not done what it should
        """
        wanted = case in self.wanted & peer.cases
        if not wanted and not needed:
            return
        with self.link.open(plain=not wanted) as traffic:
            ran = what()
        check()
        sample = Sample(
            seconds=ran.seconds * times,
            up=round(traffic.up * times),
            down=round(traffic.down * times),
            peak=ran.peak,
            content=content,
        )
        if wanted:
            self.results.add(case, peer.name, sample)

    def memory(self, peer: Peer, case: str, what: Callable[[], Ran]) -> Ran:
        """Does it, and notes the memory that it needed if that is wanted."""
        ran = what()
        if case in self.wanted & peer.cases:
            self.results.add(case, peer.name, Sample(seconds=ran.seconds, peak=ran.peak))
        return ran


def _start(bench: Bench, peer: Peer) -> None:
    if isinstance(peer, Hybrid):
        peer.use_folder()
        peer.push()
    for _ in range(_STARTS):
        if isinstance(peer, Hybrid):
            bench.step(peer, "help", lambda: peer.call("--help"))
            bench.step(peer, "status", lambda: peer.call("status"))
        else:
            bench.step(peer, "ssh", peer.push)


def _part(bench: Bench, peer: Peer) -> tuple[int, float]:
    """How many of the small files the peer gets, and how often that many they are."""
    count = min(bench.sizes.small, peer.files or bench.sizes.small)
    return count, bench.sizes.small / count


def _small(bench: Bench, peer: Peer) -> None:
    count, times = _part(bench, peer)
    trees.small_files(peer.tree / "files", count, bench.sizes.small_bytes)
    bench.ready(peer)
    bench.step(peer, "cold-small", peer.push, times=times)


def _many(bench: Bench, peer: Peer) -> None:
    sizes = bench.sizes
    trees.small_files(peer.tree / "files", sizes.many, sizes.many_bytes)
    bench.ready(peer)
    bench.step(peer, "cold-many", lambda: bench.memory(peer, "memory-many", peer.push), needed=True)
    bench.step(peer, "noop", peer.push)
    edited = sorted((peer.tree / "files").rglob("*.txt"))[sizes.many // 2]
    edited.write_bytes(edited.read_bytes() + b"one line more\n")
    bench.step(peer, "edit", peer.push, content=edited.stat().st_size)


def _with_big_file(bench: Bench, peer: Peer) -> Path:
    path = peer.tree / "data" / "big.bin"
    trees.small_files(peer.tree / "src", 20, bench.sizes.small_bytes)
    trees.big_file(path, bench.sizes.big_mib)
    bench.ready(peer)
    return path


def _big(bench: Bench, peer: Peer) -> None:
    path = _with_big_file(bench, peer)
    bench.beforehand(lambda: bench.memory(peer, "memory-big", peer.push))
    trees.insert_at_head(path, 7)
    bench.step(peer, "head", peer.push, needed="rename" in bench.wanted)
    path.parent.rename(path.parent.with_name("renamed"))
    bench.step(peer, "rename", peer.push)


def _killed(bench: Bench, peer: Peer) -> None:
    size = _with_big_file(bench, peer).stat().st_size
    empty = _bytes_in(peer.there)

    def arrived() -> bool:
        return _bytes_in(peer.there) - empty >= _KILLED_AT * size

    with bench.link.open():
        bench.memory(peer, "memory-big", lambda: peer.push(arrived))
    _until_still(peer.there)
    bench.step(peer, "killed", lambda: bench.memory(peer, "memory-big", peer.push), content=size)


def _pull_small(bench: Bench, peer: Peer) -> None:
    count, times = _part(bench, peer)
    bench.beforehand(lambda: peer.make_outputs(count, bench.sizes.small_bytes))

    def check() -> None:
        found = sum(1 for _ in peer.pulled.rglob("file-*.txt"))
        if found != count:
            raise Failed(f"pulled {found} of {count} files")

    bench.step(peer, "pull-small", peer.pull, times=times, check=check)


def _pull_changed(bench: Bench, peer: Peer) -> None:
    mebibytes = bench.sizes.big_mib
    bench.beforehand(lambda: peer.make_model(mebibytes))
    bench.beforehand(peer.pull)
    time.sleep(max(_RSYNC_S, bench.settle_s))
    bench.beforehand(peer.change_model)

    def check() -> None:
        if [trees.digest(each) for each in peer.pulled.rglob(MODEL)] != [_changed_model(mebibytes)]:
            raise Failed("what was pulled is not what was made")

    bench.step(peer, "pull-changed", peer.pull, content=mebibytes * _MIB, check=check)


@functools.cache
def _changed_model(mebibytes: int) -> str:
    """The digest of what every peer must have pulled in the end."""
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        path = Path(folder) / "outputs" / MODEL
        trees.big_file(path, mebibytes)
        trees.change_a_tenth(path)
        return trees.digest(path)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # it was given its name meanwhile
            continue
    return total


def _until_still(folder: Path) -> None:
    """The other side may still be writing what had reached it."""
    before = -1
    while (now := _bytes_in(folder)) != before:
        before = now
        time.sleep(1.0)


GROUPS: dict[str, Callable[[Bench, Peer], None]] = {
    "start": _start,
    "small": _small,
    "many": _many,
    "big": _big,
    "killed": _killed,
    "pull-small": _pull_small,
    "pull-changed": _pull_changed,
}


def groups_of(wanted: Iterable[str]) -> list[str]:
    """The groups that hold these cases, in order."""
    names = set(wanted)
    return list(dict.fromkeys(case.group for case in CASES if case.name in names))


def run_group(bench: Bench, group: str, peer: Peer) -> None:
    """Does what is wanted of the group. A peer that fails is noted, and the next one has its turn."""
    try:
        GROUPS[group](bench, peer)
    except (Failed, AssertionError, subprocess.TimeoutExpired) as error:
        bench.results.fail(bench.measured(peer.cases, group), peer.name, str(error))
    finally:
        bench.beforehand(peer.close)
