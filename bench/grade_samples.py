"""Outputs to grade whose right verdicts are known, drawn from a fixed seed, so that everybody grades the same bytes.

For judges: each answer claims a word, each reference names one, and the answer is right where they are the same. A model
that was shown both can tell; where a prompt was cut before it saw the claim, it cannot. For rules: a million short answers.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

ITEM = re.compile(r"code word of item (\d{7})")
CLAIM = re.compile(r"I would say that it is (\w+)")
REFERENCE = re.compile(r"By the book it is (\w+)")

_SEED = 20
_WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "inlet",
    "jasper",
    "kelp",
    "larch",
]
_WORDS += [
    "maple",
    "north",
    "opal",
    "pearl",
    "quartz",
    "raven",
    "slate",
    "thistle",
    "umber",
    "violet",
    "willow",
]
_TALK = [
    "the",
    "answer",
    "was",
    "looked",
    "up",
    "in",
    "a",
    "second",
    "list",
    "because",
    "that",
    "book",
    "had",
    "no",
]
_TALK += [
    "entry",
    "for",
    "it",
    "and",
    "those",
    "who",
    "keep",
    "lists",
    "say",
    "both",
    "were",
    "made",
    "at",
    "once",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """``words`` is about how many the answer has; ``is_long``: more than the context of the judge holds."""

    id: str
    question: str
    answer: str
    reference: str
    is_right: bool
    is_long: bool


def judged(count: int, long: int = 0, *, long_words: int = 5_000) -> list[Item]:
    """``count`` items, of which ``long`` are too long for a context of 4,096 tokens; half of either are right."""
    dice = random.Random(_SEED)
    places = set(dice.sample(range(count), long))
    rights = {True: 0, False: 0}
    return [_item(number, number in places, rights, dice, long_words) for number in range(count)]


def _item(number: int, is_long: bool, rights: dict[bool, int], dice: random.Random, long_words: int) -> Item:
    rights[is_long] += 1
    is_right = rights[is_long] % 2 == 0
    word, other = dice.sample(_WORDS, 2)
    talk = " ".join(dice.choices(_TALK, k=long_words if is_long else dice.randint(10, 40)))
    return Item(
        id=f"{number:07d}",
        question=f"What is the code word of item {number:07d}?",
        answer=f"I would say that it is {word if is_right else other}. For {talk}.",
        reference=f"By the book it is {word}.",
        is_right=is_right,
        is_long=is_long,
    )


def write(items: Sequence[Item], path: Path) -> None:
    """As ``hybrid grade`` reads them: JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for each in items:
            row = {"id": each.id, "prompt": each.question, "answer": each.answer, "reference": each.reference}
            file.write(json.dumps(row) + "\n")


def rows(scorer: str, count: int) -> Iterator[dict[str, Any]]:
    """Outputs for a rule, about half of them right: sentences, or numbers in sentences for ``numeric``."""
    dice = random.Random(_SEED)
    for number in range(count):
        row = {"id": f"s{number}", "prompt": f"What is the code word of item {number}?"}
        if scorer == "numeric":
            total = dice.randint(1, 10**6)
            answer = f"After some counting, the total is {total + dice.randint(0, 1):,}."
            yield {**row, "answer": answer, "reference": total}
            continue
        right, other = (" ".join(dice.choices(_WORDS, k=2)) for _ in range(2))
        said = dice.choice((right, other))
        if scorer != "exact":
            said = f"It is {said}, as {' '.join(dice.choices(_TALK, k=8))}."
        yield {**row, "answer": said, "reference": right}


def write_rows(scorer: str, count: int, path: Path) -> None:
    """JSON lines, or Parquet where the name ends so."""
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        found = rows(scorer, count)
        batch = list(islice(found, 50_000))
        with pyarrow.parquet.ParquetWriter(path, pyarrow.Table.from_pylist(batch).schema) as writer:
            while batch:
                writer.write_table(pyarrow.Table.from_pylist(batch))
                batch = list(islice(found, 50_000))
        return
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(scorer, count))
