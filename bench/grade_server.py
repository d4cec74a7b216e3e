"""An emulated Ollama as a process of its own, whose model judges by what it was really shown, and who is told to die.

One command a line on standard input, one JSON object a line back. The model passes what it is not shown to be wrong, as
small judges do; and where a prompt lost the form of the reply, it answers in prose, as any model would.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.grade_samples import CLAIM, ITEM, REFERENCE
from tests.emulators.ollama import Asked, Model, Ollama, Speed
from tests.support.laptop import REPOSITORY

MODEL = "qwen3:4b"
CONTEXT = 4096
_SPEED = Speed(load_s=0.5, prompt_per_s=10_000, reply_per_s=1_000)
SPEED_IN_WORDS = (
    "0.1 ms for each token of a prompt that the slot has not just read, 1 ms for each token of a reply"
)
_REASON = "the word that the answer claims was held against the word in the book and that is all that could be compared"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the server saw of the items, since it began or was last told to forget.

    items     that were asked about
    requests  about items
    again     requests about items that had been answered before
    cut       requests whose prompt was cut without a word
    busy      share of the time from the first hold of a slot to the last in which slots were held
    """

    items: int
    requests: int
    again: int
    answered: int
    cut: int
    loads: int
    busy: float


def say(asked: Asked) -> str:
    """What the model says. As the model of a laptop would: a sentence, then the verdict."""
    claim, reference = CLAIM.search(asked.shown), REFERENCE.search(asked.shown)
    is_right = not (claim and reference) or claim[1] == reference[1]
    words = _REASON.split()
    reason = " ".join(words[: random.Random(asked.shown).randint(8, len(words))])
    if asked.schema is not None and "verdict" in asked.schema.get("properties", {}):
        return json.dumps({"reason": reason, "verdict": "correct" if is_right else "incorrect"})
    if "GRADE: $LETTER" in asked.shown:
        return f"{reason}\n\nGRADE: {'C' if is_right else 'I'}"
    if asked.format is not None or '"pass"' in asked.shown or "pass:" in asked.shown:
        return json.dumps({"reason": reason, "pass": is_right, "score": float(is_right)})
    return f"{reason}, so it is {'right' if is_right else 'wrong'}."


def counts(ollama: Ollama) -> Counts:
    answered: set[str] = set()
    seen: Counter[str] = Counter()
    again = cut = 0
    for asked in sorted(ollama.requests, key=lambda each: each.arrived):
        found = ITEM.search(asked.prompt)
        if found is None:
            continue
        seen[found[1]] += 1
        again += found[1] in answered
        cut += asked.was_cut
        if asked.outcome == "answered":
            answered.add(found[1])
    busy = ollama.busy_seconds / ollama.open_seconds if ollama.open_seconds else 0.0
    return Counts(
        items=len(seen),
        requests=seen.total(),
        again=again,
        answered=len(answered),
        cut=cut,
        loads=len(ollama.loads),
        busy=busy,
    )


class Server:
    """The client's end of it."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process = process
        self.url = url

    @property
    def counts(self) -> Counts:
        return Counts(**self._tell("counts"))

    @property
    def answered(self) -> int:
        """How many requests were answered by now; quicker than all counts."""
        return int(self._tell("answered")["answered"])

    def die(self) -> None:
        """Connections break, and nothing listens any more."""
        self._tell("die")

    def live(self) -> None:
        self._tell("live")

    def forget(self) -> None:
        """Counts from here."""
        self._tell("forget")

    def _tell(self, command: str) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def running(slots: int) -> Iterator[Server]:
    words = [sys.executable, "-m", "bench.grade_server", "--slots", str(slots)]
    with subprocess.Popen(
        words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield Server(process, json.loads(process.stdout.readline())["url"])
        finally:
            process.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=4)
    given = parser.parse_args()
    model = Model(name=MODEL, architecture="qwen3", trained_context=40_960)
    with Ollama(model, answer=say, speed=_SPEED, slots=given.slots, context=CONTEXT) as ollama:
        _write({"url": ollama.url})
        for line in sys.stdin:
            _write(_obey(ollama, line.strip()))


def _obey(ollama: Ollama, command: str) -> dict[str, Any]:
    match command:
        case "counts":
            return counts(ollama).__dict__
        case "answered":
            return {"answered": ollama.counts()["answered"]}
        case "die":
            ollama.stop()
        case "live":
            ollama.start()
        case "forget":
            ollama.forget()
    return {}


def _write(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
