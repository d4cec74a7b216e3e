"""A report as rows of label and value, and as one JSON document. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..calibrations import Corrected
from ..notation import coefficient, percent
from . import lines
from .characters import one_line
from .contents import Contents, judging

COMPARES = "right is better than the other run's answer, partly right as good, wrong worse"


def method(contents: Contents) -> str:
    """The scorer with its options, and the judges with theirs, on one line."""
    entry, how = contents.grading.entry, judging(contents.grading)
    scorer = entry["scorer"], entry["scorer_version"], entry["options"]
    if how is None:
        return lines.method(*scorer)
    return lines.method(*scorer, how["rubric"], contents.grading.told_models, how["pool"])


def rows(contents: Contents) -> list[tuple[str, str]]:
    """What a person wants to read, most important first."""
    ends = contents.interval
    counted = lines.Counted(
        method=method(contents),
        summary=contents.summary,
        interval=None if ends is None else (ends.low, ends.high),
        clusters=None if ends is None else ends.clusters,
        corrected=contents.corrected.told if contents.corrected else "",
        arc=contents.arc,
        stages=contents.stages,
        reasons=contents.reasons,
        unanswered=contents.unanswered,
        unread=contents.grading.facts.unread,
        sense=contents.sense,
    )
    return [*lines.rows(counted), *_judges(contents), *_lengths(contents)]


def _judges(contents: Contents) -> list[tuple[str, str]]:
    panel = contents.panel
    if panel is None:
        return []
    found = [("means", COMPARES)] if panel.compares else []
    for voice in panel.voices:
        said = f"{voice.judged:,} of {voice.asked:,} judged"
        if voice.judged:
            said += f", {percent(voice.right / voice.judged)} of them {contents.sense.high}"
        if voice.swapped:
            said += f"; {percent(voice.flips / voice.swapped)} of {voice.swapped:,} flipped with the order"
        found.append((f"judge {one_line(voice.name, 40)}", said))
    if panel.shared:
        said = f"on {percent(1 - panel.disputed / panel.shared)} of {panel.shared:,} samples"
        if panel.alpha is not None:
            said += (
                f", Krippendorff's alpha {coefficient(panel.alpha)}{' (ordinal)' if panel.ordinal else ''}"
            )
        found.append(("judges agree", said))
    found += lines.known_of(contents.grading.judges, contents.grading.rubric)
    return [*found, *(("beware", one_line(caution)) for caution in contents.cautions)]


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
