"""The tables of a page, from what was measured."""

from collections.abc import Mapping, Sequence

from bench import report
from bench.goals import HYBRID, LIMITS, MEMORY, RSYNC, TIME, Case, Goal, Measure, Sizes
from bench.results import Results, Verdict, last_line, verdicts

_WIRE = Measure("bytes on the wire", lambda one: one.up + one.down, "bytes")


def page(results: Results, cases: Sequence[Case], sizes: Sizes, scaled: Mapping[str, int]) -> str:
    """All tables. ``scaled``: peer -> the files that it was given, where these were not all."""
    done = [case for case in cases if case.name in {*results.samples, *results.failures}]
    both = [case for case in done if all(row.measure is not MEMORY for row in case.rows)]
    over_the_line = [case for case in both if case.group != "start"]
    parts = [
        _goals(results, done, sizes),
        "Seconds of everyone, from start to exit:",
        _everyone(results, both, sizes, TIME, scaled, limits=True),
        "Bytes on the wire, both ways:",
        _everyone(results, over_the_line, sizes, _WIRE, scaled, limits=False),
    ]
    parts += [f"\\* {name}: measured with {files:,} files, and multiplied." for name, files in scaled.items()]
    parts += [
        f"Failed: {peer}, {case}: {last_line(why)}"
        for case, peers in results.failures.items()
        for peer, why in peers.items()
    ]
    return "\n\n".join(parts)


def title(case: Case, sizes: Sizes) -> str:
    return case.title.format(**sizes.__dict__)


def _goals(results: Results, cases: Sequence[Case], sizes: Sizes) -> str:
    headings = ["case", "what counts", HYBRID, RSYNC, "ratio", "at most", "aim", "result"]
    return report.table(headings, [_goal_row(results, one, sizes) for one in verdicts(results, cases)])


def _goal_row(results: Results, verdict: Verdict, sizes: Sizes) -> list[str]:
    measure, target, aim = verdict.row.measure, verdict.row.target, verdict.row.aim
    rsync = results.value(verdict.case.name, RSYNC, measure)
    return [
        title(verdict.case, sizes),
        measure.name,
        amount(verdict.value, measure),
        amount(rsync, measure) if rsync is not None else "",
        _ratio(verdict.value / rsync) if rsync and verdict.value is not None else "",
        _goal(target, verdict),
        _goal(aim, verdict) if aim else "",
        verdict.in_a_word,
    ]


def _goal(goal: Goal, verdict: Verdict) -> str:
    """A ratio to anybody but rsync is told with what was found, because it stands nowhere else in the row."""
    if not goal.beside:
        return amount(goal.most, verdict.row.measure)
    if goal.beside == RSYNC:
        return f"{goal.most:g}"
    return f"{goal.most:g} x {goal.beside}; is {_ratio(verdict.ratios[goal.beside])}"


def _everyone(
    results: Results,
    cases: Sequence[Case],
    sizes: Sizes,
    measure: Measure,
    scaled: Mapping[str, int],
    *,
    limits: bool,
) -> str:
    """A column for each peer, and one for the limits, of which a case has one at most."""
    named = dict.fromkeys(peer for case in cases for peer in _peers(results, case))
    peers = [HYBRID, *(name for name in named if name not in (HYBRID, *LIMITS))]
    headings = ["case", *(f"{name}\\*" if name in scaled else name for name in peers)]
    rows = []
    for case in cases:
        row = [title(case, sizes), *(_cell(results, case, name, measure) for name in peers)]
        if limits:
            found = [name for name in LIMITS if name in _peers(results, case)]
            row.append(", ".join(f"{_cell(results, case, name, measure)} ({name})" for name in found))
        rows.append(row)
    return report.table([*headings, "limit"] if limits else headings, rows)


def _peers(results: Results, case: Case) -> list[str]:
    return [*results.samples.get(case.name, {}), *results.failures.get(case.name, {})]


def _cell(results: Results, case: Case, peer: str, measure: Measure) -> str:
    value = results.value(case.name, peer, measure)
    if value is None:
        return "failed" if peer in results.failures.get(case.name, {}) else ""
    return report.seconds(value) if measure is TIME else amount(value, measure)


def amount(value: float | None, measure: Measure) -> str:
    if value is None:
        return "-"
    if measure.unit == "bytes":
        return report.size(value)
    return f"{value:.1%}" if measure.unit == "%" else f"{report.seconds(value)} s"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
