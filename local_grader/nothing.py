"""What to say, and what to do, where files hold nothing to grade: it depends on why. Pure."""

from collections.abc import Sequence

from .reading.csv_rows import EMPTY, HOLDS_NUL, NO_ROWS, NOT_UTF8
from .reading.fields import TWO_MEANINGS
from .reading.rows import MORE_THAN_ROWS, OTHER_KIND, PACKED, READABLE

_FIELDS = (
    "Name the fields with --id-field ('#' for the number of the row, where none is an id) and --answer-field, "
    "or the files with --files."
)
_FIELDS_OF_REFERENCES = {
    "--reference-field": "Name the field with the right answer with --reference-field.",
    "--id-field": "Name the field that tells samples apart with --id-field; the outputs may still call it as usual.",
}
"""By the option that the clause names."""
_REPAIR = "Repair that file, or have the run write it again; --files names others."
_FILL = "Look whether the run wrote its answers to the end, and pull it again; --files names other files."
_HINTS = {
    PACKED: "Unpack it first.",
    OTHER_KIND: f"Save it as one of {', '.join(READABLE)}; if it is JSON lines or a table already, rename it.",
    NOT_UTF8: "If it is text, as UTF-16 or Latin-1, save it as UTF-8.",
    HOLDS_NUL: "If it is text, save it as UTF-8.",
    TWO_MEANINGS: "Name the model's answer with --answer-field, and the right one with --reference-field.",
    MORE_THAN_ROWS: "Save that list by itself.",
    EMPTY: _FILL,
    NO_ROWS: _FILL,
}
"""By what the clause says."""


def why_nothing(skipped: Sequence[str], unread: Sequence[str], files: Sequence[str]) -> tuple[str, str]:
    """Why, as a clause, and a hint.

    ``skipped`` says of files that no row of theirs is an answer, ``unread`` of rows and files that they could not be read,
    as clauses that begin with the file's name; ``files`` names all of them. Other fields help only where rows
    could be read, so those are told first; where nothing is said of any file, none has a row.
    """
    if skipped:
        return skipped[0], what_to_do(skipped[0]) or _FIELDS
    if unread:
        return unread[0], what_to_do(unread[0]) or _REPAIR
    if len(files) == 1:
        return f"{files[0]} {EMPTY}", _FILL
    return f"all of its {len(files):,} files are empty", _FILL


def told(name: str, why: str) -> str:
    """The whole sentence about what ``name`` names. Where a row has more than one answer it isn't that it has none."""
    return f"{name} {'cannot be graded' if TWO_MEANINGS in why else 'holds no answers'}: {why}."


def what_to_do(why: str) -> str:
    """A hint for what was said of a file or a row; empty where none is known."""
    return next((hint for what, hint in _HINTS.items() if what in why), "")


def what_to_do_about_references(why: str) -> str:
    """The same for references, of which the files are settled and only fields may be called otherwise."""
    return what_to_do(why) or next((hint for what, hint in _FIELDS_OF_REFERENCES.items() if what in why), "")
