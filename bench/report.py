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
    parser.add_argument(
        "--document", type=Path, metavar="FILE", help="put the tables into FILE, between their two marks"
    )
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
        now = _now().isoformat(timespec="seconds")
        path.write_text(json.dumps({"date": now, **document}, indent=1) + "\n", encoding="utf-8")


def put(document: Path | None, mark: str, text: str) -> None:
    """Replaces what lies between ``<!-- mark -->`` and ``<!-- end of mark -->``. Raises ValueError without these."""
    if document is None:
        return
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(f"{document} has no place for {mark}")
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def of(repeats: int) -> str:
    """What a number of so many repeats is."""
    return "One measurement of each" if repeats == 1 else f"Medians of {repeats}"


def today() -> str:
    return f"{_now():%Y-%m-%d}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
