"""Push and pull over SSH, timed beside what people would use otherwise.

Every repeat begins with new trees and new places on the server, for each peer in turn, and the turn alternates. A
time is that of the whole command, from its start to its exit. Bytes are those on the wire, both ways, where the link
counts them; on plain loopback they are what the programs themselves say that they sent (or received, for the pull), where they say it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import report, trees
from bench.link import Link
from bench.machine import in_words, machine
from bench.peers import PEERS, Hybrid, Peer, missing
from tests.support.sshd import Sshd, running_sshd

_SETTLE_S = 2.5
"""A file younger than this is read again by the next push, as its times may still hide a change."""


@dataclass
class Case:
    """What was measured of one thing to do: by peer, one value for each repeat."""

    name: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    bytes: dict[str, list[int | None]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Sizes:
    files: int
    file_bytes: int
    big_mib: int
    repeats: int


class Bench:
    def __init__(self, folder: Path, server: Sshd, link: Link, sizes: Sizes) -> None:
        self._folder = folder
        self._server = server
        self._link = link
        self._sizes = sizes
        self.cases: dict[str, Case] = {}

    def run(self, peers: list[Callable[[Path, Sshd, Link], Peer]]) -> None:
        for repeat in range(self._sizes.repeats):
            turn = peers if repeat % 2 == 0 else peers[::-1]
            for number, make in enumerate(turn):
                home = self._folder / f"home-{repeat}-{number}"
                home.mkdir()
                self._all_cases(make(home, self._server, self._link))

    def _all_cases(self, peer: Peer) -> None:
        sizes = self._sizes
        small = f"{sizes.files:,} files of {report.size(sizes.file_bytes)}"
        big = f"{sizes.big_mib} MiB"
        trees.small_files(peer.tree / "small", sizes.files, sizes.file_bytes)
        time.sleep(_SETTLE_S)
        self._push(f"first push, {small}", peer)
        self._push("push, nothing changed", peer)
        self._measured("the same, asking the other side", peer, lambda: (peer.check(), peer.tree))
        edited = next(iter(sorted((peer.tree / "small").rglob("*.txt"))))
        edited.write_bytes(edited.read_bytes() + b"one line more\n")
        self._push("push, one file edited", peer)
        trees.big_file(peer.tree / "big.bin", sizes.big_mib)
        time.sleep(_SETTLE_S)
        self._push(f"push, a new file of {big}", peer)
        trees.insert_at_head(peer.tree / "big.bin", 7)
        self._push(f"push, one byte more at the head of {big}", peer)
        with self._link.open():
            peer.prepare_pull()
        pulled = self._measured(f"first pull, {small}", peer, peer.pull)
        assert sum(1 for _ in pulled.rglob("*.txt")) == sizes.files, f"{peer.name} did not pull everything"

    def _push(self, name: str, peer: Peer) -> None:
        self._measured(name, peer, lambda: (peer.push(), peer.tree))

    def _measured(self, name: str, peer: Peer, what: Callable[[], tuple[int | None, Path]]) -> Path:
        with self._link.open() as traffic:
            begun = time.perf_counter()
            counted, place = what()
            took = time.perf_counter() - begun
        if traffic.up is not None and traffic.down is not None:
            counted = traffic.up + traffic.down
        case = self.cases.setdefault(name, Case(name))
        case.seconds.setdefault(peer.name, []).append(took)
        case.bytes.setdefault(peer.name, []).append(counted)
        told = "" if counted is None else f", {report.size(counted)}"
        print(f"{peer.name:10} {name}: {report.seconds(took)} s{told}", file=sys.stderr)
        return place


def rows(cases: list[Case], others: list[str]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: medians of every peer, and for each of ``others`` what hybrid takes of its time and bytes."""
    names = [Hybrid.name, *others]
    headings = ["", *(f"{name}, s" for name in names), *(f"ratio to {name}" for name in others)]
    headings += [*(f"{name}, bytes" for name in names), *(f"ratio to {name}" for name in others)]
    found = []
    for case in cases:
        took = {name: median(case.seconds[name]) for name in names}
        moved = {name: _median(case.bytes[name]) for name in names}
        found.append(
            [
                case.name,
                *(report.seconds(took[name]) for name in names),
                *(_ratio(took[Hybrid.name], took[name]) for name in others),
                *(_bytes(moved[name]) for name in names),
                *(_ratio(moved[Hybrid.name], moved[name]) for name in others),
            ]
        )
    return headings, found


def _median(values: list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _ratio(ours: float | None, theirs: float | None) -> str:
    return "-" if ours is None or not theirs else f"{ours / theirs:.2f}"


def _bytes(value: float | None) -> str:
    return "-" if value is None else report.size(value)


def main() -> None:
    parser = report.arguments("Times push and pull over SSH beside rsync.")
    parser.add_argument("--files", type=int, default=2000, help="small files [2000]")
    parser.add_argument("--file-bytes", type=int, default=4000, help="size of each [4000]")
    parser.add_argument("--big-mib", type=int, default=64, help="size of the big file [64]")
    parser.add_argument("--repeats", type=int, default=3, help="medians are taken over so many [3]")
    parser.add_argument(
        "--rtt-ms", type=float, default=50.0, help="round trip, where the link is shaped [50]"
    )
    parser.add_argument(
        "--mbit", type=float, default=100.0, help="bandwidth each way, where it is shaped [100]"
    )
    given = parser.parse_args()
    sizes = Sizes(
        files=given.files, file_bytes=given.file_bytes, big_mib=given.big_mib, repeats=given.repeats
    )

    absent = missing()
    peers = [peer for peer in PEERS if peer.name not in absent]
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        folder = Path(name)
        with running_sshd(folder / "sshd") as server:
            link = Link(server.port, given.rtt_ms, given.mbit)
            measured_on = machine(folder)
            bench = Bench(folder, server, link, sizes)
            bench.run(list(peers))
    print(
        f"{in_words(measured_on)}\nLink: {link}\nMedians of {sizes.repeats}. Ratios: hybrid to the other; below 1 is less."
    )
    for each in absent:
        print(f"Left out, because it is not installed: {each}")
    headings, found = rows(list(bench.cases.values()), [peer.name for peer in peers if peer is not Hybrid])
    print("\n" + report.table(headings, found))
    if not link.shaped:
        print("\nBytes are what each program says that it sent or received; a dash is where it does not say.")
    document = {
        "machine": measured_on,
        "link": str(link),
        "sizes": sizes.__dict__,
        "left_out": absent,
        "cases": [case.__dict__ for case in bench.cases.values()],
    }
    report.save(given.json, document)


if __name__ == "__main__":
    main()
