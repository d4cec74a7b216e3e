"""Keeps calibrations for good: one Parquet file per calibration in ``.hybrid/ledger/calibrations/``, beside the grades.

Its name begins with the key of what was measured: rule and options, rubric, judges and how they are pooled, but no run. So what
labels of one run have shown of a judge corrects the rates of every later grading that is made the same way.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import tables
from .calibration import FEW, WHOLE, Calibration, Counts, Measured, counts, from_counts
from .judge import Identity
from .kept import KeptGrading
from .labels import Labels
from .notation import interval, percent
from .statistics import correction, libraries
from .statistics.correction import Correction

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = 1
METADATA = "hybrid.calibration"
COLUMNS: Mapping[str, tables.Kind] = {
    "key": "text",  # SHA-256 of what was measured, in hex
    "run": "text",  # whose samples were labelled
    "kind": "text",  # whole, judge, stage, baseline
    "name": "text",
    "true_pass": "number",  # samples
    "false_pass": "number",
    "false_fail": "number",
    "true_fail": "number",
    "agreement": "number",  # share
    "kappa": "number",  # null where both gave all samples one verdict
    "groups": "text",  # JSON: the four counts of each group; null where each label counts by itself
}
_SEED = 0
_UNEVEN = "they were drawn from the hard samples, and tell nothing of the others"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A calibration as the ledger has it. ``run`` is the one whose samples were labelled, ``verdict`` its sentence,
    ``labels`` their number. ``representative``: they were drawn evenly, so that they tell of a whole run."""

    path: Path
    run: str
    labels: int
    labels_sha256: str
    verdict: str
    representative: bool
    measured: "Sequence[Measured]"

    @property
    def whole(self) -> Measured:
        return next(one for one in self.measured if one.kind == WHOLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """What is probably true behind a rate. ``correction.rate`` is None where its ``reason`` says why. ``told`` is one
    sentence for a report."""

    calibration: Stored
    correction: Correction
    told: str


def key(entry: Mapping[str, Any]) -> str:
    """Names, in hex, what decides verdicts in a kept grading, whatever was graded: ``KeptGrading.entry``."""
    judging = entry.get("judging")
    what: dict[str, object] = {name: entry[name] for name in ("scorer", "scorer_version", "options")}
    if judging:
        judges = sorted(Identity(**one).sha256() for one in judging["judges"])
        what |= {"rubric": judging["rubric_sha256"], "pool": judging["pool"], "judges": judges}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def record(ledger: Path, grading: KeptGrading, labels: Labels, found: Calibration) -> Path:
    """Adds it to the ledger; the same measurement again finds itself there."""
    known_as = key(grading.entry)
    about = {
        "format": FORMAT,
        "key": known_as,
        "run": grading.run,
        "graded": grading.path.name,
        "labels": found.labels,
        "labels_sha256": labels.sha256,
        "labellers": list(labels.labellers),
        "verdict": found.verdict,
        "representative": not found.drawn,
    }
    said = hashlib.sha256(
        json.dumps([about, [one.groups or counts(one) for one in found.measured]]).encode()
    ).hexdigest()
    path = ledger / "calibrations" / f"{known_as[:16]}-{said[:16]}.parquet"
    if path.exists():
        # It is the newest word again.
        os.utime(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            writer = tables.Writer(file, COLUMNS, {METADATA: json.dumps(about, sort_keys=True)})
            writer.write({"key": known_as, "run": grading.run, **_columns(found)}, len(found.measured))
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def stored(ledger: Path, grading: KeptGrading) -> Stored | None:
    """The newest calibration of what decided ``grading``; None where none was made. ``ledger`` is the folder that holds
    ``grades`` and ``calibrations``. A file that is damaged is as if it were not there."""
    return next(_of(ledger, key(grading.entry)), None)


def corrected(
    grading: KeptGrading, values: "Sequence[float]", clusters: "Sequence[object] | None" = None
) -> Corrected | None:
    """The rate of ``values``, all of ``grading`` or a part, as the labels correct it; None where nothing is known of how its
    grades err, or nothing was scored. The newest calibration whose labels were drawn evenly counts.

    ``values`` should be passes and fails: others leave the rate uncorrected, with that reason. ``clusters`` names, in their
    order, the unit that each was sampled with. Raises UsageError without the extra ``statistics``.
    """
    known = list(_of(grading.path.parent.parent, key(grading.entry)))
    if not known or not values:
        return None
    found = next((one for one in known if one.representative), known[0])
    made = correction.corrected(values, found.whole.confusion, libraries.generator(_SEED), clusters)
    if not found.representative:
        made = replace(made, rate=None, standard_error=None, interval=None, reason=_UNEVEN)
    return Corrected(calibration=found, correction=made, told=_told(found, made))


def _told(found: Stored, made: Correction) -> str:
    groups = found.whole.groups
    source = f"{found.labels:,} labels of {found.run}" + (f" in {len(groups):,} groups" if groups else "")
    if made.rate is None or made.interval is None:
        return f"The rate cannot be corrected by {source}: {made.reason}."
    over = f", over {made.judged.clusters:,} groups" if made.judged.clusters else ""
    few = f"; so few labels (under {FEW}) tell little" if found.labels < FEW else ""
    bounds = interval(made.interval.low, made.interval.high)
    clipped = (
        "; the formula leaves 0 to 100 %, so these labels fit the run badly, or by chance"
        if made.clipped
        else ""
    )
    return f"By {source} the true rate is about {percent(made.rate)} ({bounds}{over}){few}{clipped}."


def _columns(found: Calibration) -> dict[str, list[object]]:
    rows = [
        (
            one.kind,
            one.name,
            *map(float, counts(one)),
            one.kappa.agreement,
            one.kappa.kappa,
            None if one.groups is None else json.dumps(one.groups),
        )
        for one in found.measured
    ]
    names = [name for name in COLUMNS if name not in ("key", "run")]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _of(ledger: Path, known_as: str) -> Iterator[Stored]:
    """Newest first."""
    files = list((ledger / "calibrations").glob(f"{known_as[:16]}-*.parquet"))
    for path in sorted(files, key=lambda path: (-os.stat(path).st_mtime_ns, path.name)):
        try:
            about = json.loads(tables.metadata(path).get(METADATA, "null"))
            if not isinstance(about, dict) or about.get("format") != FORMAT or about["key"] != known_as:
                continue
            yield _stored(path, about)
        except (tables.BadTable, OSError, ValueError):
            continue


def _stored(path: Path, about: Mapping[str, Any]) -> Stored:
    rows: list[dict[str, Any]] = list(tables.read(path))
    names = ("true_pass", "false_pass", "false_fail", "true_fail")
    measured = [
        from_counts(row["kind"], row["name"], (a, b, c, d), _groups(row.get("groups")))
        for row in rows
        for a, b, c, d in [[int(row[name]) for name in names]]
    ]
    return Stored(
        path=path,
        run=about["run"],
        labels=about["labels"],
        labels_sha256=about["labels_sha256"],
        verdict=about["verdict"],
        representative=about["representative"],
        measured=measured,
    )


def _groups(kept: str | None) -> list[Counts] | None:
    return None if kept is None else [(a, b, c, d) for a, b, c, d in json.loads(kept)]
