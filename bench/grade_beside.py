"""hybrid beside others that grade with a model: the same outputs, the same server, and the same that goes wrong.

``whole``: some outputs are longer than the judge's context. ``back``: the server dies when half is done, and is there
again some seconds later. ``gone``: it dies and stays away; the program is interrupted as by ^C if it has not ended; then
the server is there again, and the program is told to go on where it stopped. ``killed``: the program itself gets a
SIGKILL when half is done, and is told to go on.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.grade_program import Program
from bench.grade_samples import Item, judged
from bench.grade_server import Counts, Server, running
from bench.grade_tools import Hybrid, InspectAI, Promptfoo, PromptfooUncut, Said, Task, Tool

SLOTS = 4
TOOLS: Sequence[type[Tool]] = (Hybrid, InspectAI, Promptfoo, PromptfooUncut)
MORTAL: Sequence[type[Tool]] = (Hybrid, InspectAI, Promptfoo)
"""Those whose server dies; what is only configured otherwise would do the same again."""
AWAY_S = 10.0
PATIENCE_S = 20.0
_ENDING_S = 60.0
_LOOK_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a program made of the items.

    seconds  from its start to its exit, of the last command
    lacking  items without a verdict of the judge; ``failed`` of them are counted as wrong answers
    wrong    verdicts that are not what the judge would have said, had it been shown all
    peak     bytes: the resident memory of its process, of all commands
    """

    seconds: float
    items: int
    long: int
    lacking: int
    failed: int
    wrong: int
    counts: Counts
    peak: int = 0


def whole(tool: type[Tool], samples: int, long: int) -> Outcome:
    return _scene(tool, judged(samples, long), lambda _server, _program: None)


def back(tool: type[Tool], samples: int, away_s: float = AWAY_S) -> Outcome:
    def dies(server: Server, program: Program) -> None:
        _half(server, samples, program)
        server.die()
        time.sleep(away_s)
        server.live()

    return _scene(tool, judged(samples), dies)


def gone(tool: type[Tool], samples: int, away_s: float = PATIENCE_S) -> Outcome:
    def dies(server: Server, program: Program) -> None:
        _half(server, samples, program)
        server.die()
        for patience_s, number in ((away_s, signal.SIGINT), (_ENDING_S, signal.SIGKILL)):
            if not program.ended.wait(patience_s):
                program.signal(number)

    return _scene(tool, judged(samples), dies, resumed=True)


def killed(tool: type[Tool], samples: int) -> Outcome:
    def dies(server: Server, program: Program) -> None:
        _half(server, samples, program)
        program.signal(signal.SIGKILL)

    return _scene(tool, judged(samples), dies, resumed=True)


def _scene(
    tool: type[Tool],
    items: Sequence[Item],
    during: Callable[[Server, Program], None],
    *,
    resumed: bool = False,
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name, running(SLOTS) as server:
        one = tool(Task(home=Path(name), items=items, url=server.url))
        ran = [Program(one, one.command).lived(lambda program: during(server, program))]
        if resumed:
            server.live()
            ran = [Program(one, command).lived(lambda _: None) for command in one.again()]
        seconds, peak = sum(each.seconds for each in ran), max(each.peak for each in ran)
        found = replace(_judge(items, one.said()), seconds=seconds, peak=peak, counts=server.counts)
    print(f"{tool.name:26} {found}", file=sys.stderr)
    return found


def _judge(items: Sequence[Item], said: Mapping[str, Said]) -> Outcome:
    nothing = Said(right=None, is_failed=False)
    pairs = [(item, said.get(item.id, nothing)) for item in items]
    return Outcome(
        seconds=0.0,
        items=len(items),
        long=sum(item.is_long for item in items),
        lacking=sum(one.right is None for _, one in pairs),
        failed=sum(one.right is None and one.is_failed for _, one in pairs),
        wrong=sum(one.right is not None and one.right != item.is_right for item, one in pairs),
        counts=Counts(items=0, requests=0, again=0, answered=0, cut=0, loads=0, busy=0.0),
    )


def _half(server: Server, samples: int, program: Program) -> None:
    while server.answered < samples // 2 and not program.ended.wait(_LOOK_S):
        pass
