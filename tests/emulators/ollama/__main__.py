"""``python -m tests.emulators.ollama``: prints the address, and serves until it is told to end."""

import argparse
import importlib
import math
import signal
import sys
import threading

from .emulator import Ollama
from .models import Model, Speed
from .writing import Answer


def main() -> None:
    words = argparse.ArgumentParser(
        prog="python -m tests.emulators.ollama", description="An emulated Ollama."
    )
    words.add_argument("--port", type=int, default=0, help="0: any that is free")
    words.add_argument("--model", action="append", help="name of a model that is there; may be given again")
    words.add_argument("--native", action="store_true", help="models use the template inside their file")
    words.add_argument("--slots", type=int, default=1)
    words.add_argument("--context", type=int, default=4096)
    words.add_argument("--max-queue", type=int, default=512)
    words.add_argument("--version", default="0.33.0")
    words.add_argument("--load-s", type=float, default=0.0)
    words.add_argument("--prompt-per-s", type=float, default=math.inf, help="tokens")
    words.add_argument("--reply-per-s", type=float, default=math.inf, help="tokens")
    words.add_argument(
        "--answer", help="module:function that is given the request and returns what the model says"
    )
    given = words.parse_args()
    models = [Model(name=each, native=given.native) for each in given.model or ["llama3.2:3b"]]
    speed = Speed(load_s=given.load_s, prompt_per_s=given.prompt_per_s, reply_per_s=given.reply_per_s)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Ollama(
        *models,
        answer=_function(given.answer) if given.answer else None,
        speed=speed,
        version=given.version,
        slots=given.slots,
        context=given.context,
        max_queue=given.max_queue,
        port=given.port,
    ) as ollama:
        sys.stdout.write(f"{ollama.url}\n")
        sys.stdout.flush()
        ended.wait()


def _function(name: str) -> Answer:
    module, _, function = name.partition(":")
    answer: Answer = getattr(importlib.import_module(module), function)
    return answer


if __name__ == "__main__":
    main()
