"""The emulated Ollama in the ways that tests want it: with all planned faults due, or as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.emulators.ollama import Asked, Model, Ollama

THINKER = Model(name="qwen3:4b", architecture="qwen3", thinking=True, native=True, trained_context=40_960)
CLOUD = Model(
    name="gpt-oss:120b-cloud", architecture="gptoss", remote_host="https://ollama.com:443", thinking=True
)


@contextmanager
def emulated(*models: Model, **settings: Any) -> Iterator[Ollama]:
    """``settings`` as Ollama takes them. Fails the test if a planned fault did not happen."""
    with Ollama(*models, **settings) as ollama:
        yield ollama
    ollama.assert_all_fired()


@contextmanager
def ollama_process(*arguments: str) -> Iterator[str]:
    """The address of an emulator in another process; ``arguments`` as ``python -m tests.emulators.ollama`` takes them."""
    command = [sys.executable, "-m", "tests.emulators.ollama", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(30)


def always_yes(_: Asked) -> str:
    return "yes"
