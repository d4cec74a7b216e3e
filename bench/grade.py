"""Grading, measured: how busy a judge is kept, how fast rules are, and what others make of the same outputs.

The judge is an emulated Ollama in a process of its own, whose model needs some time for each token and judges by what it
was really shown. Nothing leaves this machine.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import grade_beside, grade_page, grade_rules, grade_slots, report
from bench.command import compile_hybrid
from bench.grade_beside import Outcome
from bench.grade_page import Beside
from bench.grade_rules import Graded
from bench.grade_server import SPEED_IN_WORDS
from bench.grade_slots import Kept
from bench.grade_tools import PEERS, Tool
from bench.machine import in_words, machine

_PARTS = ("rules", "slots", "beside")


def main() -> int:
    given = _arguments()
    # What is started in the background of a shell ignores ^C, and so would all that is interrupted here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compile_hybrid()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        on = machine(Path(name))
    rules: list[Graded] = []
    slots: list[Kept] = []
    beside: list[Beside] = []
    present = [tool for tool in grade_beside.TOOLS if tool.version() is not None]
    if "rules" in given.part:  # first, while this process is small
        rules += grade_rules.measured(given.outputs)
    if "slots" in given.part:
        slots += [grade_slots.measured(given.samples, 4), grade_slots.measured(given.samples // 5, 1)]
    if "beside" in given.part:
        beside += [_beside(tool, given.compared) for tool in present]
    took = (time.monotonic() - begun) / 60
    absent = [tool for tool in grade_beside.TOOLS if tool not in present]
    lines = [
        f"Measured on {report.today()} on {in_words(on)}; load {on['load']} when it began. One measurement of each; "
        f"{took:.0f} minutes in all. The judge: {SPEED_IN_WORDS}. {_known(present)}.",
        *(f"Not installed: {tool.name}. Install it: `{tool.install.format(PEERS)}`" for tool in absent),
    ]
    text = "\n\n".join([*lines, *grade_page.tables(rules, slots, beside)])
    print(text)
    report.put(given.document, "bench.grade", text)
    document = {
        "machine": on,
        "rules": [asdict(one) for one in rules],
        "slots": [asdict(one) for one in slots],
        "beside": [asdict(one) for one in beside],
    }
    report.save(given.json, document)
    return 0


def _beside(tool: type[Tool], samples: int) -> Beside:
    whole = grade_beside.whole(tool, samples, samples // 20)
    scenes = (grade_beside.back, grade_beside.gone, grade_beside.killed)
    dead: list[Outcome | None] = [None for _ in scenes]
    if tool in grade_beside.MORTAL:
        dead = [scene(tool, samples // 2) for scene in scenes]
    back, gone, killed = dead
    return Beside(name=tool.name, whole=whole, back=back, gone=gone, killed=killed)


def _known(tools: Sequence[type[Tool]]) -> str:
    return ", ".join(
        f"{tool.name} {tool.version()}" for tool in tools if tool in grade_beside.MORTAL and tool.install
    )


def _arguments() -> argparse.Namespace:
    parser = report.arguments("Times grading: by a judge, by rule, and beside others.")
    parser.add_argument("--part", action="append", choices=_PARTS, help="only this; may be given again [all]")
    parser.add_argument("--samples", type=int, default=10_000, help="samples that are judged [10000]")
    parser.add_argument("--outputs", type=int, default=1_000_000, help="outputs that rules grade [1000000]")
    parser.add_argument("--compared", type=int, default=2_000, help="samples that all programs judge [2000]")
    given = parser.parse_args()
    given.part = given.part or _PARTS
    return given


if __name__ == "__main__":
    sys.exit(main())
