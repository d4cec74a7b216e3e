"""Ollama's own API before a real llama-server, as Ollama itself is one: tokens, grammar, context and times are real.

Endpoints, queue, slots and the decision to load again are the emulator's; a load starts llama-server anew.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any

import httpx

from tests.emulators.ollama import LoadOptions, Model, Ollama
from tests.emulators.ollama.asked import Asked, Refusal
from tests.emulators.ollama.pieces import Final, Piece, Task
from tests.emulators.ollama.tokens import PromptTooLong, Window, rendered
from tests.engine.llama_server import MODEL, LlamaServer

_OPTIONS = ("temperature", "seed", "top_k", "top_p", "min_p", "repeat_penalty", "stop")


def ollama_over(server: LlamaServer, **settings: Any) -> Ollama:
    """Not started yet. ``settings`` as the emulator takes them; its one model is ``tiny``."""

    def load(_: Model, options: LoadOptions) -> float:
        server.load(options.num_ctx)
        return 0.0

    return Ollama(
        Model(name=f"{MODEL}:latest", trained_context=8192),
        load=load,
        writer=_LlamaWriter(server),
        **settings,
    )


class _LlamaWriter:
    """As Ollama does for models with a template in Go: it renders and cuts, llama-server gets the text to go on with."""

    def __init__(self, server: LlamaServer) -> None:
        self._server = server

    def fitted(self, asked: Asked, window: Window) -> str:
        prompt = rendered(asked.messages)
        tokens = self._server.post("/tokenize", {"content": prompt, "add_special": True})["tokens"]
        if len(tokens) >= window.size and not window.truncate:
            refused = self._server.post("/completion", {"prompt": prompt, "n_predict": 1})
            raise PromptTooLong(json.dumps(refused))
        if len(tokens) >= window.size:
            kept = tokens[: window.keep] + tokens[len(tokens) - (window.size - window.keep) // 2 :]
            prompt = str(self._server.post("/detokenize", {"tokens": kept})["content"])
            asked.was_cut = True
        return prompt

    def write(self, task: Task) -> Generator[Piece, None, Final | None]:
        body: dict[str, Any] = {
            name: task.asked.options[name] for name in _OPTIONS if name in task.asked.options
        }
        body |= {
            "prompt": task.prompt,
            "stream": True,
            "n_predict": task.asked.options.get("num_predict", -1),
        }
        if task.asked.schema is not None:
            body["json_schema"] = task.asked.schema
        last: dict[str, Any] = {}
        for last in self._events(body):
            task.connection.check()
            if last["content"]:
                yield Piece(text=last["content"])
        timings = last["timings"]
        task.asked.prompt_tokens, task.asked.cached_tokens = last["tokens_evaluated"], timings["cache_n"]
        task.asked.reply_tokens = timings["predicted_n"]
        return Final(
            reason="length" if last["stop_type"] == "limit" else "stop",
            prompt_count=last["tokens_evaluated"],
            prompt_ns=int(timings["prompt_ms"] * 1e6),
            reply_count=timings["predicted_n"],
            reply_ns=int(timings["predicted_ms"] * 1e6),
        )

    def _events(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Ends with the one that tells why. Leaving early ends the request there, too."""
        url = f"{self._server.url}/completion"
        with httpx.stream("POST", url, json=body, timeout=60, trust_env=False) as reply:
            if reply.status_code != 200:
                raise Refusal(reply.status_code, reply.read().decode())
            for line in reply.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
