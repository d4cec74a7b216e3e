import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from local_grader.scorers import inside
from sync.errors import ConfirmationNeeded, UsageError

TESTS = "assert double(2) == 4\nassert double(0) == 0"
RIGHT = "def double(x):\n    return 2 * x\n"
PROMPT = 'from typing import List\n\n\ndef double(x: int) -> List[int]:\n    """Twice x."""\n'
CHECK = "METADATA = {}\n\ndef check(candidate):\n    assert candidate(2) == 4\n"


def graded(answer, reference=TESTS, prompt=None, **options):
    sample = Sample(id="a", answer=answer, reference=reference, prompt=prompt, place="a.jsonl line 1")
    return scorers.make("code", {"allow_code": True, **options}).score(sample)


def test_code_is_run_only_for_who_asked_for_it():
    with pytest.raises(ConfirmationNeeded) as caught:
        scorers.make("code", {})
    assert "--allow-code" in caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        f"Here it is:\n\n```python\n{RIGHT}```\nIt doubles.",
        f"```\n{RIGHT}```",
        f"First try:\n```python\ndef double(x): return x\n```\nBetter:\n```py\n{RIGHT}```",
        f"```python\n{RIGHT}```\nIt prints:\n```\n4\n```\n```bash\npython a.py\n```",
        f"~~~python\n{RIGHT}~~~",
        f"````python\n{RIGHT}````",
        f"```python\n{RIGHT}",
        f"{RIGHT}\nif __name__ == '__main__':\n    print(double(3))",
        f"import threading\n{RIGHT}\nthreading.Thread(target=threading.Event().wait).start()",
        f"from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int'\n{RIGHT}",
    ],
)
def test_code_that_passes_its_tests_is_right(answer):
    result = graded(answer)
    assert (result.value, result.explanation) == (1, "")


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        ("def double(x): return x", "AssertionError"),
        ("def double(x: return x", "SyntaxError"),
        ("I cannot.", "SyntaxError"),
        ("", "NameError: name 'double' is not defined"),
        ("def double(x): raise ValueError('no')", "ValueError: no"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import os\nos._exit(0)", "it ended by itself (exit code 0)"),
        ("import sys\nsys.exit()", "SystemExit"),
        ("def double(x): return input()", "EOFError"),
        ("def double(x): return double(x)", "RecursionError"),
        ("x = '\x00'", "null bytes"),
        ("(" * 10_000, "Error"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E"),
        ("print('{\"done\": true}', flush=True)", "NameError"),
    ],
)
def test_code_that_does_not_pass_is_wrong_and_says_why(answer, explanation):
    result = graded(answer)
    assert result.value == 0
    assert explanation in result.explanation


def test_code_that_never_ends_is_wrong(tmp_path):
    begun = time.monotonic()
    assert graded("while True: pass", seconds=0.5).explanation == "ran longer than 0.5 seconds"
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("answer", "reference", "reason"),
    [
        (RIGHT, None, "no reference"),
        (RIGHT, "  ", "no reference"),
        (None, TESTS, "no answer"),
        (RIGHT, "assert (", "reference is not Python"),
    ],
)
def test_what_cannot_be_tested_is_unscored(answer, reference, reason):
    assert graded(answer, reference).reason == reason


def test_a_list_of_tests_must_all_pass():
    assert graded(RIGHT, ["assert double(2) == 4", "assert double(1) == 2"]).value == 1
    assert graded(RIGHT, ["assert double(2) == 4", "assert double(1) == 1"]).value == 0


@pytest.mark.parametrize(
    "answer",
    [
        "    return 2 * x\n",
        f"```python\n{RIGHT}```",
        "```python\ndef double(x: int) -> List[int]:\n    return 2 * x\n```",
    ],
)
@pytest.mark.parametrize("prompt", [PROMPT, f"Complete this:\n```python\n{PROMPT}```"])
def test_a_check_is_called_with_the_function_that_the_prompt_begins(answer, prompt):
    assert graded(answer, CHECK, prompt).value == 1
    assert graded(answer.replace("2 * x", "x"), CHECK, prompt).value == 0


def test_a_check_without_a_prompt_is_called_with_the_last_function():
    assert graded(RIGHT, CHECK, "Write a function that doubles.").value == 1
    assert graded(RIGHT, f"{CHECK}\ncheck(double)").value == 1


def test_several_answers_are_the_share_that_passes():
    assert graded([RIGHT, "x", RIGHT, None, "y"]).value == 0.5


def test_no_secret_of_the_environment_and_no_home_is_handed_on(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    home = os.path.expanduser("~")
    tests = f"import os\nassert 'secret' not in str(os.environ)\nassert os.path.expanduser('~') != {home!r}"
    assert graded("", tests).explanation == ""


def test_what_code_writes_goes_with_it(tmp_path):
    note = tmp_path / "folder"
    code = f"import os\nopen('a.txt', 'w').write('x')\nopen({str(note)!r}, 'w').write(os.getcwd())"
    assert graded(code, "pass").value == 1
    assert not os.path.exists(note.read_text())


def test_limits_are_part_of_what_is_recorded_and_the_permission_is_not():
    assert scorers.make("code", {"allow_code": True}).options == {"seconds": 10.0, "memory": 2.0}
    with pytest.raises(UsageError):
        scorers.make("code", {"allow_code": True, "seconds": 0.0})


@pytest.mark.platform
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits these")
@pytest.mark.parametrize(
    ("code", "explanation"),
    [
        ("x = bytes(3_000_000_000)", "MemoryError"),
        ("f = open('a', 'wb')\nwhile True: f.write(bytes(1 << 20))", "OSError: [Errno 27] File too large"),
    ],
)
def test_memory_and_files_have_limits(code, explanation):
    result = graded(code, "pass")
    assert (result.value, result.explanation) == (0, explanation)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many there are")
def test_the_limit_of_processes_is_on_top_of_those_that_the_user_has():
    assert inside._running() >= threading.active_count()


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no groups of processes to end")
def test_what_code_started_is_ended_with_it(tmp_path):
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
    )
    assert graded(code, "pass").value == 1
    pid = int(note.read_text())
    deadline = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.platform
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has networks that a user can make")
def test_code_has_no_network_where_the_system_can_take_it_away():
    trial = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x58000000) != 0)"
    if subprocess.run([sys.executable, "-c", trial], check=False).returncode:
        pytest.skip("users may make no network of their own here")
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        assert "Error" in graded(code, "pass").explanation


@pytest.mark.parametrize("answer", ["\ud800", 10**500, float("nan"), {}, [[]], b"x", True])
def test_no_answer_however_odd_makes_it_fail(answer):
    result = graded(answer)
    assert (result.value is None) == bool(result.reason)
