"""Fuzzes one target, led by what its code covers: ``python -m tests.fuzz TARGET --runs 100000 --seed 1``.

Needs atheris (``pip install '.[fuzz]'``). What it finds is written to ``--found``; ``--replay FILE`` runs that again
without atheris. It leaves nothing else behind.
"""

import argparse
import sys
import tempfile
from pathlib import Path

# What is looked into, beside the target itself: all that reads a mailbox, a judge's reply, or a rubric.
COVERED = ["local_grader.rubrics", "sync.mailbox", "sync.store"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzzes one target.")
    parser.add_argument("target", help="a key of tests.fuzz.targets.TARGETS")
    parser.add_argument("--runs", type=int, default=100_000, help="inputs at most [100000]")
    parser.add_argument("--seconds", type=int, default=60, help="seconds at most [60]")
    parser.add_argument("--seed", type=int, default=1, help="the same inputs each time [1]")
    parser.add_argument("--found", default=".", help="folder for an input that fails [.]")
    parser.add_argument("--replay", help="a file that failed")
    given = parser.parse_args()
    if given.replay:
        from tests.fuzz.targets import TARGETS

        TARGETS[given.target](Path(given.replay).read_bytes())
        return 0
    import atheris

    # Before anything else imports them: what is imported here tells the fuzzer which ways it went.
    with atheris.instrument_imports(include=COVERED):
        from tests.fuzz.seeds import WORDS, seeds
        from tests.fuzz.targets import TARGETS

    def target(data: bytes) -> None:
        TARGETS[given.target](data)

    with tempfile.TemporaryDirectory(prefix="hybrid-fuzz-") as name:
        corpus = Path(name, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(seeds(given.target)):
            (corpus / f"{number}").write_bytes(seed)
        words = Path(name, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
        options = [
            f"-runs={given.runs}",
            f"-max_total_time={given.seconds}",
            f"-seed={given.seed}",
            f"-dict={words}",
            f"-artifact_prefix={Path(given.found).resolve()}/",
            "-max_len=4096",
            "-rss_limit_mb=1000",
            "-timeout=20",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], target)
        atheris.Fuzz()
    return 0


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    sys.exit(main())
