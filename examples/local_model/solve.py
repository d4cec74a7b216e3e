"""Has a local Ollama model answer ARC tasks: `python solve.py TASKS.jsonl OUTPUT_DIR`, or as a shard of a hybrid run.

In a run the tasks come from HYBRID_SHARD_INPUT and the answers go to HYBRID_OUTPUT. The model is named by MODEL, its server by
OLLAMA_HOST. Nothing but Python's standard library is needed.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CONTEXT = 8192
REPLY_TOKENS = 2048
# A grid as JSON: the server lets the model write nothing else.
SCHEMA = {
    "type": "object",
    "properties": {
        "grid": {
            "type": "array",
            "minItems": 1,
            "maxItems": 30,
            "items": {
                "type": "array",
                "minItems": 1,
                "maxItems": 30,
                "items": {"type": "integer", "minimum": 0, "maximum": 9},
            },
        }
    },
    "required": ["grid"],
}


def shown(grid: list[list[int]]) -> str:
    """One line a row, one digit a cell."""
    return "\n".join("".join(map(str, row)) for row in grid)


def prompt(task: dict[str, Any], test: dict[str, Any]) -> str:
    """The examples of the task, then the input to transform. The test's own output is not shown."""
    lines = [
        "Each input grid becomes its output grid by the same rule. Find the rule, and apply it to the last input.",
        "",
    ]
    for number, pair in enumerate(task["train"], 1):
        lines += [f"Input {number}:", shown(pair["input"]), f"Output {number}:", shown(pair["output"]), ""]
    lines += ["Last input:", shown(test["input"]), "", 'Reply with JSON: {"grid": [[…], …]}']
    return "\n".join(lines)


def ask(host: str, model: str, text: str, seed: int) -> str:
    """What the model says. Raises OSError where the server cannot be asked, ValueError where the reply is not whole."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "format": SCHEMA,
        "stream": False,
        # A prompt that does not fit is to be refused. Left out, Ollama cuts it and answers all the same.
        "truncate": False,
        "options": {"temperature": 0.7, "seed": seed, "num_ctx": CONTEXT, "num_predict": REPLY_TOKENS},
    }
    request = urllib.request.Request(
        f"{host}/api/chat", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=900) as response:
        reply = json.load(response)
    if not reply.get("done") or reply.get("done_reason") != "stop":
        raise ValueError(f"the reply was cut off ({reply.get('done_reason') or 'no reason given'})")
    content: str = reply["message"]["content"]
    return content


def attempt(host: str, model: str, text: str, seed: int) -> Any:
    """A grid, or None where the model gave none: a failed attempt is an answer, a missing server is not."""
    try:
        return json.loads(ask(host, model, text, seed)).get("grid")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise
        print(f"{error.code}: {error.read(500).decode(errors='replace')}", file=sys.stderr)
    except (ValueError, AttributeError) as error:
        print(f"no grid: {error}", file=sys.stderr)
    return None


def main(arguments: list[str]) -> int:
    """Two attempts at every test input of every task; returns the exit status."""
    environment = [os.environ.get("HYBRID_SHARD_INPUT"), os.environ.get("HYBRID_OUTPUT")]
    source, folder = arguments if len(arguments) == 2 else environment
    if not source or not folder:
        print(
            "usage: solve.py TASKS.jsonl OUTPUT_DIR (or set HYBRID_SHARD_INPUT and HYBRID_OUTPUT)",
            file=sys.stderr,
        )
        return 2
    model = os.environ.get("MODEL", "llama3.2:3b")
    host = os.environ.get("OLLAMA_HOST", "127.0.0.1:11434")
    host = host if "://" in host else f"http://{host}"
    tasks = [
        json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    Path(folder).mkdir(parents=True, exist_ok=True)
    with Path(folder, "answers.jsonl").open("w", encoding="utf-8", newline="\n") as answers:
        for number, task in enumerate(tasks, 1):
            try:
                attempts = [
                    [attempt(host, model, prompt(task, test), seed) for test in task["test"]]
                    for seed in (0, 1)
                ]
            except OSError as error:
                print(f"{model} at {host} cannot be asked: {error}", file=sys.stderr)
                return 1
            answers.write(
                json.dumps({"task_id": task["task_id"], "attempts": attempts, "model": model}) + "\n"
            )
            answers.flush()
            print(f"{number} of {len(tasks)}: {task['task_id']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
