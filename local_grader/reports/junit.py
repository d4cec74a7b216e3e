"""JUnit XML, as build servers read it: one test case a sample.

Right is passed, anything less a failure. What could not be graded, and what was never answered, is an error: it is no
wrong answer, and it must not pass for a right one either, as skipped tests do.
"""

from typing import IO
from xml.sax.saxutils import escape, quoteattr

from ..kept import KeptGrade
from .characters import one_line, visible
from .contents import MISSING, PARTLY, RIGHT, UNSCORED, WRONG, Contents, verdict_of

_LONGEST_MESSAGE = 200


def write_junit(contents: Contents, file: IO[bytes]) -> None:
    """Streams; characters that XML cannot hold are escapes."""
    counts, grading = contents.verdicts, contents.grading
    figures = (
        f'tests="{contents.samples}" failures="{counts[WRONG] + counts[PARTLY]}" '
        f'errors="{counts[UNSCORED] + counts[MISSING]}" time="0"'
    )
    name = _attribute(grading.run)
    file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(f"<testsuites name={name} {figures}>\n".encode())
    file.write(f'<testsuite name={name} {figures} skipped="0">\n'.encode())
    for grade in contents.grades():
        file.write(_case(grading.run, grade).encode())
    file.write(b"</testsuite>\n</testsuites>\n")


def _case(run: str, grade: KeptGrade) -> str:
    where = ".".join(filter(None, (run, grade.shard, grade.group)))
    head = f'<testcase classname={_attribute(where)} name={_attribute(grade.sample)} time="0"'
    verdict = verdict_of(grade)
    if verdict == RIGHT:
        return f"{head}/>\n"
    if verdict in (UNSCORED, MISSING):
        kind, message = "error", grade.reason or verdict
    else:
        kind, message = "failure", grade.explanation or one_line(grade.answer)
        message = f"value {grade.value:g}: {message}" if verdict == PARTLY else message
    about = f"type={_attribute(verdict)} message={_attribute(one_line(message, _LONGEST_MESSAGE))}"
    return f"{head}><{kind} {about}>{escape(visible(_text(grade)))}</{kind}></testcase>\n"


def _text(grade: KeptGrade) -> str:
    parts = [
        ("place", grade.place),
        ("prompt", grade.prompt),
        ("context", grade.context),
        ("answer", grade.answer),
        ("compared with", grade.rival),
        ("reference", grade.reference),
        ("explanation", grade.explanation),
        *((f"{one.judge}: {one.verdict or one.reason or ''}", one.reasoning) for one in grade.judgements),
    ]
    return "\n".join(f"{label}: {text}" for label, text in parts if text)


def _attribute(text: str) -> str:
    # The readers of attributes make spaces of line breaks and tabs.
    return quoteattr(visible(text), {"\n": "&#10;", "\t": "&#9;"})
