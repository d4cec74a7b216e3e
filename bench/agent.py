"""The agent, timed: from closing a saved file until everybody can have it, and what it costs while nothing happens.

A file is visible when the mailbox holds a snapshot with it: from then on any machine can lay it out. rsync is called by
hand for the same edit of the same tree over the same line.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from agent.daemon.publish.quiet import DEBOUNCE_S
from bench import report, trees
from bench.command import compile_hybrid
from bench.goals import RSYNC
from bench.link import Link
from bench.machine import in_words, machine, versions
from bench.others import Rsync
from bench.peers import Hybrid, Site
from bench.processes import Cost, cost_of
from sync.clock import SystemClock
from sync.remotes import open_remote
from sync.store.reader import Reader
from tests.support.sshd import running_sshd

_LOOK_S = 0.002
_LIMIT_S = 60.0
_BETWEEN_S = 1.0
_TO_RSYNC = 0.15
_ROUND_TRIPS = 4
_SPARE_S = 0.2
_MOST_CPU, _MOST_MEMORY, _MOST_WAKES = 0.01, 150e6, 2.0


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Seconds from closing a file until it is visible: each, and those of rsync for the same."""

    agent: list[float]
    rsync: list[float]


class WithAgent(Hybrid):
    """hybrid with its agent at work."""

    def start_agent(self) -> int:
        """Returns its process id."""
        return int(json.loads(self.call("agent", "start", "--json").out)["pid"])

    def agent_state(self) -> str:
        return str(json.loads(self.call("agent", "status", "--json").out)["state"])

    def stop_agent(self) -> None:
        self.call("agent", "stop")


def main() -> int:
    given = _arguments()
    compile_hybrid()
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        folder = Path(name)
        on = machine(folder)
        with running_sshd(folder / "sshd") as server:
            link = Link(server.port, given.rtt_ms, given.mbit)

            def site(of: str) -> Site:
                made = Site(folder / of, server.root / of, server, link)
                for each in (made.home, made.there):
                    each.mkdir()
                return made

            rsync = _rsync(Rsync(site("rsync")), given)
            agent, cost = _agent(WithAgent(site("hybrid")), given)
    saved = Saved(agent=agent, rsync=rsync)
    document = {
        "machine": on,
        "link": str(link),
        "files": given.files,
        "saved": asdict(saved),
        "idle": asdict(cost) if cost else None,
    }
    report.save(given.json, document)
    known = [f"{name} {version}" for name, version in versions({"rsync", "ssh"}).items()]
    text = (
        f"Measured on {report.today()} on {in_words(on)}; load {on['load']} when it began. Line: {link}."
        f" {given.files:,} files of {given.bytes:,} bytes. {', '.join(known)}.\n\n"
        f"{_page(saved, cost, given)}"
    )
    print(text)
    report.put(given.document, "bench.agent", text)
    return 0


def _rsync(peer: Rsync, given: argparse.Namespace) -> list[float]:
    trees.small_files(peer.tree / "files", given.files, given.bytes)
    files = sorted((peer.tree / "files").rglob("*.txt"))
    with peer.site.link.open(plain=True):
        peer.prepare()
        peer.push()
    took = []
    with peer.site.link.open():
        for number in range(given.rsyncs):
            time.sleep(_BETWEEN_S)
            _save(files, number)
            took.append(peer.push().seconds)
    return took


def _agent(peer: WithAgent, given: argparse.Namespace) -> tuple[list[float], Cost | None]:
    trees.small_files(peer.tree / "files", given.files, given.bytes)
    files = sorted((peer.tree / "files").rglob("*.txt"))
    snapshots = peer.there / "mailbox" / "bench" / "snapshots"
    with peer.site.link.open(plain=True):
        peer.push()
    time.sleep(given.settle)
    took = []
    with peer.site.link.open():
        pid = peer.start_agent()
        try:
            _wait(lambda: peer.agent_state() == "watching")
            for number in range(given.saves + 1):
                time.sleep(_BETWEEN_S)
                before = _named(snapshots)
                path, begun = _save(files, number)
                _wait(lambda before=before: _named(snapshots) > before)
                took.append(time.perf_counter() - begun)
                [made] = _named(snapshots) - before
                _check(peer.there / "mailbox", made, path, peer.tree)
            cost = cost_of(pid, given.idle, first_s=given.calm) if given.idle else None
        finally:
            peer.stop_agent()
    return took[1:], cost  # the first one has to connect


