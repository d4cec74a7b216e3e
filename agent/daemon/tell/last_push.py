"""What was published last, read beside whoever is at work: without a lock, without waiting, and changing nothing."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ...project import STATE_FOLDER, Project
from ...state import FILE_NAME

_PARTS: Final = ("seq", "snapshot", "created", "files", "bytes")
_PATIENCE_S: Final = 0.1


def last_push(project: Project) -> dict[str, Any] | None:
    """``seq``, ``snapshot``, ``created``, ``files`` and ``bytes`` of the last snapshot that was published from this folder to
    its mailbox; None where there is none, or it cannot be read now."""
    path = project.root / STATE_FOLDER / FILE_NAME
    try:
        with contextlib.closing(
            sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True, timeout=_PATIENCE_S)
        ) as database:
            row = database.execute("SELECT value FROM meta WHERE key = 'published'").fetchone()
        found = json.loads(row[0]) if row else None
    except (sqlite3.Error, ValueError, TypeError):
        return None
    if not isinstance(found, dict) or found.get("url") != project.config.remote.url:
        return None
    return {part: found[part] for part in _PARTS} if all(part in found for part in _PARTS) else None


def _uri(path: Path) -> str:
    # Of a path that is no text, too, which ``Path.as_uri`` would do as well, but not for a share of Windows.
    return "file:" + quote(path.as_posix().encode("utf-8", "surrogateescape"))
