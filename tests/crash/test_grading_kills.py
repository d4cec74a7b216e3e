"""``hybrid grade`` with a judge, killed or interrupted anywhere: what was answered stays, and is never asked again.

The emulated server is in the testing process, so that it lives on and its record tells what was asked, how often and when.
"""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local_grader import rubrics
from local_grader.rubrics.prompts import prompts_for
from local_grader.samples import Sample
from tests.emulators.ollama import Fault, Kind, Model, Ollama, Speed
from tests.support.laptop import REPOSITORY

pytestmark = [
    pytest.mark.platform,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a SIGKILL"),
]

_SAMPLES, _SLOTS, _MOST_FLYING = 60, 3, 5
_LIMIT_S = 60.0
_MODEL = Model(name="qwen3:4b", architecture="qwen3")
_CHILD = """
import os, runpy, signal, sys
from tests.support.steps import watch
folder, word, at, *words = sys.argv[1:]
left = int(at)
def step(name):
    global left
    left -= word in name
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
if word:
    watch(folder, step)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background would ignore it
sys.argv = ["hybrid", *words]
runpy.run_module("agent", run_name="__main__", alter_sys=True)
"""
"""Kills itself before the durable step in ``folder`` that is the ``at``-th with ``word`` in its name."""


@dataclass(frozen=True, kw_only=True)
class Lot:
    """Where to kill: before the ``at``-th step named like ``word``; when the ``at``-th request has come; or after so
    many seconds of ``moment`` alone."""

    word: str = ""
    at: int = 0
    moment: float = 0.0


