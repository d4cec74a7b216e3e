"""What to say, and what to do, where files hold nothing to grade: it depends on why. Pure."""

from collections.abc import Sequence

_FIELDS = "Name the fields with --id-field and --answer-field, or the files with --files."
_REPAIR = "Repair that file, or have the run write it again; --files names others."
_FILL = "Look whether the run wrote its answers to the end, and pull it again; --files names other files."


def why_nothing(skipped: Sequence[str], unread: Sequence[str], files: Sequence[str]) -> tuple[str, str]:
    """Why, as a clause, and a hint.

    ``skipped`` says of files that no row of theirs is an answer, ``unread`` of rows and files that they could not be read,
    as clauses that begin with the file's name; ``files`` names all of them. Other fields help only where rows
    could be read, so those are told first; where nothing is said of any file, none has a row.
    """
    if skipped:
        return skipped[0], _FIELDS
    if unread:
        return unread[0], _REPAIR
    if len(files) == 1:
        return f"{files[0]} is empty", _FILL
    return f"all of its {len(files):,} files are empty", _FILL
