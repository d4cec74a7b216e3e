"""A report for a pull request: the figures, and the first answers that are not right.

Every text of a run stands in a code span, where a viewer sees no markup, no link, no picture and nobody's name.
"""

import re
from typing import IO

from ..metrics import Summary
from .characters import one_line
from .contents import RIGHT, Contents, verdict_of
from .summary import rows
from .words import ends, rate_of, samples

_MOST_PARTS = 50
_MOST_SAMPLES = 20
_LONGEST = 120
# Nothing here is markup, and nothing becomes a link.
_HARMLESS = re.compile(r"(?:[A-Za-z0-9 :'’%(),;+-]|\.(?=\d|\Z))*")


def write_markdown(contents: Contents, file: IO[bytes]) -> None:
    lines = [f"## Grades of {code(contents.grading.title)}", "", "| | |", "|---|---|"]
    lines += [f"| {plain(label)} | {plain(text)} |" for label, text in rows(contents)]
    for title, parts in (("group", contents.groups), ("shard", contents.shards)):
        if len(parts) > 1:
            lines += [
                "",
                f"### By {title}",
                "",
                f"| {title} | {contents.sense.high} | samples |",
                "|---|---|---|",
            ]
            lines += [_part(name, part) for name, part in list(parts.items())[:_MOST_PARTS]]
            if len(parts) > _MOST_PARTS:
                lines += ["", f"The first {_MOST_PARTS} of {len(parts):,}."]
    lines += _not_right(contents)
    file.write(("\n".join(lines) + "\n").encode())


def code(text: str, longest: int = _LONGEST) -> str:
    """One line of ``text`` as a code span, as it may stand in a table."""
    line = one_line(text, longest)
    if not line:
        return ""
    runs = {len(run) for run in re.findall("`+", line)}
    fence = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    line = line.replace("|", "\\|")
    # A backtick at an end would belong to the fence.
    return f"{fence} {line} {fence}" if "`" in (line[0], line[-1]) else f"{fence}{line}{fence}"


def plain(text: str) -> str:
    """As it is where nothing in it can be taken for markup, else as a code span."""
    return text if _HARMLESS.fullmatch(text) else code(text, 400)


def _part(name: str, part: Summary) -> str:
    return f"| {code(name)} | {rate_of(part, ends(part))} | {samples(part)} |"


def _not_right(contents: Contents) -> list[str]:
    found, count = [], contents.samples - contents.verdicts[RIGHT]
    if not count:
        return []
    for grade in contents.grades():
        verdict = verdict_of(grade)
        if verdict != RIGHT:
            why = grade.reason or grade.explanation
            cells = (grade.sample, grade.prompt or "", grade.answer, grade.reference or "", why)
            found.append(f"| {' | '.join(map(code, cells))} | {contents.told(verdict)} |")
            if len(found) == _MOST_SAMPLES:
                break
    shown = f"the first {len(found)} of {count:,}" if count > len(found) else f"{count:,}"
    return [
        "",
        f"<details><summary>Not {contents.sense.high}: {shown}</summary>",
        "",
        "| sample | prompt | answer | reference | why | verdict |",
        "|---|---|---|---|---|---|",
        *found,
        "",
        "</details>",
    ]
