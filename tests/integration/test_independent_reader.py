"""A program that shares nothing with us reads every mailbox that we make, and gets what we get."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.laptop import REPOSITORY, Laptop
from tests.support.trees import FOLDER, Link, Script, fingerprint, make_tree

PROGRAM = REPOSITORY / "tests" / "independent_reader"
ZSTD = {"backports", "compression", "zstandard"}
FAILS_ONCE = """
import os, sys
from pathlib import Path
output, checkpoint = Path(os.environ["HYBRID_OUTPUT"]), Path(os.environ["HYBRID_CHECKPOINT"])
(output / "deep" / "er").mkdir(parents=True)
(output / "deep" / "er" / "result.bin").write_bytes(os.urandom(300_000))
(output / "empty").mkdir()
if os.name == "posix":
    (output / "link").symlink_to("deep/er/result.bin")
if not (checkpoint / "state").exists():
    (checkpoint / "state").write_text("half")
    sys.exit("not yet")
(output / "state").write_text((checkpoint / "state").read_text())
"""
PER_SHARD = """
import os
from pathlib import Path
shard = os.environ["HYBRID_SHARD"]
Path(os.environ["HYBRID_OUTPUT"], f"of {shard}").write_text(Path(os.environ["HYBRID_SHARD_INPUT"]).read_text())
"""
BIG = bytes(range(256)) * 12_000


def read(*words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.independent_reader", *map(str, words)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_imports_nothing_of_ours() -> None:
    for path in PROGRAM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level < 2, f"{path.name} reaches out of its folder"
                names = [] if node.level else [node.module or ""]
            strange = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - ZSTD
            assert not strange, f"{path.name} imports {strange}"


def pushed(laptop: Laptop) -> str:
    return str(laptop.hybrid("push", "--json").json["snapshot"])


def of_project(laptop: Laptop) -> dict[bytes, tuple[str, bool, bytes]]:
    found = fingerprint(laptop.project)
    return {path: what for path, what in found.items() if not path.startswith((b".hybrid", b"outputs"))}


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "one")
    (tmp_path / "mailbox").mkdir()
    laptop.hybrid("init", "--remote", f"folder:{tmp_path / 'mailbox'}")
    make_tree(
        laptop.project,
        {
            "fails_once.py": FAILS_ONCE,
            "per_shard.py": PER_SHARD,
            "tasks.jsonl": "".join(f'{{"n": {n}}}\n' for n in range(5)),
            "sub/big": BIG,
            "sub/tool": Script(b"#!/bin/sh\n"),
            "empty": FOLDER,
            "zero": "",
            "nam\u00e9 \U0001f600": "x",
        },
    )
    if sys.platform == "linux":
        make_tree(laptop.project, {"link": Link(b"sub/big"), b"odd\xff\n": b"not UTF-8"})
    return laptop


def test_every_snapshot_and_every_accepted_output_comes_back_as_hybrid_has_it(
    laptop: Laptop, tmp_path: Path
) -> None:
    box = tmp_path / "mailbox"
    states = {pushed(laptop): of_project(laptop)}
    laptop.write("sub/big", BIG[:1_000_000] + b"inserted" + BIG[1_000_000:])
    shutil.rmtree(laptop.project / "empty")
    states[pushed(laptop)] = of_project(laptop)
    for number, (name, tree) in enumerate(states.items()):
        read(box, "restore", name, tmp_path / f"state{number}")
        assert fingerprint(tmp_path / f"state{number}") == tree
        assert len(read(box, "ls", name).splitlines()) == len(tree)

    whole = ["run", "--wait", "--json", "--retries", "1"]
    plain = laptop.hybrid(*whole, "--name", "plain", "--", sys.executable, "fails_once.py").json["run"]
    shards = ["--over", "tasks.jsonl", "--chunk", "2", "--name", "shards"]
    sharded = laptop.hybrid(*whole, *shards, "--", sys.executable, "per_shard.py").json["run"]
    laptop.hybrid("down")

    other = Laptop(tmp_path / "two")
    shutil.copy(laptop.project / "hybrid.toml", other.project)
    other.hybrid("pull", plain, sharded)

    told = read(box)
    assert told.count("\nsnapshot ") == len(list(box.glob("*/snapshots/*.snap")))
    assert "unusable" not in told
    assert f"run {plain} shards 1 " in told and f"run {sharded} shards 3 " in told
    assert told.count("  accepted ") == 2 * (1 + 3)
    assert "  checkpoint 0 " in told

    laptops = {line.split()[3] for line in told.splitlines() if line.startswith("  accepted ")}
    assert len(laptops) == 2
    for run in (plain, sharded):
        for each in sorted(laptops):
            into = tmp_path / f"{run}-{each}"
            read(box, "accepted", run, into, each)
            assert fingerprint(into) == fingerprint(laptop.project / "outputs" / run)
            assert fingerprint(into) == fingerprint(other.project / "outputs" / run)
    first = tmp_path / f"{plain}-{min(laptops)}"
    assert (first / "state").read_text() == "half"
    assert json.loads((tmp_path / f"{sharded}-{min(laptops)}/002/of 2").read_text()) == {"n": 4}

    checkpoint = next(line.split()[-1] for line in told.splitlines() if line.startswith("  checkpoint"))
    read(box, "restore", checkpoint, tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint" / "state").read_text() == "half"


def test_it_refuses_what_is_damaged(laptop: Laptop, tmp_path: Path) -> None:
    name = pushed(laptop)
    [file] = (tmp_path / "mailbox").glob(f"*/{name}")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"!")
    assert "unusable" in read(tmp_path / "mailbox")
    words = [sys.executable, "-m", "tests.independent_reader", str(tmp_path / "mailbox")]
    words += ["restore", name, str(tmp_path / "x")]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("refused: ") and not (tmp_path / "x").exists()
