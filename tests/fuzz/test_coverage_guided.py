"""A short, repeatable run of the fuzzer over each target; ``python -m tests.fuzz`` goes on for longer."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.support.laptop import REPOSITORY

RUNS = dict.fromkeys(TARGETS, 3000) | {"tree": 1000}


@pytest.mark.platform
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_unexpected_comes_of_any_input(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip(
            "atheris is not installed, or has no build for this Python and system (pip install '.[fuzz]')"
        )
    words = ["--runs", str(RUNS[target]), "--seconds", "30", "--seed", "1", "--found", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert done.returncode == 0 and not found, f"{found}\n{done.stderr[-5000:]}"
    assert f"stat::number_of_executed_units: {RUNS[target]}" in done.stderr
