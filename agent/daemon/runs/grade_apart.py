"""Grading in a process of its own: answers are a stranger's, and what grading needs in memory goes with the process.

    python -I -m agent.daemon.runs.grade_apart ROOT RUN

prints one JSON document: what ``local_grader.report.to_json`` gives, or ``error`` and ``hint``.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sync.errors import HybridError, UsageError

from ...config_grade import GradeSettings


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``report`` is the document; None where the run cannot be graded, for the reason ``error``, a sentence. ``is_early``:
    it could not be begun, because of a mistake in the settings that somebody may be writing just now."""

    report: dict[str, Any] | None
    error: str = ""
    hint: str = ""
    is_early: bool = False


def settings_hash(settings: GradeSettings) -> str:
    """Tells one way of grading from another: the settings, and the file of references as ``stat`` sees it."""
    document = asdict(settings)
    if settings.references is not None:
        try:
            status = settings.references.stat()
            document["references"] = [str(settings.references), status.st_size, status.st_mtime_ns]
        except OSError:
            document["references"] = str(settings.references)
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


SETTINGS_WRONG = 78
"""The exit code where there is a mistake in the settings just now."""


class GradingApart:
    """``poll`` is asked now and then; ``end`` lets go of it. What it has found is in the ledger, and found again."""

    def __init__(self, root: Path, run: str) -> None:
        self.run = run
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed by end)
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", __spec__.name, str(root), run],
                stdin=subprocess.DEVNULL,
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
        return Verdict(report=document)

    def end(self) -> None:
        """Idempotent."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        self._said.close()
        self._complaint.close()


def _text(file: Any) -> str:
    file.seek(0)
    return bytes(file.read()).decode("utf-8", "replace")


def main(root: str, run: str) -> None:
    from local_grader import report as reports
    from local_grader.request import grade_outputs

    from ...grading import request_for
    from ...project import Project

    try:
        project = Project.find(Path(root))
    except UsageError:
        sys.exit(SETTINGS_WRONG)
    try:
        document = reports.to_json(grade_outputs(request_for(project, run)))
    except HybridError as error:
        document = {"error": str(error), "hint": error.hint}
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
