"""What one process asks, another does not, for as long as the first one lives."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from local_grader.judging.claims import Claims

pytestmark = pytest.mark.platform

_HOLDER = """
import sys
from pathlib import Path
from local_grader.judging.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(*(claims.take(key) for key in sys.argv[2:]), flush=True)
for key in sys.stdin:
    claims.drop(key.strip())
    print("dropped", flush=True)
"""


@contextmanager
def holder(path: Path, *keys: str) -> "Iterator[subprocess.Popen[str]]":
    """Another process that has taken them."""
    command = [sys.executable, "-c", _HOLDER, str(path), *keys]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split() == ["True"] * len(keys)
            yield process
        finally:
            process.kill()


def test_a_claim_of_another_process_lasts_until_it_is_dropped(tmp_path: Path) -> None:
    with closing(Claims(tmp_path / "asked")) as claims, holder(tmp_path / "asked", "a", "b") as process:
        assert [claims.take(key) for key in "abc"] == [False, False, True]
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("a\n")
        process.stdin.flush()
        process.stdout.readline()
        assert [claims.take(key) for key in "ab"] == [True, False]


def test_a_claim_dies_with_its_process(tmp_path: Path) -> None:
    with closing(Claims(tmp_path / "asked")) as claims:
        with holder(tmp_path / "asked", "a") as process:
            assert not claims.take("a")
            process.kill()
            process.wait()
            assert claims.take("a")
        claims.drop("a")
        claims.drop("never taken")
