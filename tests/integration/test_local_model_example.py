"""The example in which a local model is the model that is tested, with three real ARC tasks and an emulated Ollama."""

import json
import shutil
from pathlib import Path

from tests.emulators.ollama import Asked, Fault, Kind, Model
from tests.support.laptop import Laptop
from tests.support.ollama import emulated

EXAMPLE = Path(__file__).parents[2] / "examples" / "local_model"
MODEL = Model(name="llama3.2:3b")


def shown(grid: list[list[int]]) -> str:
    return "\n".join("".join(map(str, row)) for row in grid)


def test_three_tasks_are_run_pulled_and_graded(tmp_path: Path, test_data: Path) -> None:
    lines = (test_data / "arc_training.jsonl").read_text().splitlines()[:5]
    tasks = [json.loads(line) for line in lines]
    solved = tasks[0]["test"][0]

    def answer(asked: Asked) -> str:
        """Right about the first task, wrong about the others."""
        asks = asked.user.split("Last input:\n")[1]
        right = asks.startswith(shown(solved["input"]) + "\n")
        return json.dumps({"grid": solved["output"] if right else [[0]]})

    laptop = Laptop(tmp_path / "laptop")
    laptop.hybrid("init", "--name", "local-model")
    shutil.copy(EXAMPLE / "solve.py", laptop.project)
    laptop.write("arc_training.jsonl", "\n".join(lines) + "\n")
    cut = Fault(kind=Kind.CUT, pieces=3, match=shown(tasks[1]["test"][0]["input"]))
    with emulated(MODEL, answer=answer) as ollama:
        ollama.plan(cut)
        with (laptop.project / "hybrid.toml").open("a") as settings:
            settings.write('[run.try]\ncommand = "python3 solve.py"\nover = "arc_training.jsonl"\n')
            settings.write(f'env = {{ OLLAMA_HOST = "{ollama.url}" }}\n')
        done = laptop.hybrid("run", "try", "--on", "local", "--limit", "3", "--wait", "--json").json
        assert done["sample"] and done["phase"] == "done"
        assert len(ollama.requests) == 2 * sum(len(task["test"]) for task in tasks[:3])
        assert all(asked.truncate is False for asked in ollama.requests)
    graded = laptop.hybrid(
        "grade", "try", "--scorer", "arc", "--references", "arc_training.jsonl", "--json"
    ).json
    assert graded["arc"]["tasks"] == 3
    assert graded["arc"]["solved"] == 1
    assert graded["summary"]["missing"] == 0, "of a sample of the run nothing more was asked"


def test_a_model_that_is_not_there_fails_the_run_with_its_name(tmp_path: Path, test_data: Path) -> None:
    laptop = Laptop(tmp_path / "laptop")
    laptop.hybrid("init", "--name", "local-model")
    shutil.copy(EXAMPLE / "solve.py", laptop.project)
    first = (test_data / "arc_training.jsonl").read_text().splitlines()[0]
    laptop.write("one.jsonl", first + "\n")
    with emulated(MODEL) as ollama:
        command = f"env MODEL=nope:1b OLLAMA_HOST={ollama.url} python3 solve.py".split()
        words = ["run", "--on", "local", "--over", "one.jsonl", "--retries", "0", "--wait", "--json", "--"]
        done = laptop.hybrid(*words, *command, expect=1).json
    assert "nope:1b" in done["failures"][0]["log"]
