import os
import time

import pytest

from local_grader import scorers
from local_grader.grading import Grading
from local_grader.samples import Sample
from local_grader.scorers import python
from sync.errors import UsageError


@pytest.fixture
def grader(tmp_path):
    """Makes a scorer of the given source, whose function is called ``grade``; all are closed at the end."""
    made = []

    def make(source, **options):
        path = tmp_path / f"grade{len(made)}.py"
        path.write_text(source)
        made.append(scorers.make("python", {"function": f"{path}:grade", **options}))
        return made[-1]

    yield make
    for scorer in made:
        scorer.close()


def graded(scorer, answer="x", reference="y", **fields):
    return scorer.score(Sample(id="a", answer=answer, reference=reference, place="a.jsonl line 1", **fields))


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("True", 1),
        ("False", 0),
        ("0.25", 0.25),
        ("1", 1),
        ("{'value': True}", 1),
        ("{'value': 0.5, 'words': 3}", 0.5),
    ],
)
def test_what_a_function_returns_is_the_grade(grader, returned, value):
    result = graded(grader(f"def grade(answer, reference, sample): return {returned}"))
    assert (result.value, result.reason) == (value, None)


@pytest.mark.parametrize(
    ("returned", "reason", "explanation"),
    [
        ("None", "function gave no grade", ""),
        ("1 / 0", "function raised an error", "ZeroDivisionError: division by zero"),
        ("exit()", "function raised an error", "SystemExit: None"),
        ("{'value': None, 'reason': 'no verb'}", "no verb", ""),
        ("{'value': None}", "function gave no grade", ""),
    ],
)
def test_what_is_no_grade_is_unscored_with_the_reason(grader, returned, reason, explanation):
    result = graded(grader(f"def grade(answer, reference, sample): return {returned}"))
    assert (result.value, result.reason, result.explanation) == (None, reason, explanation)


@pytest.mark.parametrize(
    "returned",
    [
        *("2", "-0.1", "1.0000000000000002", "10**400", "nan", "inf", "'yes'", "'0.5'", "[1]", "1j", "grade"),
        *("{}", "{'score': 1}", "{'value': 2}", "{'value': 'yes', 'reason': 'so'}"),
    ],
)
def test_what_is_no_grade_is_told_with_the_function_and_with_what_is_allowed(grader, returned):
    result = graded(grader(f"from math import *\ndef grade(answer, reference, sample): return {returned}"))
    assert (result.value, result.reason) == (None, "function gave no grade")
    told, _, allowed = result.explanation.partition(", and not ")
    assert allowed == "true, false, None or a number from 0 to 1, alone or as the value of a dictionary"
    shown = "<function grade" if returned == "grade" else "1000" if returned == "10**400" else returned
    assert told.startswith(f"grade returned {shown}")


def test_a_function_gets_answer_reference_and_sample(grader):
    scorer = grader(
        "def grade(answer, reference, sample): return {'value': 1, 'explanation': repr((answer, reference, sample))}"
    )
    result = graded(scorer, [1, "ü\ud800"], {"a": None}, prompt="p", group="g")
    expected = {
        "id": "a",
        "answer": [1, "ü\ud800"],
        "reference": {"a": None},
        "prompt": "p",
        "context": None,
        "group": "g",
        "shard": None,
    }
    assert result.explanation == repr(([1, "ü\ud800"], {"a": None}, expected))


def test_numbers_beside_the_value_are_kept(grader):
    scorer = grader(
        "def grade(a, r, s): return {'value': 1, 'words': 3, 'explanation': 'fine', 'none': None, 'note': 'x'}"
    )
    result = graded(scorer)
    assert (result.details, result.explanation) == ({"words": 3.0}, "fine")


def test_an_explanation_without_end_is_cut(grader):
    result = graded(grader("def grade(a, r, s): return {'value': 1, 'explanation': 'ü' * 10**6}"))
    assert result.value == 1 and result.explanation == "ü" * 20_000


def test_nothing_that_a_function_prints_or_reads_breaks_the_grading(grader):
    scorer = grader(
        "import os, sys\n"
        "def grade(answer, reference, sample):\n"
        "    print('{\"value\": 0}'); sys.stderr.write('x' * 100_000); os.write(1, b'y' * 100_000)\n"
        "    os.system('echo z')\n"
        "    return sys.stdin.read() == ''\n"
    )
    assert [graded(scorer).value for _ in range(3)] == [1, 1, 1]


def test_one_process_is_kept_until_it_is_closed(grader):
    scorer = grader("import os\ndef grade(a, r, s): return {'value': 1, 'pid': os.getpid()}")
    first, second = graded(scorer).details, graded(scorer).details
    assert first == second != {"pid": os.getpid()}
    scorer.close()
    scorer.close()
    assert graded(scorer).details != first


def test_a_function_that_hangs_is_ended_and_the_next_answer_is_graded(grader):
    scorer = grader(
        "import time\ndef grade(answer, reference, sample):\n    while answer == 'slow': time.sleep(0.01)\n    return True\n",
        seconds=0.5,
    )
    assert graded(scorer).value == 1
    begun = time.monotonic()
    result = graded(scorer, "slow")
    assert (result.value, result.reason) == (None, "function took too long")
    assert time.monotonic() - begun < 10
    assert graded(scorer).value == 1


