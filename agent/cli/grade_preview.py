"""``hybrid grade --dry-run``: what would be graded, asked and waited for, without any of it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from local_grader.ahead.preview import First, Outlook, Preview
from local_grader.notation import percent
from local_grader.reports.lines import known_of
from local_grader.rubrics.prompts import NO_CONTEXT
from sync.errors import Problem

from ..console import Console
from ..exits import Exit
from ..sizes import count, duration
from .grade_page import HOW_CONTEXT

_NAMED = 3


def show(found: Preview, console: Console, called: str, limit: int | None, why_not: str) -> Exit:
    """``called`` is what other commands know the outputs by; ``why_not`` is a clause on what judges wait for just now; empty where they may be asked."""
    for problem in found.problems:
        console.warn(f"{problem}.")
    for warning in dict.fromkeys(warning for judge in found.judges for warning in judge.warnings):
        console.warn(warning)
    console.table(f"If {called} were graded now", ("measure", "value"), _rows(found, called, limit, why_not))
    console.result(_document(found, limit, why_not), "" if found.first is None else _shown(found.first))
    console.say("No judge was asked, and nothing was written.")
    if NO_CONTEXT in found.unscored:
        console.next_step(HOW_CONTEXT)
    if found.takes_s is None:
        now = " --when any" if why_not else ""
        console.next_step(
            f"--limit 20{now} instead of --dry-run tries it, and then it is known how long one takes"
        )
    return Exit.PARTIAL if found.problems else Exit.DONE


def _rows(found: Preview, called: str, limit: int | None, why_not: str) -> Iterator[tuple[str, str]]:
    if limit is not None:
        yield "trial", f"the first {limit:,} of the outputs"
    is_one = [os.path.basename(each) for each in found.files] == [os.path.basename(called)]
    yield "files", f"{len(found.files):,} ({called if is_one else _named(found.files)})"
    if found.skipped:
        yield "skipped", _named([str(one) for one in found.skipped])
    yield "scorer", found.scorer
    yield "samples", f"{found.samples:,}"
    for stage, decided in found.decided.items():
        yield f"decided by {stage}", f"{decided:,} ({percent(decided / found.samples)})"
    for reason, unscored in found.unscored.items():
        yield f"not graded: {reason}", f"{unscored:,}"
    if found.missing:
        yield "never answered", f"{found.missing:,}"
    if found.judges:
        left = f"{found.undecided:,} ({percent(found.undecided / found.samples)})"
        yield "left to judges", f"{left}, by the rubric {found.rubric}"
    for judge in found.judges:
        yield f"judge {judge.name}", _work(judge)
        yield f"server of {judge.name}", _server(judge)
        yield from known_of([judge.model], found.rubric)
    if found.judges:
        if why_not:
            yield "not asked now", why_not
        yield "time", _time(found)


def _work(judge: Outlook) -> str:
    return f"{count(judge.prompts, 'prompt')}, {judge.known:,} known from before, {judge.left:,} to ask"


def _server(judge: Outlook) -> str:
    if judge.trouble is not None:
        return f"digest unknown: {judge.trouble} {judge.trouble.hint}".rstrip()
    other = "; another model than was asked before by that name" if judge.is_other else ""
    return f"{judge.server}, digest {judge.digest[:12]}{other}"


def _time(found: Preview) -> str:
    takes_s = found.takes_s
    if takes_s is None:
        return "not known: no such judge was timed here before"
    paces = {pace(judge.each_s) for judge in found.judges if judge.left and judge.each_s is not None}
    return f"about {duration(takes_s)}, at {' and '.join(sorted(paces))} as lately" if paces else "none"


def pace(each_s: float) -> str:
    """In as many digits as it takes for the number of prompts times this to be the whole."""
    return f"{1000 * each_s:.3g} ms each" if each_s < 0.999 else f"{each_s:.2f} s each"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _shown(first: First) -> str:
    return (
        f"The first prompt, to {first.judge} about sample {first.sample}:\n\n"
        f"--- system ---\n{first.prompt.system}\n\n--- user ---\n{first.prompt.user}"
    )


def _document(found: Preview, limit: int | None, why_not: str) -> dict[str, object]:
    judging = None
    if found.judges:
        judging = {
            "rubric": found.rubric,
            "seconds": found.takes_s,
            "waits": why_not or None,
            "judges": [_judge(judge) for judge in found.judges],
            "first": None if found.first is None else asdict(found.first),
        }
    return {
        "dry_run": True,
        "run": found.run,
        "scorer": found.scorer,
        "limit": limit,
        "files": list(found.files),
        "skipped": [_problem(one) for one in found.skipped],
        "problems": [_problem(one) for one in found.problems],
        "samples": found.samples,
        "decided": dict(found.decided),
        "unscored": dict(found.unscored),
        "undecided": found.undecided,
        "missing": found.missing,
        "judging": judging,
    }


def _judge(judge: Outlook) -> dict[str, object]:
    return {
        "name": judge.name,
        "server": judge.server or None,
        "digest": judge.digest or None,
        "is_other": judge.is_other,
        "prompts": judge.prompts,
        "known": judge.known,
        "left": judge.left,
        "seconds_each": judge.each_s,
        "seconds": judge.takes_s,
        "warnings": list(judge.warnings),
        "trouble": None if judge.trouble is None else str(judge.trouble),
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"path": os.fsdecode(problem.path), "what": problem.what}
