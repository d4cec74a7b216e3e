"""Numbers for people, as a table, and for programs, as JSON."""

import argparse
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def arguments(what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to FILE")
    return parser


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded; all columns but the first are numbers."""
    widths = [max(len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
    aligned = [
        " | ".join(
            cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(pairs)
        )
        for pairs in (list(zip(row, widths, strict=True)) for row in [headings, *rows])
    ]
    rule = "|".join(
        "-" * (widths[0] + 2) if not at else "-" * (width + 1) + ":" for at, width in enumerate(widths)
    )
    return "\n".join([f"| {aligned[0]} |", f"|{rule}|", *(f"| {line} |" for line in aligned[1:])])


def seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def size(value: float) -> str:
    """Bytes, in units of 1,000."""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"


def save(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        path.write_text(json.dumps({"date": now, **document}, indent=1) + "\n", encoding="utf-8")
