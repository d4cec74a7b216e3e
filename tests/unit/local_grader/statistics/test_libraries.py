import subprocess
import sys

import pytest

from local_grader.statistics.libraries import generator

MODULES = (
    "agreement",
    "clusters",
    "correction",
    "intervals",
    "paired",
    "power",
    "rates",
    "resampling",
    "sentences",
    "slices",
)


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_nothing_heavy_is_loaded_before_a_number_is_asked_for():
    imports = "; ".join(f"import local_grader.statistics.{name}" for name in MODULES)
    code = f"import sys; {imports}; print(*{{'numpy', 'scipy', 'statsmodels', 'krippendorff', 'pandas'}} & sys.modules.keys())"
    assert python(code).split() == []


@pytest.mark.parametrize(
    ("absent", "call"),
    [
        ("numpy", "from local_grader.statistics.rates import rate; rate([1, 0])"),
        ("statsmodels", "from local_grader.statistics.rates import rate; rate([1, 0])"),
        ("scipy", "from local_grader.statistics.power import needed; needed(0.1, 0.5)"),
        (
            "krippendorff",
            "from local_grader.statistics.agreement import alpha; alpha({'a': {'1': 'x', '2': 'y'}, 'b': {'1': 'x', '2': 'x'}})",
        ),
        ("numpy", "from local_grader.statistics.libraries import generator; generator(1)"),
    ],
)
def test_an_absent_library_is_named_with_the_command_that_installs_it(absent, call):
    out = python(
        f"import sys; sys.modules[{absent!r}] = None\n"
        "from sync.errors import UsageError\n"
        f"try:\n    {call}\nexcept UsageError as error:\n    print(error, '|', error.hint)"
    )
    assert (
        out
        == f"Intervals, comparisons and agreement need {absent}, which is not installed. | Install hybrid with its extra statistics: uv tool install '.[statistics]'\n"
    )


def test_the_same_seed_draws_the_same_numbers():
    assert (
        generator(7).random(3).tolist() == generator(7).random(3).tolist() != generator(8).random(3).tolist()
    )