def test_a_function_that_ends_its_process_leaves_one_answer_unscored(grader):
    scorer = grader("import os\ndef grade(a, r, s):\n    if a == 'bad': os._exit(3)\n    return True\n")
    result = graded(scorer, "bad")
    assert (result.reason, result.explanation) == (
        "function ended the process",
        "it ended by itself (exit code 3)",
    )
    assert graded(scorer).value == 1


def test_a_file_that_raises_when_it_is_loaded_leaves_everything_unscored(grader):
    scorer = grader("import nowhere_to_be_found\ndef grade(a, r, s): return 1")
    result = graded(scorer)
    assert result.reason == "function cannot be loaded"
    assert "nowhere_to_be_found" in result.explanation
    assert graded(scorer) == result


@pytest.mark.parametrize(
    ("source", "told"),
    [("import time; time.sleep(60)", "longer than 0.5 seconds"), ("import os; os._exit(3)", "exit code 3")],
)
def test_a_file_that_never_loads_is_waited_for_once(grader, monkeypatch, tmp_path, source, told):
    monkeypatch.setattr(python, "_LOADING", 0.5 if "sleep" in source else 60)
    counted = f"open({str(tmp_path / 'loads')!r}, 'a').write('x'); "
    scorer = grader(f"{counted}{source}\ndef grade(a, r, s): return 1")
    result = graded(scorer)
    assert result.reason == "function cannot be loaded" and told in result.explanation
    assert [graded(scorer), graded(scorer)] == [result, result]
    assert (tmp_path / "loads").read_text() == "x"


def test_a_file_may_import_its_neighbours(grader, tmp_path):
    (tmp_path / "neighbour.py").write_text("def fine(): return True")
    assert graded(grader("from neighbour import fine\ndef grade(a, r, s): return fine()")).value == 1


def test_no_secret_of_the_environment_is_handed_on(grader, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    scorer = grader(
        "import os\ndef grade(a, r, s): return {'value': 1, 'explanation': str(dict(os.environ))}"
    )
    assert "secret" not in graded(scorer).explanation
    assert "PATH" in graded(scorer).explanation


@pytest.mark.platform
def test_a_function_that_takes_too_much_memory_raises(grader):
    if os.uname().sysname != "Linux":
        pytest.skip("only Linux limits memory")
    result = graded(grader("def grade(a, r, s): return len(bytes(2_000_000_000))", memory=0.5))
    assert (result.reason, result.explanation) == ("function raised an error", "MemoryError")


@pytest.mark.parametrize(
    ("source", "function", "message"),
    [
        ("def score(a): pass", "grade", "has no function named grade"),
        ("def grade(:", "grade", "is not Python: invalid syntax (line 1)"),
        ("x = 1", "grade", "has no function named grade"),
        ("x = 1", "", "names no function"),
        ("x = 1", "a b", "names no function"),
    ],
)
def test_a_function_that_is_none_is_refused_before_anything_is_graded(tmp_path, source, function, message):
    path = tmp_path / "rules.py"
    path.write_text(source)
    with pytest.raises(UsageError) as caught:
        scorers.make("python", {"function": f"{path}:{function}"})
    assert message in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"function": "absent.py:f"}])
def test_without_a_function_there_is_nothing_to_grade_by(options):
    with pytest.raises(UsageError):
        scorers.make("python", options)


@pytest.mark.parametrize(
    "source", ["from a import grade", "grade = make()", "if x:\n    def grade(): pass", "from a import *"]
)
def test_a_function_may_come_from_elsewhere(tmp_path, source):
    (tmp_path / "rules.py").write_text(source)
    scorers.make("python", {"function": f"{tmp_path / 'rules.py'}:grade"})


@pytest.mark.parametrize("options", [{"seconds": 0.0}, {"memory": -1.0}, {"seconds": float("nan")}])
def test_limits_that_are_none_are_refused(tmp_path, options):
    (tmp_path / "rules.py").write_text("def grade(): pass")
    with pytest.raises(UsageError, match="are none"):
        scorers.make("python", {"function": f"{tmp_path / 'rules.py'}:grade", **options})


def test_a_function_is_known_by_its_name_and_its_files_content(grader):
    one, same, other = (grader(f"def grade(a, r, s): return {value}").options for value in (1, 1, 0))
    assert one == same != other
    assert one["function"] == "grade"


def test_a_grading_lets_go_of_the_process_however_it_ends(grader):
    scorer = grader("def grade(a, r, s): return 1")
    samples = [Sample(id=name, answer="x", place="a.jsonl line 1") for name in "abc"]
    assert [grade.score.value for grade in Grading(samples, scorer)] == [1, 1, 1]
    assert scorer._process is None
    grades = iter(Grading(samples, scorer))
    next(grades)
    grades.close()
    assert scorer._process is None


@pytest.mark.parametrize(
    "answer", ["", "\x00", "\ud800", 10**500, float("nan"), {}, [[]], b"x", True, {1: 2}]
)
def test_no_answer_however_odd_makes_it_fail(grader, answer):
    result = graded(grader("def grade(a, r, s): return 1"), answer)
    assert (result.value is None) == bool(result.reason)


def test_no_answer_is_unscored_without_asking(grader):
    assert graded(grader("raise SystemExit\ndef grade(): pass"), None).reason == "no answer"
