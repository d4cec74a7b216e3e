"""``hybrid compare``: whether one of two runs is better, and what changed between them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import click

from local_grader import comparing
from local_grader.comparing import Changed, Compared, Side
from local_grader.kept_figures import has_scores
from local_grader.notation import interval, p_value, percent, points, rounded
from local_grader.rubrics import NO_MERIT
from local_grader.statistics.libraries import generator
from local_grader.statistics.rates import Rate
from local_grader.statistics.sentences import sentence
from sync.errors import UsageError

from .. import run_changes
from ..console import Console
from ..exits import Exit
from ..grades import SHOWN, Graded, fitting_two, graded, tell_passed
from ..grades_choice import Pair, choose, choose_two
from ..grades_text import command, short_names, way
from ..run_changes import RunChanges
from ..sizes import count, size
from .complete import graded as graded_words
from .complete import graded_by
from .options import Call, common_options

_FEW = 5
_FEW_PATHS = 12
_MOST_SLICES = 40
_WIDEST = 60
_LONGEST = 400


@click.command()
@click.argument("run_a", metavar="RUN_A", shell_complete=graded_words)
@click.argument("run_b", metavar="RUN_B", shell_complete=graded_words)
@click.option(
    "--grading",
    metavar="WORD",
    shell_complete=graded_by,
    help="Which gradings: a scorer, a rubric, a judge, or the beginning of a key.",
)
@click.option(
    "--cluster/--no-cluster",
    default=None,
    help="Samples of one group count as one piece of evidence. [default: from 6 groups on]",
)
@click.option("--by-group", is_flag=True, help="Compare within each group, too.")
@click.option("--diff", "with_diff", is_flag=True, help="Print how the text of changed files differs.")
@common_options
def compare(
    call: Call,
    /,
    run_a: str,
    run_b: str,
    grading: str | None,
    cluster: bool | None,
    by_group: bool,
    with_diff: bool,
) -> int:
    """Tell whether one of two runs is better, and what changed between them.

    Samples are joined by their id, and each is compared with itself. The newest gradings of both runs that were made in the
    same way count; where there are none, that is said, and how to make them. Beside it stands what changed between the runs:
    code, parameters, machine. The mailbox is asked for the code; without it the rest is told.

    \b
    Examples:
      hybrid compare baseline tuned
      hybrid compare r7 r8 --by-group
      hybrid compare r7 r8 --grading llama3.1:8b --diff
    """
    project = call.project()
    a, b = graded(project, run_a), graded(project, run_b)
    pair = _alike(a, b, grading)
    for side, choice in ((a, pair.a), (b, pair.b)):
        tell_passed(side, choice, call.console.warn)
    first, second = pair.a.grading, pair.b.grading
    rng = generator(0)
    found = comparing.compare(*comparing.sides(first, second), clustered=cluster, by_group=by_group, rng=rng)
    changes = run_changes.between(project, call.clock, a.called, b.called, warn=call.console.warn)
    names = short_names(a.called, b.called) if a.called != b.called else (run_a, run_b)
    better_is = "higher" if first.rubric in NO_MERIT else "better"
    told = sentence(found.comparison, *names, better_is)
    verdict = f"{told.removesuffix('.')}; graded by {way(first)}."
    few = [*found.changed[:_FEW], *found.changed[_FEW:][-_FEW:]]
    changed = comparing.shown(found, found.changed if call.json else few)
    call.console.result(document(found, changed, changes, verdict), f"{verdict}\n")
    if pair.others:
        ways = ", ".join(f"{way(one)} ({one.key[:SHOWN]})" for one in pair.others)
        call.console.say(f"Both were also graded by {ways}: --grading KEY compares by that.")
    _show(call.console, found, changed[: 2 * _FEW], names)
    _show_slices(call.console, found, names)
    _show_changes(call.console, changes, names, with_diff)
    _warn(call.console, found, cluster)
    if by_group:
        _warn_of_groups(call.console, found)
    return Exit.DONE


def document(
    found: Compared, changed: Sequence[Changed], changes: RunChanges, verdict: str
) -> dict[str, object]:
    """The result for ``--json``, which names every sample that changed."""
    return {
        "verdict": verdict,
        "graded_by": way(found.a.grading),
        "a": _side(found.a),
        "b": _side(found.b),
        "comparison": asdict(found.comparison),
        "changed": [asdict(one) for one in changed],
        "only_a": list(found.only_a),
        "only_b": list(found.only_b),
        "other_reference": found.other_reference,
        "groups": {name: asdict(one) for name, one in found.groups.items()},
        "changes": asdict(changes),
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "run": side.grading.run,
        "grading": str(side.grading.path),
        "scored": len(side.values),
        "unscored": side.unscored,
        "missing": side.missing,
    }


def _alike(a: Graded, b: Graded, grading: str | None) -> Pair:
    """The newest gradings of both that were made in the same way. Raises UsageError where there are none."""
    ours, theirs = fitting_two(a, b, grading)
    pair = choose_two(ours, theirs, has_scores)
    if pair is not None:
        return pair
    if a.keys & b.keys:
        raise UsageError(
            f"{a.called} would be compared with itself.",
            "Name two runs, or two files that differ; hybrid gradings shows what was graded.",
        )
    first, second = choose(ours, has_scores).grading, choose(theirs, has_scores).grading
    how = "; ".join(comparing.differences(first, second))
    raise UsageError(
        f"{a.called} and {b.called} were not graded in the same way: {how}.", command(first, b.target)
    )


def _show(console: Console, found: Compared, shown: Sequence[Changed], names: tuple[str, str]) -> None:
    one = found.comparison
    rows = [
        (f"{name}, shared samples", _rate(rate)) for name, rate in zip(names, (one.a, one.b), strict=True)
    ]
    between = (
        f" (95 % interval {points(one.interval.low)} to {points(one.interval.high)})" if one.interval else ""
    )
    rows.append(("difference", f"{points(one.difference)} points{between}"))
    if one.p_value is not None:
        rows.append(("test", f"{p_value(one.p_value)} by {one.test}"))
    if one.counts is not None:
        right = "high" if found.a.grading.rubric in NO_MERIT else "right"
        rows.append((f"{right} in both, in neither", f"{one.counts.both:,}, {one.counts.neither:,}"))
        rows.append((f"{right} only in {names[0]}", f"{one.counts.only_a:,}"))
        rows.append((f"{right} only in {names[1]}", f"{one.counts.only_b:,}"))
    if one.detectable is not None:
        rows.append(
            (
                "smallest difference to be seen",
                f"{points(one.detectable).lstrip('+')} points, four times in five",
            )
        )
    if one.needed is not None:
        rows.append(("samples for a difference like this", f"about {rounded(one.needed):,}"))
    for name, side, only in ((names[0], found.a, found.only_a), (names[1], found.b, found.only_b)):
        lacking = f"{side.unscored:,} not gradable, {side.missing:,} missing"
        rows.append((f"{name} alone", f"{count(len(only), 'sample')}; {lacking}"))
    console.table(f"By {way(found.a.grading)}", ("measure", "value"), rows)
    cells = [
        (_cut(each.sample), f"{each.value_a:g} → {each.value_b:g}", _cut(each.answer_a), _cut(each.answer_b))
        for each in shown
    ]
    if cells:
        more = f", {len(shown)} of {len(found.changed):,}" if len(shown) < len(found.changed) else ""
        console.table(f"Samples that changed{more}", ("sample", "value", *names), cells)


def _show_slices(console: Console, found: Compared, names: tuple[str, str]) -> None:
    by_size = sorted(found.groups.items(), key=lambda item: -abs(item[1].comparison.difference))
    rows = [
        (
            name,
            f"{one.comparison.n:,}",
            percent(one.comparison.a.mean),
            percent(one.comparison.b.mean),
            points(one.comparison.difference),
            "-" if one.adjusted is None else f"{one.adjusted:.2g}",
            "yes" if one.is_real else "no",
        )
        for name, one in by_size[:_MOST_SLICES]
    ]
    if rows:
        left = f", {len(rows)} of {len(by_size):,}" if len(rows) < len(by_size) else ""
        columns = ("group", "samples", *names, "points", "p, adjusted", "real")
        console.table(f"By group, the largest differences first{left}", columns, rows)


def _show_changes(console: Console, changes: RunChanges, names: tuple[str, str], with_diff: bool) -> None:
    rows = [
        (_cut(one.name), _cut(one.a, _LONGEST) or "-", _cut(one.b, _LONGEST) or "-")
        for one in (*([changes.commits] if changes.commits else []), *changes.parameters, *changes.machine)
    ]
    if changes.code is not None:
        rows.insert(0, ("code", *(("the same", "the same") if not changes.code else ("", _paths(changes)))))
    if rows:
        console.table("What changed", ("", *names), rows)
    if changes.code:
        cells = [
            (one.what, one.path, _bytes(one.before), _bytes(one.after)) for one in changes.code[:_FEW_PATHS]
        ]
        more = f", {len(cells)} of {len(changes.code):,}" if len(cells) < len(changes.code) else ""
        console.table(f"Files that changed{more}", ("", "path", *names), cells)
        if with_diff:
            for each in changes.code:
                if each.diff:
                    console.table(
                        "", (each.diff.partition("\n")[0],), [[line] for line in each.diff.split("\n")[1:]]
                    )
        elif any(one.diff for one in changes.code):
            console.next_step("add --diff to see how the text differs")
    for told in changes.unknown:
        console.say(told)


def _warn(console: Console, found: Compared, cluster: bool | None) -> None:
    if found.other_reference:
        console.warn(
            f"{count(found.other_reference, 'shared sample')} with another reference in each grading."
        )
    if alone := len(found.only_a) + len(found.only_b):
        console.warn(
            f"{count(alone, 'sample')} graded in one of the two runs only: left out of the comparison."
        )
    servers = [
        [one["server"] for one in judging["judges"]] if (judging := side.grading.entry.get("judging")) else []
        for side in (found.a, found.b)
    ]
    if servers[0] != servers[1]:
        console.warn("The judges' servers were of different versions, which may move verdicts a little.")
    if cluster is None and found.comparison.a.clusters is None and 1 < found.named < found.comparison.n:
        console.say(
            f"The samples are in {found.named:,} groups, too few to count by; --cluster does it all the same."
        )


def _warn_of_groups(console: Console, found: Compared) -> None:
    grouped, shared = sum(one.comparison.n for one in found.groups.values()), found.comparison.n
    if grouped == shared:
        return
    if grouped:
        lacking = count(shared - grouped, "shared sample")
        console.warn(f"{lacking} of no group: in none of these comparisons.")
    else:
        console.warn("No shared sample names a group, so nothing is compared by group.")
    console.next_step(
        "grade both runs again with --group-field NAME, the field that says what samples have in common"
    )


def _paths(changes: RunChanges) -> str:
    kinds: Mapping[str, int] = {
        what: sum(one.what == what for one in changes.code or []) for what in ("changed", "added", "removed")
    }
    return ", ".join(f"{number:,} {what}" for what, number in kinds.items() if number)


def _rate(rate: Rate) -> str:
    ends = f" ({interval(rate.trusted.low, rate.trusted.high)})" if rate.trusted else ""
    share = f"{percent(rate.mean)} of" if rate.binary else f"{percent(rate.mean)} on average over"
    return f"{share} {rate.n:,}{ends}"


def _bytes(number: int | None) -> str:
    return "-" if number is None else size(number)


def _cut(text: str, longest: int = _WIDEST) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
