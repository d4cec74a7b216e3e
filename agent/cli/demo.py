"""``hybrid demo``: the whole loop on this machine, on tasks that it makes up."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import click

from sync.errors import HybridError, UsageError

from ..config import FILE_NAME
from ..project import enclosing
from ..sizes import count
from .options import Call, common_options

_TASKS = 40
_CHUNK = 10

_CONFIG = """\
# The demo's settings. A project of yours gets its own by `hybrid init`.

[project]
id = "demo"

[remote]
# The mailbox: here a folder beside this one, usually a folder that the GPU machine reaches too.
url = {mailbox}

[run.solve]
command = [{python}, "solve.py"]
over = "tasks.jsonl"
chunk = {chunk}

[grade]
scorer = "numeric"
references = "tasks.jsonl"
reference_field = "reference"
"""

_SOLVER = '''\
"""Answers sums and products that are written as text. It has never learned to divide."""

import json
import operator
import os
import re
from pathlib import Path

KNOWN = {"plus": operator.add, "minus": operator.sub, "times": operator.mul}

answers = Path(os.environ["HYBRID_OUTPUT"]) / "answers.jsonl"
with open(os.environ["HYBRID_SHARD_INPUT"]) as tasks, answers.open("w") as out:
    for line in tasks:
        task = json.loads(line)
        left, word, right = re.search(r"(\\d+) (plus|minus|times|over) (\\d+)", task["question"]).groups()
        answer = KNOWN[word](int(left), int(right)) if word in KNOWN else "I do not know"
        print(task["id"], answer, flush=True)
        out.write(json.dumps({"id": task["id"], "answer": f"The answer is {answer}."}) + "\\n")
'''


@click.command()
@click.option(
    "--folder", metavar="DIR", default="hybrid-demo", show_default=True, help="Where the demo's project goes."
)
@common_options
def demo(call: Call, folder: str) -> int:
    """Show the whole loop on this machine: push, run, pull, grade.

    Makes a small project with generated tasks, and does in it what you would do: push it to a mailbox (a folder), run
    a program over the tasks in four shards in a runner process of its own, pull the verified outputs, and grade them
    by rule. No network, no GPU, no account; a quarter of the tasks is beyond the program, so the grade is not perfect.

    \b
    Examples:
      hybrid demo
      hybrid demo --folder /tmp/try
    """
    project = Path(folder).absolute() / "project"
    _make(project)
    steps: dict[str, dict[str, object]] = {}
    for words in (["push"], ["run", "solve", "--wait"], ["grade", "solve"]):
        steps[words[0]] = _step(call, project, words)
    text = f"That was the whole loop, with {count(_TASKS, 'task')}. Everything is in {project.parent}."
    call.console.result({"folder": str(project.parent), **steps}, text)
    call.console.next_step("hybrid init in a project of yours")
    return 0


def _step(call: Call, project: Path, words: list[str]) -> dict[str, object]:
    """Runs one command as a user would, shows it, and returns its JSON (with ``--json``). Raises where it fails."""
    call.console.say(f"\n$ hybrid {' '.join(words)}")
    command = [sys.executable, "-I", "-m", "agent", "-C", str(project), *words]
    command += ["--json", "-q"] if call.json else ["--no-progress"] if not call.bars else []
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if call.json else None, check=False
    )
    if done.returncode:
        raise HybridError(
            f"`hybrid {' '.join(words)}` in {project} ended with exit code {done.returncode}.",
            f"hybrid -C {project} doctor tells what is wrong with this machine.",
        )
    found: dict[str, object] = json.loads(done.stdout) if call.json else {}
    return found


def _make(project: Path) -> None:
    """The demo's project, the same each time. Raises UsageError where something else is in its place."""
    top = project.parent
    outer = enclosing(top.parent)
    if outer is not None:
        raise UsageError(
            f"{top} lies in the project {outer}, whose next push would take the demo along.",
            "Name another place with --folder.",
        )
    if top.exists() and not (project / FILE_NAME).exists() and (not top.is_dir() or any(top.iterdir())):
        raise UsageError(f"{top} is there already, and is no demo.", "Name another place with --folder.")
    project.mkdir(parents=True, exist_ok=True)
    mailbox = f"folder:{(top / 'mailbox').as_posix()}"
    config = _CONFIG.format(mailbox=json.dumps(mailbox), python=json.dumps(sys.executable), chunk=_CHUNK)
    tasks = "".join(json.dumps(task) + "\n" for task in _tasks(random.Random(1)))
    for name, text in ((FILE_NAME, config), ("solve.py", _SOLVER), ("tasks.jsonl", tasks)):
        _write(project / name, text)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(text, encoding="utf-8", newline="\n")
        os.replace(fresh, path)


def _tasks(dice: random.Random) -> list[dict[str, object]]:
    tasks: list[dict[str, object]] = []
    for number in range(_TASKS):
        left, right = dice.randint(2, 99), dice.randint(2, 99)
        word, reference = (
            ("plus", left + right),
            ("minus", left - right),
            ("times", left * right),
            ("over", left),
        )[number % 4]
        asked = left * right if word == "over" else left
        tasks.append(
            {
                "id": f"task-{number:02d}",
                "question": f"What is {asked} {word} {right}?",
                "reference": reference,
            }
        )
    return tasks
