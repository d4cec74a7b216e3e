"""Push and pull over SSH, timed beside what people would use otherwise, and held against goals.

Every group of cases begins with a new tree and a new place on the server, for each peer in turn, and from repeat to
repeat the turn is reversed. A time is that of the whole command, from its start to its exit. Bytes are those on the wire.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.cases import Bench, groups_of, run_group
from bench.command import compile_hybrid
from bench.goals import CASES, HYBRID, Sizes
from bench.link import Link
from bench.machine import in_words, machine, versions
from bench.others import OTHERS, Other
from bench.page import page, title
from bench.peers import Hybrid, Site
from bench.results import Results
from tests.support.sshd import running_sshd

_PEERS: tuple[type[Hybrid] | type[Other], ...] = (Hybrid, *OTHERS)


def main() -> int:
    given = _arguments()
    sizes = Sizes().scaled(given.scale)
    if given.list:
        print("\n".join(f"{case.name:14} {title(case, sizes)}" for case in CASES))
        print(f"\npeers: {', '.join(peer.name for peer in _PEERS)}")
        return 0
    peers = [peer for peer in _PEERS if peer.name in (HYBRID, *given.peer)]
    absent = [peer for peer in peers if any(shutil.which(program) is None for program in peer.needs)]
    present = [peer for peer in peers if peer not in absent]
    compile_hybrid()
    results = Results()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        folder = Path(name)
        on = machine(folder)
        with running_sshd(folder / "sshd") as server:
            link = Link(server.port, given.rtt_ms, given.mbit)
            about = {"machine": on, "link": str(link), "sizes": sizes.__dict__, "repeats": given.repeats}
            results.on_add = lambda: report.save(given.json, {**about, **results.to_json()})
            bench = Bench(link, sizes, frozenset(given.case), results, given.settle)
            for group in groups_of(given.case):
                for repeat in range(given.repeats):
                    for make in present if repeat % 2 == 0 else present[::-1]:
                        _one(bench, group, make, Site(folder / "home", server.root / "there", server, link))

    took = (time.monotonic() - begun) / 60
    known = [f"{name} {version}" for name, version in versions({"ssh", *_programs(present)}).items()]
    lines = [
        f"Measured on {report.today()} on {in_words(on)}; load {on['load']} when it began. Line: {link}.",
        f"{report.of(given.repeats)}; {took:.0f} minutes in all. {', '.join(known)}.",
        *(f"Left out, because it is not installed: {peer.name}." for peer in absent),
    ]
    cases = [case for case in CASES if case.name in given.case]
    scaled = {each.name: each.files for each in present if each.files and each.files < sizes.small}
    text = "\n".join(lines) + "\n\n" + page(results, cases, sizes, scaled)
    print(text)
    report.put(given.document, "bench.push", text)
    return 1 if any(HYBRID in peers for peers in results.failures.values()) else 0


def _programs(peers: Sequence[type[Hybrid] | type[Other]]) -> list[str]:
    return [program for peer in peers for program in peer.needs]


def _one(bench: Bench, group: str, make: type[Hybrid] | type[Other], site: Site) -> None:
    """Both folders of the peer are made for this one group, and gone afterwards."""
    if not bench.measured(make.cases, group):
        return
    for folder in (site.home, site.there):
        folder.mkdir()
    run_group(bench, group, make(site))
    for folder in (site.home, site.there):
        shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    cases = [case.name for case in CASES]
    peers = [peer.name for peer in OTHERS]
    parser = report.arguments("Times push and pull over SSH beside rsync and others.")
    again = "; may be given again [all]"
    parser.add_argument("--list", action="store_true", help="name the cases and the peers, and end")
    parser.add_argument("--case", action="append", choices=cases, metavar="NAME", help=f"only this{again}")
    parser.add_argument("--peer", action="append", choices=peers, metavar="NAME", help=f"beside this{again}")
    parser.add_argument("--scale", type=float, default=1.0, help="size of all trees, for a quick look [1]")
    parser.add_argument("--repeats", type=int, default=1, help="medians are taken over so many [1]")
    parser.add_argument("--rtt-ms", type=float, default=50.0, help="round trip of the line [50]")
    parser.add_argument("--mbit", type=float, default=100.0, help="its bandwidth each way; 0: no limit [100]")
    parser.add_argument(
        "--settle", type=float, default=2.5, help="age of a tree when it is pushed, seconds [2.5]"
    )
    given = parser.parse_args()
    given.case = given.case or cases
    given.peer = given.peer or peers
    return given


if __name__ == "__main__":
    sys.exit(main())
