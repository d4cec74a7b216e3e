"""What a judge is asked: rubrics as files, the prompts made of them, and the verdicts read from replies."""

import difflib
from importlib import resources
from pathlib import Path

from sync.errors import UsageError

from .complaints import Complaints
from .reading import parse
from .rubric import Rubric

NAMES = ("correct", "faithful", "pairwise", "refusal", "rubric")
"""The rubrics that come with the program."""

NO_MERIT = ("refusal",)
"""Those whose value says what answers are like, and not that they are good."""


def load(name_or_path: str, folder: Path) -> Rubric:
    """A shipped rubric by its name, or the one in a TOML file; a relative path starts from ``folder``.

    Raises UsageError for an unknown name, and for a file's mistakes, all at once.
    """
    if name_or_path in NAMES:
        shipped = resources.files(__name__).joinpath(f"{name_or_path}.toml")
        return parse(name_or_path, shipped.read_text(encoding="utf-8"), shipped.name)
    path = folder / Path(name_or_path).expanduser()
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _unknown(name_or_path, path) from error
    except OSError as error:
        raise UsageError(
            f"The rubric {path} cannot be read: {error.strerror}.",
            "A rubric is a TOML file that you may read.",
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        complaints = Complaints(path, "")
        complaints.add_at(
            data.count(b"\n", 0, error.start) + 1, "the file is not UTF-8 text; save it as UTF-8"
        )
        raise complaints.error() from error
    return parse(path.stem, text, str(path))


def _unknown(said: str, path: Path) -> UsageError:
    near = difflib.get_close_matches(said.lower(), NAMES, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    names = f"one of {', '.join(NAMES)}"
    if Path(said).name == said and not said.lower().endswith(".toml"):
        return UsageError(
            f"There is no rubric named {said}.", f"{guess}Choose {names}, or give the path of a TOML file."
        )
    return UsageError(f"There is no file {path}.", f"Look at the path of the rubric, or choose {names}.")
