"""Answers ARC tasks by program search: `python solve.py TASKS.jsonl OUTPUT_DIR`, or as a shard of a hybrid run.

In a run the tasks come from HYBRID_SHARD_INPUT and the answers go to HYBRID_OUTPUT. One line is written for each task as
soon as it is answered, so that what is done can be seen while the rest runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from search import solve, strip


def main(arguments: list[str]) -> int:
    """Answer every task of the input once; returns the exit status."""
    environment = [os.environ.get("HYBRID_SHARD_INPUT"), os.environ.get("HYBRID_OUTPUT")]
    source, folder = arguments if len(arguments) == 2 else environment
    if not source or not folder:
        print(
            "usage: solve.py TASKS.jsonl OUTPUT_DIR (or set HYBRID_SHARD_INPUT and HYBRID_OUTPUT)",
            file=sys.stderr,
        )
        return 2
    records = [
        json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    output = Path(folder)
    output.mkdir(parents=True, exist_ok=True)
    with (output / "answers.jsonl").open("w", encoding="utf-8", newline="\n") as answers:
        for number, record in enumerate(records, 1):
            began = time.perf_counter()
            answer = solve(strip(record))
            seconds = round(time.perf_counter() - began, 3)
            programs = [" > ".join(program) or "identity" for program in answer.programs]
            line = {
                "task_id": record["task_id"],
                "attempts": answer.attempts,
                "program": programs,
                "seconds": seconds,
            }
            answers.write(json.dumps(line) + "\n")
            answers.flush()
            print(f"{number}/{len(records)} {record['task_id']} {seconds:.2f} s: {programs[0]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