def _named(snapshots: Path) -> set[str]:
    return {path.name for path in snapshots.iterdir() if path.name.endswith(".snap")}


def _save(files: list[Path], number: int) -> tuple[Path, float]:
    """Edits one of the files; returns which, and when it was closed."""
    path = files[number * 7 % len(files)]
    path.write_bytes(path.read_bytes() + b"one line more\n")
    return path, time.perf_counter()


def _check(mailbox: Path, snapshot: str, path: Path, tree: Path) -> None:
    remote = open_remote(f"folder:{mailbox}", clock=SystemClock(), base_dir=mailbox)
    reader = Reader(remote, "bench")
    name = path.relative_to(tree).as_posix().encode()
    [entry] = [each for each in reader.entries(reader.root(f"snapshots/{snapshot}")) if each.path == name]
    assert entry.size == path.stat().st_size, "the snapshot does not hold what was saved"


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + _LIMIT_S
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came within {_LIMIT_S:g} s")
        time.sleep(_LOOK_S)


def _page(saved: Saved, cost: Cost | None, given: argparse.Namespace) -> str:
    agent, rsync = median(saved.agent), median(saved.rsync)
    most = DEBOUNCE_S + _ROUND_TRIPS * given.rtt_ms / 1000 + _SPARE_S
    rows = [
        (
            f"a saved file is visible, median of {len(saved.agent)}",
            f"{agent:.2f} s",
            f"{RSYNC}: {rsync:.2f} s, ratio {agent / rsync:.2f}",
            f"ratio {_TO_RSYNC:g}, and {most:.2f} s",
            agent <= _TO_RSYNC * rsync and agent <= most,
        ),
        ("the slowest of these", f"{max(saved.agent):.2f} s", "", "", None),
    ]
    if cost is not None:
        rows += [
            (
                f"idle for {cost.seconds:.0f} s: processor",
                f"{100 * cost.cpu:.2f} % of a core",
                "",
                f"{100 * _MOST_CPU:g} %",
                cost.cpu <= _MOST_CPU,
            ),
            (
                "idle: resident memory",
                report.size(cost.memory),
                "",
                report.size(_MOST_MEMORY),
                cost.memory <= _MOST_MEMORY,
            ),
            (
                "idle: wake-ups a minute",
                f"{cost.wakes:.1f}",
                "",
                f"{_MOST_WAKES:g}",
                cost.wakes <= _MOST_WAKES,
            ),
        ]
    lines = ["| what | agent | beside | at most | result |", "|---|---:|---|---|---|"]
    for what, value, beside, at_most, kept in rows:
        result = "" if kept is None else "reached" if kept else "**missed**"
        lines.append(f"| {what} | {value} | {beside} | {at_most} | {result} |")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = report.arguments("Times the agent: from saving a file until it is visible, and what it costs.")
    parser.add_argument("--files", type=int, default=100_000, help="files in the project [100000]")
    parser.add_argument("--bytes", type=int, default=1_000, help="bytes of each [1000]")
    parser.add_argument("--saves", type=int, default=15, help="how often a file is saved [15]")
    parser.add_argument("--rsyncs", type=int, default=3, help="how often rsync is called [3]")
    parser.add_argument("--idle", type=float, default=180.0, help="seconds watched while idle; 0: not [180]")
    parser.add_argument("--calm", type=float, default=150.0, help="seconds left alone before that [150]")
    parser.add_argument("--rtt-ms", type=float, default=50.0, help="round trip of the line [50]")
    parser.add_argument("--mbit", type=float, default=100.0, help="its bandwidth each way; 0: no limit [100]")
    parser.add_argument("--settle", type=float, default=2.5, help="age of the tree at the first look [2.5]")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
