"""One grading from start to end: find, read, score, record, summarise."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sync.progress import Progress, Silent

from . import arc_metrics, metrics, outputs, scorers
from . import references as reference_files
from .errors import Ungradable
from .fields import Fields
from .grading import grade
from .ledger import Entry, record
from .report import Report
from .samples import Sample
from .scorer import Option, Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to grade and how. ``target`` is a run's id or a path; ``options`` are only those that the user set."""

    target: str
    scorer: str
    options: Mapping[str, Option] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    references: Path | None = None
    files: str | None = None


def grade_outputs(project: Path, request: Request, progress: Progress | None = None) -> Report:
    """Grades, and writes the grades into the project's ledger.

    ``target`` and ``references`` are taken from the project's folder where they are relative. Raises UsageError for
    what the request asks wrongly, Ungradable where there is nothing to grade or the samples contradict each other.
    """
    scorer = scorers.make(request.scorer, request.options)
    target = outputs.find(project, request.target, request.files)
    references = None
    if request.references is not None:
        references = reference_files.load(project / request.references, scorer.shape, request.fields)
    entry = Entry(
        run=target.name,
        scorer=scorer.name,
        scorer_version=scorer.version,
        options=scorer.options,
        fields=request.fields,
        outputs_sha256=outputs.digest(target.sources),
        references_sha256=references.sha256 if references else None,
    )
    samples = outputs.Samples(target.sources, scorer.shape, request.fields)
    meter = progress or Silent()
    meter.start("grade", unit="samples")
    try:
        grades = grade(_metered(samples, meter), scorer, references.by_sample if references else None)
    finally:
        meter.finish()
    if not grades.graded:
        raise _nothing(target, samples)
    recorded = record(project, entry, grades)
    return Report(
        entry=entry,
        files=len(target.sources),
        summary=metrics.summarise(grades),
        arc=arc_metrics.summarise(grades) if scorer.shape is Shape.ARC else None,
        shards=metrics.by_shard(grades),
        groups={} if scorer.shape is Shape.ARC else metrics.by_group(grades),
        missing=[missing.sample for missing in grades.missing],
        problems=samples.problems,
        skipped=samples.skipped,
        ledger=recorded.path,
        recorded=recorded.new,
    )


def _metered(samples: outputs.Samples, meter: Progress) -> Iterator[Sample]:
    for sample in samples:
        yield sample
        meter.advance(1)


def _nothing(target: outputs.Target, samples: outputs.Samples) -> Ungradable:
    found = [*samples.skipped, *samples.problems]
    why = f": {os.fsdecode(found[0].path)} {found[0].what}" if found else ""
    return Ungradable(
        f"{target.name} holds no answers{why}.",
        "Name the fields with --id-field and --answer-field, or the files with --files.",
    )
