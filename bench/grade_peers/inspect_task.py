"""The task for inspect_ai, which reads this file in an environment of its own: outputs that are there, graded by a model."""

import json
import os
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, ModelOutput, get_model
from inspect_ai.scorer import model_graded_qa
from inspect_ai.solver import Generate, Solver, TaskState, solver


@solver
def there() -> Solver:
    """The output is taken from the sample: nothing is generated."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("precomputed", state.metadata["output"])
        state.completed = True
        return state

    return solve


@task
def answers() -> Task:
    lines = Path(os.environ["BENCH_ITEMS"]).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    samples = [
        Sample(id=row["id"], input=row["prompt"], target=row["reference"], metadata={"output": row["answer"]})
        for row in rows
    ]
    config = GenerateConfig(
        temperature=0, seed=0, max_tokens=400, max_connections=int(os.environ["BENCH_AT_ONCE"])
    )
    judge = get_model(os.environ["BENCH_JUDGE"], config=config)
    return Task(dataset=MemoryDataset(samples), solver=there(), scorer=model_graded_qa(model=judge))
