"""The workflow that runs the tests elsewhere: what it promises, and that all it calls is there.

It cannot be run here, so everything that can be known of it without running it is checked.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
# What a step may call beside what is in the repository: it comes with the machine.
PROGRAMS = {"python", "sh", "make"}


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    text = (REPOSITORY / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def pythons(job: dict[str, Any]) -> list[str]:
    return [
        str(step["with"]["python-version"]) for step in job["steps"] if "setup-python" in step.get("uses", "")
    ]


def make_targets() -> set[str]:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


def test_the_suite_runs_on_all_three_systems_with_the_oldest_and_the_newest_python(
    workflow: dict[Any, Any],
) -> None:
    suite = workflow["jobs"]["suite"]
    matrix = suite["strategy"]["matrix"]
    assert [each.partition("-")[0] for each in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == ["3.11", "3.14"]
    assert pythons(suite) == ["${{ matrix.python }}"]
    assert suite["strategy"]["fail-fast"] is False, "one system's failure must not hide another's"
    assert "python -m pytest" in [step.get("run") for step in suite["steps"]], "all of it"


def test_the_oldest_python_of_the_suite_is_the_oldest_that_hybrid_promises(workflow: dict[Any, Any]) -> None:
    promised = re.search(r"^python_requires = >=(\S+)$", (REPOSITORY / "setup.cfg").read_text(), re.MULTILINE)
    assert promised is not None
    assert workflow["jobs"]["suite"]["strategy"]["matrix"]["python"][0] == promised[1]


def test_the_runner_is_started_by_a_bare_python_3_10(workflow: dict[Any, Any]) -> None:
    job = workflow["jobs"]["runner"]
    (versions,) = pythons(job)
    assert versions.split() == ["3.10", "3.14"], "the last is the one that the tests run on"
    last = job["steps"][-1]
    assert last["env"] == {"RUNNER_PYTHON": "python3.10", "HYBRID_NO_SKIPS": "1"}
    installs = [step["run"] for step in job["steps"] if "pip" in step.get("run", "")]
    assert [command for command in installs if "3.10" in command] == [], "nothing is installed for it"
    for path in shlex.split(last["run"])[3:]:
        text = (REPOSITORY / path).read_text(encoding="utf-8")
        assert "RUNNER_PYTHON" in text or "tests.support.machines" in text, path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_is_there(path: Path) -> None:
    for step in steps(yaml.safe_load(path.read_text(encoding="utf-8"))):
        for line in step.get("run", "").splitlines():
            words = shlex.split(line)
            assert words[0] in PROGRAMS, line
            if words[0] == "make":
                assert set(words[1:]) <= make_targets(), line
            elif words[:2] == ["python", "-m"]:
                assert words[2] in ("pip", "pytest"), line
            paths = [word for word in words if word.startswith("tests/")]
            assert [each for each in paths if not (REPOSITORY / each).exists()] == [], line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_steps_that_run_on_windows_need_no_make(path: Path) -> None:
    for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
        systems = job.get("strategy", {}).get("matrix", {}).get("os", [job["runs-on"]])
        if any(system.startswith("windows") for system in systems):
            for step in job["steps"]:
                assert step.get("if") == "runner.os == 'Linux'" or "make" not in shlex.split(
                    step.get("run", "")
                )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_do_little_and_ends(path: Path) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert found["permissions"] == {"contents": "read"}
    assert "github.ref" in found["concurrency"]["group"]
    assert found["concurrency"]["cancel-in-progress"] is True
    assert [name for name, job in found["jobs"].items() if not 0 < job["timeout-minutes"] <= 60] == []
    # A YAML parser takes the key ``on`` for a truth value.
    assert "pull_request_target" not in found[True], "strangers' code must never see a secret"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_pip_is_cached(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for step in steps(yaml.safe_load(text)):
        if "setup-python" in step.get("uses", ""):
            assert step["with"]["cache"] == "pip"
            assert (REPOSITORY / step["with"]["cache-dependency-path"]).exists()
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
