"""The forms in which a report is written, by name and by a file's ending."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from sync.errors import UsageError

from . import junit, markdown, page, sample_rows
from .contents import Contents
from .writing import replacing

Writer = Callable[[Contents, IO[bytes]], None]

FORMS: Mapping[str, Writer] = {
    "html": page.write_page,
    "markdown": markdown.write_markdown,
    "csv": sample_rows.write_csv,
    "parquet": sample_rows.write_parquet,
    "junit": junit.write_junit,
}
ENDINGS: Mapping[str, str] = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".parquet": "parquet",
    ".xml": "junit",
}


def form_of(path: Path) -> str:
    """The form that the file's ending names. Raises UsageError for one that names none."""
    form = ENDINGS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(ENDINGS))
        raise UsageError(
            f"The ending of {path} names no form of a report.",
            f"Use one of {known}, or say the form: --html, --csv, …",
        )
    return form


def write(contents: Contents, form: str, path: Path) -> None:
    """Replaces ``path`` as a whole. Raises HybridError where it cannot be written."""
    with replacing(path) as file:
        FORMS[form](contents, file)
