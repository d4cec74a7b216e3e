"""Grading in a process of its own: answers are a stranger's, and what grading needs in memory goes with the process.

    python -I -m agent.daemon.runs.grade_apart ROOT RUN KEEP [SHARDS_HERE SHARDS]

prints one JSON document: ``report`` as ``local_grader.report.to_json`` gives it, with what ``Verdict`` holds beside it; or
``error`` and ``hint``. It never fetches a model, and asks judges within the hours that the settings name.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local_grader.report import Partial
from local_grader.request import Keep
from sync.errors import HybridError, UsageError

from ...config_grade import GradeSettings

_NO_OTHER_WAY = ("when", "keep_awake", "slots")
"""Settings that decide when and how fast a run is graded, and not what comes of it."""

_PATIENCE_S = 120.0
"""A judge's server is waited for no longer: other runs are to be graded, too, and the agent comes back to this one."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``report`` is the document; None where the run cannot be graded, for the reason ``error``, a sentence. ``is_early``:
    it could not be begun, because of a mistake in the settings that somebody may be writing just now.

    waits     judges were not to be asked at this time, or not any more
    troubles  why judges could not be asked, as pairs of what is wrong and what to do
    repeat_s  what grading the same again takes, without the judges
    """

    report: dict[str, Any] | None
    error: str = ""
    hint: str = ""
    is_early: bool = False
    waits: bool = False
    troubles: Sequence[tuple[str, str]] = ()
    repeat_s: float = 0.0


def settings_hash(settings: GradeSettings, root: Path) -> str:
    """Tells one way of grading from another: the settings, and the files that they name as ``stat`` sees them. ``root``
    is the project's."""
    document = asdict(settings)
    for name in _NO_OTHER_WAY:
        del document[name]
    files = {"references": settings.references}
    if settings.rubric.endswith(".toml"):
        files["rubric"] = root / settings.rubric
    for name, path in files.items():
        if path is not None:
            document[name] = _stamp(path)
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return [str(path), status.st_size, status.st_mtime_ns]


SETTINGS_WRONG = 78
"""The exit code where there is a mistake in the settings just now."""


class GradingApart:
    """``poll`` is asked now and then; ``end`` lets go of it. What judges have said by then is kept, and not asked again."""

    def __init__(self, root: Path, run: str, keep: Keep, partial: Partial | None = None) -> None:
        """``partial``: what there is is not all of the run."""
        self.run = run
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed by end)
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115
        how_much = [str(partial.shards_here), str(partial.shards)] if partial else []
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", __spec__.name, str(root), run, keep.name, *how_much],
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._complaint,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except BaseException:
            self._close()
            raise

    def poll(self) -> Verdict | None:
        """What came of it; None while it is at work."""
        code = self._process.poll()
        if code is None:
            return None
        if code == SETTINGS_WRONG:
            return Verdict(report=None, is_early=True)
        try:
            document = json.loads(_text(self._said))
        except ValueError:
            document = None
        if not isinstance(document, dict) or code:
            last = _text(self._complaint).strip().splitlines()
            why = last[-1][:300] if last else f"it ended with exit code {code}"
            return Verdict(report=None, error=f"Grading has failed: {why.rstrip('.')}.")
        if "error" in document:
            return Verdict(report=None, error=document["error"], hint=document["hint"])
        return Verdict(**document)

    def end(self) -> None:
        """Idempotent."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._close()

    def _close(self) -> None:
        self._said.close()
        self._complaint.close()


def _text(file: Any) -> str:
    file.seek(0)
    return bytes(file.read()).decode("utf-8", "replace")


def main(root: str, run: str, keep: str, *how_much: str) -> None:
    from ...power import lower_priority
    from ...project import Project

    lower_priority()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        project = Project.find(Path(root))
    except UsageError:
        sys.exit(SETTINGS_WRONG)
    partial = Partial(shards_here=int(how_much[0]), shards=int(how_much[1])) if how_much else None
    try:
        document = _graded(project, run, Keep[keep], partial)
    except HybridError as error:
        document = {"error": str(error), "hint": error.hint}
    json.dump(document, sys.stdout)


def _end_with_parent() -> None:
    """The pipe ends with the agent, however that ends: the next one would ask judges the same beside this process."""
    # Not by sys.stdin: its lock would be held when this process ends by itself.
    while os.read(0, 1):
        pass
    os._exit(1)


def _graded(project: Any, run: str, keep: Keep, partial: Partial | None) -> dict[str, Any]:
    from local_grader import report as reports
    from local_grader.grade import grade_outputs
    from local_grader.judge import NotNow
    from sync.clock import SystemClock

    from ...grading import request_for
    from ...hours import Hours
    from ...power import awake
    from ...when import When

    settings, clock = project.config.grade, SystemClock()
    hours = Hours(settings.when or When(), clock)
    request = replace(request_for(project, run, hours=hours), keep=keep, partial=partial)
    if request.judging is not None:
        retries = replace(request.judging.retries, patience_s=_PATIENCE_S)
        request = replace(request, judging=replace(request.judging, retries=retries))
    works = request.judging is not None and not hours.why_not()
    with awake(lambda _text: None) if settings.keep_awake and works else contextlib.nullcontext():
        report = grade_outputs(request, clock=clock)
    troubles = [
        (str(trouble), trouble.hint) for trouble in report.troubles if not isinstance(trouble, NotNow)
    ]
    return {
        "report": reports.to_json(report),
        "waits": report.waits,
        "troubles": troubles,
        "repeat_s": report.repeat_s,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
