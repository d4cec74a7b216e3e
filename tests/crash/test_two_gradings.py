"""Two gradings of the same at once, as of a user and of the agent: they share the work, and neither needs the other."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.test_grading_kills import Play
from tests.emulators.ollama import Fault, Kind, Model, Ollama, Speed

pytestmark = [
    pytest.mark.platform,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the play takes a SIGKILL"),
]

_SAMPLES, _STALLED = 60, 2


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama(
        Model(name="qwen3:4b", architecture="qwen3"), speed=Speed(reply_per_s=200), slots=3
    ) as server:
        yield server


def test_two_gradings_at_once_ask_nothing_twice(ollama: Ollama, tmp_path: Path) -> None:
    first, second = Play(tmp_path, ollama), Play(tmp_path, ollama, said="second.txt")
    with first.process() as one, second.process() as other:
        assert (one.wait(60), other.wait(60)) == (0, 0), first.said + second.said
    assert Counter(first.asked) == Counter(f"s{n}" for n in range(_SAMPLES))
    assert len(first.journal) == _SAMPLES
    assert len(first.ledger) == 1


def test_what_a_grading_asked_when_it_was_killed_is_asked_by_the_one_beside_it(
    ollama: Ollama, tmp_path: Path
) -> None:
    ollama.plan(Fault(kind=Kind.STALLED, match="Which is word", skip=5, times=_STALLED))
    killed, lives = Play(tmp_path, ollama), Play(tmp_path, ollama, said="second.txt")
    with killed.process() as one:
        killed.until(lambda: len(killed.asked) > 5 + _STALLED)
        with lives.process() as other:
            lives.until(lambda: len(lives.journal) == _SAMPLES - _STALLED)
            assert other.poll() is None
            one.kill()
            assert other.wait(60) == 0, lives.said
    assert len(lives.journal) == _SAMPLES
    twice = [sample for sample, times in Counter(killed.asked).items() if times == 2]
    assert len(twice) == _STALLED and len(killed.asked) == _SAMPLES + _STALLED
