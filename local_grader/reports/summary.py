"""A report as rows of label and value, and as one JSON document. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..calibrations import Corrected
from . import words
from .characters import one_line
from .contents import Contents, judging

COMPARES = "right is better than the other run's answer, partly right as good, wrong worse"


def method(contents: Contents) -> str:
    """The scorer with its options, and the judges with theirs, on one line."""
    entry = contents.grading.entry
    said = words.scorer(entry["scorer"], entry["scorer_version"], entry["options"])
    how = judging(contents.grading)
    if how is None:
        return one_line(said)
    judges = ", ".join(one["model"] for one in how["judges"]) or "no judge"
    pool = f", pooled by {how['pool']}" if len(how["judges"]) > 1 else ""
    return one_line(f"{said}, then {judges} with rubric {how['rubric']}{pool}")


def rows(contents: Contents) -> list[tuple[str, str]]:
    """What a person wants to read, most important first."""
    summary = contents.summary
    lines = [
        ("graded by", method(contents)),
        ("samples", words.samples(summary)),
        ("outputs right" if contents.arc else "right", rate(contents)),
    ]
    if contents.corrected:
        lines.append(("corrected", contents.corrected.told))
    if contents.arc:
        lines += words.arc_rows(contents.arc)
    for reason, count in summary.unscored.items():
        first = one_line(contents.reasons[reason], 120)
        lines.append((f"not graded: {one_line(reason, 60)}", f"{count:,} ({first}{_more(count, 1)})"))
    if summary.missing:
        named = ", ".join(one_line(each, 40) for each in contents.unanswered)
        more = _more(summary.missing, len(contents.unanswered))
        lines.append(("never answered", f"{summary.missing:,} ({named}{more})"))
    if unread := contents.grading.facts.unread:
        lines.append(("not read", f"{len(unread):,} ({one_line(unread[0], 120)}{_more(len(unread), 1)})"))
    lines += words.bounds(summary)
    lines += [
        (f"decided by {one_line(name, 40)}", words.share(part, summary))
        for name, part in contents.stages.items()
    ]
    return [*lines, *_judges(contents), *_lengths(contents)]


def _more(count: int, named: int) -> str:
    return ", …" if count > named else ""


def rate(contents: Contents) -> str:
    summary, ends = contents.summary, contents.interval
    if summary.rate is None or ends is None:
        return "nothing could be graded"
    allowing = f", over {ends.clusters:,} groups" if ends.clusters else ""
    share = f"{words.amount(summary.right)} of {summary.scored:,}"
    return f"{summary.rate:.1%} ({share}; 95 % interval {ends.low:.1%} to {ends.high:.1%}{allowing})"


def _judges(contents: Contents) -> list[tuple[str, str]]:
    panel = contents.panel
    if panel is None:
        return []
    lines = [("means", COMPARES)] if panel.compares else []
    for voice in panel.voices:
        said = f"{voice.judged:,} of {voice.asked:,} judged"
        if voice.judged:
            said += f", {voice.right / voice.judged:.1%} of them right"
        if voice.swapped:
            said += f"; {voice.flips / voice.swapped:.1%} flipped with the order"
        lines.append((f"judge {one_line(voice.name, 40)}", said))
    if panel.shared:
        said = f"on {1 - panel.disputed / panel.shared:.1%} of {panel.shared:,} samples"
        if panel.alpha is not None:
            said += f", Krippendorff's alpha {panel.alpha:.2f}"
        lines.append(("judges agree", said))
    return [*lines, *(("beware", one_line(caution)) for caution in contents.cautions)]


def _lengths(contents: Contents) -> list[tuple[str, str]]:
    found = contents.lengths
    if found is None:
        return []
    return [("value and length", f"rank correlation {found.correlation:+.2f} over {found.n:,} answers")]


def to_json(contents: Contents) -> dict[str, object]:
    """One JSON document; fields as in ``Contents``."""
    grading = contents.grading
    parts = {
        "stages": contents.stages,
        "shards": contents.shards,
        "groups": contents.groups,
    }
    return {
        "run": grading.run,
        "ledger": str(grading.path),
        "entry": dict(grading.entry),
        "summary": asdict(contents.summary),
        "interval": _plain(contents.interval),
        "corrected": _corrected(contents.corrected),
        "cautions": contents.cautions,
        "arc": _plain(contents.arc),
        "verdicts": dict(contents.verdicts),
        "histogram": _all(contents.histogram),
        "lengths": _plain(contents.lengths),
        "panel": _plain(contents.panel),
        **{name: {key: asdict(one) for key, one in found.items()} for name, found in parts.items()},
    }


def _corrected(found: Corrected | None) -> dict[str, object] | None:
    if found is None:
        return None
    made, source = found.correction, found.calibration
    return {
        "told": found.told,
        "rate": made.rate,
        "low": made.interval.low if made.interval else None,
        "high": made.interval.high if made.interval else None,
        "reason": made.reason,
        "labels": source.labels,
        "run": source.run,
    }


def _plain(found: Any) -> dict[str, object] | None:
    return None if found is None else asdict(found)


def _all(found: Sequence[Any]) -> list[dict[str, object]]:
    return [asdict(one) for one in found]
