"""Kills of real processes, drawn by lot: the command as a user starts it, and the runner with real children.

Each kill is a SIGKILL, at a durable step or at any moment. Whatever comes of it, starting the same thing again must
complete it: what that means is what the scenarios say.
"""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from sync.mailbox.state import shards
from tests.crash.test_gc_stops import Collection
from tests.crash.test_pull_stops import Pull
from tests.crash.test_push_stops import FirstPush, LaterPush
from tests.crash.test_runner_stops import SHARDS, outputs, view
from tests.support.laptop import REPOSITORY
from tests.support.mailboxes import make_mailbox, publish_tree, queue_run
from tests.support.scenarios import Setting
from tests.support.stage import BASE, Stage, whole

_FEWEST = 20
"""Steps that each of them makes at least, when it was not begun before."""
_MOST = 90
_LONGEST_S = 1.5

PROGRAM = b"""
import os, pathlib, time
out, checkpoint = (pathlib.Path(os.environ["HYBRID_" + name]) for name in ("OUTPUT", "CHECKPOINT"))
(checkpoint / "step").write_text("1")
time.sleep(0.2)
(out / "answer.txt").write_text(os.environ["HYBRID_SHARD"])
"""


class Work:
    """The real runner and real children; whose runner dies, dies too when the next one comes."""

    def begin(self, home: Path) -> Stage:
        stage = Stage(home / "stage")
        make_mailbox(stage.remote, BASE)
        state = publish_tree(stage.remote, BASE, {"main.py": PROGRAM}).name
        queue_run(stage.remote, BASE, "r1", state, command=[sys.executable, "main.py"], shards=SHARDS)
        return stage

    def check_stopped(self, play: Stage) -> None:
        whole(play.remote, BASE)

    def check_end(self, play: Stage) -> None:
        assert all(state.complete for state in shards(view(play), SHARDS, 1))
        answers = {shard: content["answer.txt"] for shard, content in outputs(play).items()}
        assert answers == {shard: b"%d" % shard for shard in range(SHARDS)}


SCENARIOS: dict[str, tuple[Setting[Stage], list[str]]] = {
    "first push": (FirstPush(), ["agent", "push"]),
    "later push": (LaterPush(), ["agent", "push"]),
    "pull": (Pull(), ["agent", "pull"]),
    "gc": (Collection(), ["agent", "gc"]),
    "runner": (Work(), ["cloud_runner"]),
}
KILLED = tuple(SCENARIOS)


class Kills:
    """``met`` counts what really happened."""

    def __init__(self, dice: random.Random, folder: Path) -> None:
        self._dice = dice
        self._folder = folder
        self.met: Counter[str] = Counter()

    def one(self, what: str, most: int = 3) -> None:
        """One life: begun, killed up to ``most`` times, and then left alone."""
        scenario, command = SCENARIOS[what]
        play = scenario.begin(self._folder)
        story = []
        try:
            for n in range(self._dice.randint(1, most)):
                at = self._dice.randint(1, _MOST if n else _FEWEST)
                moment = self._dice.random() * _LONGEST_S if n and self._dice.random() < 0.5 else None
                story.append(f"at step {at}" if moment is None else f"after {moment:.2f} s")
                code = self._run(play, command, at if moment is None else 0, moment)
                assert code in (0, -9)
                assert n or code, "the first is always killed"
                self.met[f"{what} {'killed' if code else 'done before it was killed'}"] += 1
                scenario.check_stopped(play)
            assert self._run(play, command, 0, None) == 0
            scenario.check_end(play)
        except BaseException as error:
            error.add_note(f"{what}, killed {', '.join(story)}")
            raise
        shutil.rmtree(play.home)

    def _run(self, play: Stage, command: list[str], at: int, moment: float | None) -> int:
        """The exit code; negative where it was killed, at a step or at a moment in seconds."""
        module, *words = command
        if module == "cloud_runner":
            words = [
                "--mailbox",
                f"folder:{play.mail}",
                "--project",
                BASE,
                "--target",
                "local",
                "--tick",
                "0.2",
            ]
            words += ["--work", str(play.home / "work"), "--idle-exit", "0.3"]
        settings = {"CONFIG": "config", "DATA": "data"}
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        env |= {f"HYBRID_{name}_DIR": str(play.home / folder) for name, folder in settings.items()}
        line = [sys.executable, "-m", "tests.support.stopping", str(play.home), str(at), module, *words]
        with subprocess.Popen(
            line, cwd=play.project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            try:
                said, _ = process.communicate(timeout=60 if moment is None else moment)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
        assert b"Traceback" not in said, said.decode(errors="replace")
        assert process.returncode in (0, -9), said.decode(errors="replace")
        return process.returncode
