"""One grading from start to end: find, read, score, record, summarise."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sync.progress import Progress, Silent

from . import scorers
from .arc_metrics import ArcTally
from .errors import Ungradable
from .grading import Grading
from .ledger import Entry, Recorder
from .metrics import Tallies
from .reading import outputs
from .reading import references as reference_files
from .reading.fields import Fields
from .report import Report
from .samples import Sample
from .scorer import Option, Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to grade and how.

    ``target`` is the id of a run under the folder ``outputs``, or a path; ``ledger`` is the folder that keeps what
    came out. ``options`` are the scorer's, only those that the user set. ``files`` are globs; none means all.
    """

    target: str
    scorer: str
    outputs: Path
    ledger: Path
    options: Mapping[str, Option] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    references: Path | None = None
    files: Sequence[str] = ()


def grade_outputs(request: Request, progress: Progress | None = None) -> Report:
    """Grades, and writes the grades into the ledger.

    Raises UsageError for what the request asks wrongly, Ungradable where there is nothing to grade or the samples contradict each other.
    """
    scorer = scorers.make(request.scorer, request.options)
    target = outputs.find(request.outputs, request.target, request.files)
    references = None
    if request.references is not None:
        references = reference_files.load(request.references, scorer.shape, request.fields)
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
    tallies, arc = Tallies(), ArcTally() if scorer.shape is Shape.ARC else None
    grades = Grading(_metered(samples, meter), scorer, references.by_sample if references else None)
    missing = []
    try:
        with Recorder(request.ledger, entry) as recorder:
            for grade in grades:
                recorder.add(grade)
                tallies.add(grade)
                if arc is not None:
                    arc.add(grade)
            summary = tallies.whole.summary()
            if not summary.samples:
                raise _nothing(target, samples)
            missing = grades.missing
            for one in missing:
                recorder.add_missing(one)
                tallies.add_missing(one)
                if arc is not None:
                    arc.add_missing(one)
    finally:
        meter.finish()
    return Report(
        entry=entry,
        files=len(target.sources),
        summary=tallies.whole.summary(),
        arc=arc.summary() if arc is not None else None,
        stages=tallies.stages(),
        shards=tallies.shards(),
        groups={} if scorer.shape is Shape.ARC else tallies.groups(),
        missing=[one.sample for one in missing],
        problems=samples.problems,
        skipped=samples.skipped,
        ledger=recorder.recorded.path,
        recorded=recorder.recorded.new,
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
        "name the fields with --id-field and --answer-field, or the files with --files.",
    )
