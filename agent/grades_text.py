"""How a kept grading is called and told apart from another, for people."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .run_names import name_of

if TYPE_CHECKING:
    from local_grader.kept import KeptGrading

_NO_RULE = "judge"
IMPLIED = ("undecided",)
"""Options that no flag sets: they follow from the others."""


def graded_by(scorer: str, judges: Sequence[str]) -> str:
    """The rule and the models that decided: ``includes``, ``cascade and llama3.1:8b``, or the models alone."""
    return " and ".join([*([] if scorer == _NO_RULE and judges else [scorer]), *judges])


def way(grading: "KeptGrading") -> str:
    """What decided it, in a few words: ``includes``, or ``cascade and llama3.1:8b with rubric correct``."""
    judging = grading.entry.get("judging")
    if not judging:
        return grading.scorer
    panel = f" ({judging['pool']})" if len(grading.judges) > 1 else ""
    return f"{graded_by(grading.scorer, grading.told_models)}{panel} with rubric {judging['rubric']}"


def short_names(a: str, b: str) -> tuple[str, str]:
    """What to call two runs in a sentence: the names in their ids, where these tell them apart."""
    names = name_of(a), name_of(b)
    return names if all(names) and names[0] != names[1] else (a, b)


def command(grading: "KeptGrading", run: str) -> str:
    """The command that grades ``run`` as ``grading`` was made, as far as flags say it. Which file held the references is not
    known: its name is left to fill in."""
    words = ["hybrid", "grade", run, "--scorer", grading.scorer]
    options: Mapping[str, Any] = grading.entry["options"]
    for name, value in options.items():
        if value in (None, False) or name in IMPLIED:
            continue
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, value if isinstance(value, str) else json.dumps(value)]
    judging = grading.entry.get("judging")
    if judging:
        for model in grading.models:
            words += ["--judge", model]
        words += ["--rubric", judging["rubric"]]
        if len(judging["judges"]) > 1:
            words += ["--pool", judging["pool"]]
    if grading.entry["references_sha256"]:
        words += ["--references", "FILE"]
    if grading.entry.get("rivals_sha256"):
        words += ["--against", "RUN"]
    for name, field in grading.entry["fields"].items():
        words += [f"--{name.replace('_', '-')}-field", field] if field else []
    return shlex.join(words)
