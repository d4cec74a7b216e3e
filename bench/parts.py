"""The parts of a push and a pull, timed one by one, so that the next bottleneck is known.

Everything is warm: files are in the page cache, as they are for someone who works on them.
"""

import argparse
import cProfile
import gc
import io
import pstats
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench import report
from bench.machine import in_words, machine
from bench.part import Command, Part, Place
from bench.part_list import PARTS
from sync.store import chunker, codec

_SHOWN = 25
"""Lines of a profile."""


def main() -> None:
    given = _arguments()
    if given.list:
        for part in PARTS:
            print(f"{part.name:18} {part.title.format(**vars(given))}")
        return
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        on = machine(Path(name))
        with Place(Path(name), given.files, given.mebibytes, given.settle) as place:
            if given.profile:
                print(profile(_part(given.profile), place))
                return
            took = {part.name: measure(part, place, given.repeats) for part in map(_part, given.part)}
    rows = [
        [
            _part(each).title.format(**vars(given)),
            report.seconds(median(times)),
            rate(_part(each), median(times), given),
        ]
        for each, times in took.items()
    ]
    zstd = getattr(codec.zstd(), "provider", "none")
    text = (
        f"Measured on {report.today()} on {in_words(on)}; load {on['load']} when it began. {report.of(given.repeats)}."
        f" zstd: {zstd}; cuts {'follow the content' if chunker.follows_content() else 'do not follow the content'}."
    )
    text = f"{text}\n\n{report.table(['part', 'seconds', 'rate'], rows)}"
    print(text)
    report.put(given.document, "bench.parts", text)
    settings = {"files": given.files, "mebibytes": given.mebibytes, "repeats": given.repeats}
    report.save(given.json, {"machine": on, "settings": settings, "zstd": zstd, "seconds": took})


def measure(part: Part, place: Place, repeats: int) -> list[float]:
    """Seconds of each repeat."""
    timed = part.prepare(place)
    took = []
    for repeat in range(repeats):
        if part.fresh and repeat:
            timed = part.prepare(place)
        gc.collect()
        begun = time.perf_counter()
        timed()
        took.append(time.perf_counter() - begun)
    print(f"{part.name}: {report.seconds(median(took))} s", file=sys.stderr)
    return took


def profile(part: Part, place: Place) -> str:
    """Where the part spends its time: the functions that take most of it themselves, first."""
    timed = part.prepare(place)
    if isinstance(timed, Command):
        stats = timed.profile()
    else:
        profiler = cProfile.Profile()
        profiler.runcall(timed)
        stats = pstats.Stats(profiler)
    stats.stream = shown = io.StringIO()  # type: ignore[attr-defined]
    stats.sort_stats("tottime").print_stats(_SHOWN)
    return shown.getvalue()


def rate(part: Part, took: float, given: argparse.Namespace) -> str:
    if not part.unit:
        return ""
    amount = given.files if part.unit == "files" else given.mebibytes
    return f"{amount / took:,.0f} {part.unit}/s"


def _part(name: str) -> Part:
    return next(part for part in PARTS if part.name == name)


def _arguments() -> argparse.Namespace:
    names = [part.name for part in PARTS]
    parser = report.arguments("Times the parts of a push and a pull.")
    parser.add_argument("--list", action="store_true", help="name the parts, and end")
    parser.add_argument(
        "--part", action="append", choices=names, metavar="NAME", help="only this; may be given again [all]"
    )
    parser.add_argument(
        "--profile", choices=names, metavar="NAME", help="show what this one spends its time on"
    )
    parser.add_argument("--files", type=int, default=100_000, help="files in the tree [100000]")
    parser.add_argument("--mib", dest="mebibytes", type=int, default=256, help="size of the content [256]")
    parser.add_argument("--repeats", type=int, default=3, help="medians are taken over so many [3]")
    parser.add_argument(
        "--settle", type=float, default=2.5, help="age of a tree when it is used, seconds [2.5]"
    )
    given = parser.parse_args()
    given.part = given.part or names
    return given


if __name__ == "__main__":
    main()
