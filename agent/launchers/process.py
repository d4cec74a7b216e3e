"""Runners that are plain processes of a machine where commands can be run: this one, or one reached by SSH."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from sync.errors import HybridError

from .base import Handle, Launch, Liveness


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class ProcessLauncher:
    """``run(argv)`` runs a command on the machine; ``archive(sha256)`` is the runner's path there, and ``mailbox`` the
    folder of the mailbox."""

    def __init__(
        self,
        run: Callable[[list[str]], Ran],
        archive: Callable[[str], str],
        *,
        where: str,
        python: str,
        mailbox: str,
    ) -> None:
        self._run = run
        self._archive = archive
        self._where = where
        self._python = python
        self._mailbox = mailbox

    def start(self, launch: Launch) -> Handle:
        words = ["--detach", "--mailbox", f"folder:{self._mailbox}", "--project", launch.project]
        words += ["--target", launch.target, "--idle-exit", str(launch.idle_exit)]
        if launch.work:
            words += ["--work", launch.work]
        answer = self._ask(launch.runner, words)
        return Handle(
            target=launch.target,
            pid=int(answer["pid"]),
            born=str(answer["born"]),
            host=str(answer["host"]),
            log=str(answer["log"]),
            runner=launch.runner,
        )

    def liveness(self, handle: Handle) -> Liveness:
        return Liveness.RUNNING if self._probe(handle)["alive"] else Liveness.GONE

    def log(self, handle: Handle) -> str:
        return str(self._probe(handle)["log"])

    def stop(self, handle: Handle) -> None:
        self._ask(handle.runner, ["--end", str(handle.pid), handle.born, "--log", handle.log])

    def close(self) -> None:
        """There is nothing to let go of."""

    def _probe(self, handle: Handle) -> dict[str, Any]:
        return self._ask(handle.runner, ["--probe", str(handle.pid), handle.born, "--log", handle.log])

    def _ask(self, runner: str, words: list[str]) -> dict[str, Any]:
        ran = self._run([self._python, "-I", self._archive(runner), *words])
        try:
            answer = json.loads(ran.out.strip().splitlines()[-1])
            if ran.code == 0 and isinstance(answer, dict):
                return answer
        except (ValueError, IndexError):
            pass
        last = (ran.err.strip() or ran.out.strip()).splitlines()
        raise HybridError(
            f"{self._python} on {self._where} could not run the runner (exit code {ran.code}): {last[-1] if last else 'no output'}.",
            "The machine needs Python 3.10 or newer; name it with `python` under [machines.NAME] in hybrid.toml.",
        )
