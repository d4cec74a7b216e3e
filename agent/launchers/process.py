"""Runners that are plain processes of a machine where commands can be run: this one, or one reached by SSH."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sync.errors import HybridError

from .base import EndedAtOnce, Handle, Launch, Liveness

_WIDEST = 300
_LOG = logging.getLogger(__name__)


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class ProcessLauncher:
    """``run(argv)`` runs a command on the machine; ``archive(sha256)`` is the runner's path there, and ``mailbox`` the
    folder of the mailbox."""

    costs_money = False

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
        self.mailbox = mailbox

    def start(self, launch: Launch) -> Handle:
        words = ["--detach", "--mailbox", f"folder:{self.mailbox}", "--project", launch.project]
        words += ["--target", launch.target, "--idle-exit", str(launch.idle_exit)]
        if launch.work:
            words += ["--work", launch.work]
        fields = {"pid": int, "born": str, "host": str, "log": str, "failed": bool, "last": str}
        answer = self._ask(launch.runner, words, fields)
        handle = Handle(
            target=launch.target,
            pid=answer["pid"],
            born=answer["born"],
            host=answer["host"],
            log=answer["log"],
            runner=launch.runner,
        )
        if answer["failed"]:
            raise EndedAtOnce(
                f"The runner on {self._where} ended at once: {answer['last'][:_WIDEST].rstrip('.') or 'it said nothing'}.",
                f"Set that right; all that it said is in {handle.log} there.",
                handle,
            )
        _LOG.info(
            "started a runner on %s: process %d; it writes to %s there", self._where, handle.pid, handle.log
        )
        return handle

    def liveness(self, handle: Handle) -> Liveness:
        return Liveness.RUNNING if self._ask_about("--probe", handle)["alive"] else Liveness.GONE

    def stop(self, handle: Handle) -> None:
        self._ask_about("--end", handle)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _ask_about(self, what: str, handle: Handle) -> dict[str, Any]:
        return self._ask(handle.runner, [what, str(handle.pid), handle.born], {"alive": bool})

    def _ask(self, runner: str, words: list[str], fields: Mapping[str, type]) -> dict[str, Any]:
        """What the runner prints, once it has these fields."""
        ran = self._run([self._python, "-I", self._archive(runner), *words])
        try:
            answer = json.loads(ran.out.strip().splitlines()[-1])
            if (
                ran.code == 0
                and isinstance(answer, dict)
                and all(type(answer.get(key)) is kind for key, kind in fields.items())
            ):
                return answer
        except (ValueError, IndexError):
            pass
        last = (ran.err.strip() or ran.out.strip()).splitlines()
        raise HybridError(
            f"{self._python} on {self._where} could not run the runner (exit code {ran.code}): {last[-1] if last else 'no output'}.",
            "The machine needs Python 3.10 or newer; name it with `python` under [machines.NAME] in hybrid.toml.",
        )