class Play:
    """A project with samples to judge, and processes that do, one after the other; a second play in the same ``home`` has
    them at the same time. ``asked`` are the samples of the newest process, and of any beside it, as the server was asked."""

    def __init__(self, home: Path, ollama: Ollama, said: str = "said.txt") -> None:
        self.project = home / "project"
        self.project.mkdir(parents=True, exist_ok=True)
        self._said = home / said
        self._ollama = ollama
        self._before = len(ollama.requests)
        (self.project / "hybrid.toml").write_text('[project]\nid = "kills"\n')
        rows = [
            {
                "id": f"s{n}",
                "prompt": f"Which is word {n}?",
                "answer": f"It is w{n % 7}.",
                "reference": f"w{n % 5}",
            }
            for n in range(_SAMPLES)
        ]
        (self.project / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        rubric = rubrics.load("correct", self.project)
        samples = [Sample(place="", **row) for row in rows]
        self._ids = {prompt.sha256: one.id for one in samples for prompt in prompts_for(rubric, one)}
        self._users = {prompt.user: one.id for one in samples for prompt in prompts_for(rubric, one)}

    @contextmanager
    def process(self, lot: Lot | None = None) -> Iterator["subprocess.Popen[str]"]:
        self._before = len(self._ollama.requests)
        word, at = (lot.word, lot.at) if lot else ("", 0)
        words = ["grade", "answers.jsonl", "--scorer", "judge", "--judge", _MODEL.name]
        words += ["--endpoint", self._ollama.url, "--slots", str(_SLOTS)]
        said = self._said.open("w+")
        with (
            said,
            subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(self.project), word, str(at), *words],
                cwd=self.project,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(self.project.parent)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()
                self._settle()
        assert "Traceback" not in self.said, self.said

    def run(self, lot: Lot | None = None) -> int:
        """The exit code; -9 where it was killed."""
        with self.process(lot) as process:
            if lot and not lot.word:
                if lot.at:
                    self.until(lambda: len(self.asked) >= lot.at or process.poll() is not None)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(lot.moment)
                process.kill()
            return process.wait(_LIMIT_S)

    def until(self, happens: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _LIMIT_S
        while not happens():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def asked(self) -> list[str]:
        found = (self._users.get(each.user) for each in self._ollama.requests[self._before :])
        return [each for each in found if each is not None]

    @property
    def journal(self) -> dict[str, str]:
        """The text of each verdict that is kept, by sample."""
        path = self.project / ".hybrid/verdicts.db"
        if not path.exists():
            return {}
        # It may have been killed before there was a table.
        with closing(sqlite3.connect(path, timeout=30)) as database, suppress(sqlite3.OperationalError):
            return {self._ids[row[0]]: row[1] for row in database.execute("SELECT prompt, text FROM answers")}
        return {}

    @property
    def ledger(self) -> dict[str, bytes]:
        """Whole gradings by name: nothing that was only begun counts."""
        folder = self.project / ".hybrid/ledger/grades"
        return {path.name: path.read_bytes() for path in folder.glob("[!.]*")} if folder.is_dir() else {}

    def _settle(self) -> None:
        """What the dead process had sent is over for the server, too."""
        time.sleep(0.05)
        self.until(lambda: all(each.outcome for each in list(self._ollama.requests)))


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama(_MODEL, speed=Speed(reply_per_s=1000), slots=_SLOTS) as server:
        yield server


def lots(dice: random.Random, left: int) -> Sequence[Callable[[], Lot]]:
    """All over a life in which ``left`` samples are not judged yet: start, reading, asking, and commits."""
    return [
        lambda: Lot(moment=dice.uniform(0.02, 0.9)),
        lambda: Lot(at=dice.randint(1, max(1, left - 1)), moment=dice.uniform(0, 0.03)),
        lambda: Lot(word=dice.choice(("BEGIN", "COMMIT")), at=dice.randint(1, 2 + left // _MOST_FLYING)),
    ]


@pytest.mark.parametrize("life", range(5))
def test_four_kills_anywhere_lose_nothing_and_nothing_is_asked_twice(
    life: int, ollama: Ollama, tmp_path: Path
) -> None:
    dice = random.Random(f"grading, life {life}")
    undisturbed, play = Play(tmp_path / "whole", ollama), Play(tmp_path / "killed", ollama)
    assert undisturbed.run() == 0
    assert Counter(undisturbed.asked) == Counter(f"s{n}" for n in range(_SAMPLES))
    story: list[Lot] = []
    kept: dict[str, str] = {}
    try:
        for number in range(4):
            if number < 3:
                story.append(dice.choice(lots(dice, _SAMPLES - len(kept)))())
            else:
                story.append(
                    Lot(word=dice.choice(("mkdir .hybrid/ledger", "open .hybrid/ledger", "rename")), at=1)
                )
            assert play.run(story[-1]) == -signal.SIGKILL, play.said
            kept = _after_a_stop(play, kept)
            assert not play.ledger
        assert play.run() == 0
        _after_a_stop(play, kept)
        assert play.journal == undisturbed.journal
        assert play.ledger == undisturbed.ledger
    except BaseException as error:
        error.add_note(f"killed {story}")
        raise


@pytest.mark.parametrize("at", [1, 20, 50])
def test_an_interrupted_grading_keeps_what_was_answered(at: int, ollama: Ollama, tmp_path: Path) -> None:
    play = Play(tmp_path, ollama)
    with play.process() as process:
        play.until(lambda: len(play.asked) >= at)
        _interrupt(process)
    assert "Interrupted." in play.said
    kept = _after_a_stop(play, {})
    assert len(kept) >= at - _MOST_FLYING
    assert play.run() == 0
    assert len(_after_a_stop(play, kept)) == _SAMPLES


@pytest.mark.parametrize("server", ["stalls", "is mute", "is loading", "is gone"])
def test_an_interrupt_does_not_wait_for_a_server_that(server: str, tmp_path: Path) -> None:
    speed = Speed(reply_per_s=1000, load_s=60.0 if server == "is loading" else 0.0)
    with Ollama(_MODEL, speed=speed, slots=_SLOTS) as ollama, ExitStack() as stack:
        play = Play(tmp_path, ollama)
        if server == "stalls":
            ollama.plan(Fault(kind=Kind.STALLED, match="Which is word", skip=10, times=1000))
        with play.process() as process:
            play.until(lambda: bool(ollama.requests) if server == "is loading" else len(play.asked) > 10)
            if server in ("is mute", "is gone"):
                ollama.stop()
            if server == "is mute":  # takes what is sent, and never says a word
                stack.enter_context(socket.create_server(("127.0.0.1", urlsplit(ollama.url).port or 0)))
            time.sleep(2.0 if server == "is mute" else 0.5)
            assert process.poll() is None
            _interrupt(process)
        assert "Interrupted." in play.said
        assert server == "is loading" or play.journal


def _interrupt(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert process.wait(_LIMIT_S) == 130
    assert time.monotonic() - begun < 3


def _after_a_stop(play: Play, kept: dict[str, str]) -> dict[str, str]:
    """What is in the journal now, with all that was there before."""
    now, asked = play.journal, play.asked
    assert now.items() >= kept.items()
    assert not set(asked) & kept.keys(), "what was answered was asked again"
    assert len(set(asked)) == len(asked)
    assert set(now) - set(kept) <= set(asked)
    assert len(set(asked) - set(now)) <= _MOST_FLYING
    return now
