"""The real commands on a mailbox made up by an enemy: one clear sentence, nothing written outside, nothing on the
terminal that steers it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.hostile import BIDI, EVIL, SHELL, TERMINAL, Enemy, endure
from tests.support.projects import Project
from tests.unit.sync.store.forge import Forge, file, sha256

LOOKS = (("status",), ("status", "r1"), ("logs", "r1"), ("pull",), ("pull", "r1"), ("gc",))
Plant = Callable[[Enemy], None]


@pytest.fixture
def enemy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Enemy:
    project = Project(tmp_path, monkeypatch, capsys).make()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("mine")
    (project.root / "train.py").write_text("print()")
    return Enemy(project)


def evil_texts(kind: str) -> dict[str, Any]:
    """Fields of a record that people are shown, each with all that a terminal or a shell could stumble over."""
    return {
        "spec": {
            "name": EVIL,
            "command": ["python", EVIL],
            "env": {EVIL: EVIL},
            "gpu": EVIL,
            "setup": EVIL,
            "inputs": {"kind": EVIL, "path": EVIL},
        },
        "hello": {"worker": EVIL, "host": EVIL, "boot": EVIL, "pid": 2**52, "born": EVIL, "gpu": EVIL},
        "tick": {
            "n": 1,
            "epoch": 1,
            "elapsed": 1.0,
            "doing": EVIL,
            "running": {"0.worker22.1": 5.0, EVIL: 1.0},
            "logs": {"0.worker22.1": [0, EVIL], EVIL: [0, EVIL]},
            "telemetry": {EVIL: 1.0},
        },
        "ended": {"reason": EVIL, "log": EVIL, "snapshot": EVIL, "exit": -(2**52), "seconds": 2.0**53},
        "mark": {"reason": EVIL},
        "accepted": {"attempt": EVIL, "snapshot": EVIL},
    }[kind]


@pytest.mark.parametrize("phase", ["queued", "running", "left", "failed", "broken", "done", "accepted"])
def test_no_text_of_a_record_steers_a_terminal(enemy: Enemy, phase: str) -> None:
    enemy.spec(**evil_texts("spec"), retries=0)
    if phase != "queued":
        enemy.record("runs/r1/worker22.hello.json", evil_texts("hello"))
        enemy.record("runs/r1/worker22.claim-1.json", evil_texts("mark"))
        enemy.record("runs/r1/worker22.start-0.1.json", {})
        enemy.record("runs/r1/worker22.tick-000001.json", evil_texts("tick"))
    if phase in ("left", "failed", "done"):
        enemy.record(f"runs/r1/worker22.{phase}-0.1.json", evil_texts("ended"))
        enemy.record("runs/r1/worker22.yield-1.json", evil_texts("mark"))
    if phase == "broken":
        enemy.record("runs/r1/worker22.broken-1.json", evil_texts("ended"))
        enemy.record("runs/r1/worker22.yield-1.json", evil_texts("mark"))
    if phase == "accepted":
        enemy.record("runs/r1/accepted-0-laptop33.json", evil_texts("accepted"))
    endure(enemy.project, *LOOKS, ("stop", "r1"))
    assert not list(enemy.project.root.rglob("pwned"))


def test_no_name_of_a_file_steers_a_terminal(enemy: Enemy) -> None:
    """Names that lead out, that the disk cannot hold, and that are only ugly."""
    enemy.spec()
    forge = Forge()
    text = forge.content(b"text")
    names = [SHELL.replace("/", ""), TERMINAL.replace("\0", ""), BIDI, "x" * 300 + TERMINAL.replace("\0", "")]
    links = [["l", f"link {n} {name}", "/outside"] for n, name in enumerate(names)]
    lines = [["f", name, 0, 4, text] for name in names]
    enemy.outputs(sorted([*lines, *links], key=lambda line: str(line[1]).encode()), forge=forge)
    said = endure(enemy.project, ("pull", "r1"), ("status", "r1"), ("logs", "r1"))
    assert "leads out of its folder" in said
    assert not list(enemy.project.root.rglob("pwned"))


def lines_with(path: str, forge: Forge) -> list[Any]:
    return [["f", path, 0, 4, forge.content(b"evil")]]


@pytest.mark.parametrize(
    "path", ["../evil", "/tmp/evil", "a/../../evil", "..", "a//b", "a\0b", "./a", "", "a/" * 300 + "a"]
)
def test_outputs_that_would_lead_out_are_refused_whole(enemy: Enemy, path: str) -> None:
    enemy.spec()
    forge = Forge()
    enemy.outputs(lines_with(path, forge), forge=forge)
    said = endure(enemy.project, *LOOKS)
    assert "unsafe path" in said
    assert not (enemy.project.outputs / "r1").exists()


@pytest.mark.skipif(os.name == "nt", reason="these are names like any other here")
@pytest.mark.parametrize(
    "path", ["C:\\evil", "\\\\host\\share", "..\\..\\evil", "NUL", "con.txt", "a:b", "~"]
)
def test_names_that_lead_out_elsewhere_are_plain_names_here(enemy: Enemy, path: str) -> None:
    enemy.spec()
    forge = Forge()
    enemy.outputs(lines_with(path, forge), forge=forge)
    endure(enemy.project, ("pull", "r1"), codes=(0,))
    assert (enemy.project.outputs / "r1" / path).read_text() == "evil"


@pytest.mark.skipif(os.name == "nt", reason="links need rights here")
def test_a_link_planted_by_one_pull_is_not_written_through_by_the_next(enemy: Enemy, tmp_path: Path) -> None:
    """What an unfinished attempt shows lies in one folder, snapshot after snapshot."""
    outside = os.path.relpath(tmp_path / "outside", enemy.project.outputs / "r1" / ".partial" / "000")
    enemy.spec()
    enemy.record("runs/r1/worker22.start-0.1.json", {})
    forge = Forge()
    text = forge.content(b"evil")
    for seq, lines in enumerate(
        [
            [["d", "real"], ["l", "away", "real"], ["l", "out", outside]],
            [["f", "away/precious", 0, 4, text], ["f", "out/precious", 0, 4, text]],
            [["l", "away", "."], ["l", "real", "away"]],
            [["f", "away/real/precious", 0, 4, text]],
        ],
        start=1,
    ):
        data = forge.data(lines, kind="outputs")
        enemy.write(f"runs/r1/worker22.out-0.1-{seq:06d}-{sha256(data)}.snap", data)
        endure(enemy.project, ("pull", "r1"))
    assert (tmp_path / "outside" / "precious").read_text() == "mine"
    assert (enemy.project.outputs / "r1/.partial/000/away/real/precious").read_text() == "evil"


FORMATS: dict[str, bytes] = {
    "empty": b"",
    "noise": os.urandom(1000),
    "deep": b'{"mailbox":' + b"[" * 200_000,
    "digits": b'{"mailbox":"m","version":' + b"9" * 100_000 + b"}",
    "many digits": b'{"mailbox":"m","version":' + b"9" * 4000 + b"}",
    "newer": b'{"mailbox":"m","version":2}',
    "surrogate": b'{"mailbox":"\\ud800"}',
    "list": b"[]",
    "twice": b'{"mailbox":"a","mailbox":5}',
    "huge": b'{"mailbox":"' + b"x" * 5_000_000 + b'"}',
    "escape": b'{"mailbox":"\\u001b[2J","version":"\\u001b[2J"}',
}


@pytest.mark.parametrize("what", FORMATS)
def test_a_mailbox_that_does_not_say_what_it_is_is_left_alone(enemy: Enemy, what: str) -> None:
    enemy.spec()
    enemy.record("format.json", FORMATS[what])
    before = sorted(path for path in enemy.mail.rglob("*"))
    said = endure(enemy.project, *LOOKS, ("push",), ("run", "--", "true"), codes=(16,))
    assert said.count("\nTry: ") == len(LOOKS) + 2
    assert sorted(path for path in enemy.mail.rglob("*")) == before


@pytest.mark.parametrize(
    "spec",
    [
        {"shards": 10**12},
        {"shards": 0},
        {"shards": 1.5},
        {"shards": True},
        {"shards": 100_000},
        {"name": "x" * 1_000_000},
        {"retries": -(2**53)},
        {"retries": 2**53},
        {"run": "../../outside"},
        {"run": "r2"},
        {"run": "r1\n"},
        {"created": 2.0**53},
        {"created": -(2.0**53)},
        {"max_hours": -1.0},
        {"snapshot": "../../outside/precious"},
        {"snapshot": f"packs/{'0' * 64}.pack"},
        {"snapshot": EVIL},
        {"version": 2},
        {"env": {"A": 1}},
        {"name": "\ud800"},
        {"target": "x" * 3_000_000},
    ],
    ids=lambda spec: ascii(spec)[:40],
)
def test_a_spec_that_cannot_be_true_ends_in_one_sentence(enemy: Enemy, spec: dict[str, Any]) -> None:
    enemy.spec(**spec)
    endure(enemy.project, *(LOOKS if spec.get("shards") != 100_000 else LOOKS[1:2]))


def test_outputs_that_would_fill_the_disk_are_not_begun(
    enemy: Enemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes in some kilobytes of mailbox."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**10))
    enemy.spec()
    forge = Forge()
    chunk = forge.content(bytes(8 * 1024 * 1024))[0]
    name = enemy.outputs([["f", f"{n}", 0, 800 * chunk[7], [chunk] * 800] for n in range(2)], forge=forge)
    assert (enemy.mail / name).stat().st_size < 100_000
    said = endure(enemy.project, ("pull", "r1"), codes=(17,))
    assert "has no room for the outputs: 13" in said
    assert not list(enemy.project.outputs.glob("**/*"))


def damages(good: bytes) -> dict[str, bytes]:
    """Snapshots that no reader can use, each under a name that is its hash."""
    index = b'{"writer":"w","root":' + b"[" * 200_000
    digits = b'{"writer":"w","root":{"seq":' + b"9" * 1_000_000 + b"}}"
    many = b'{"writer":"w","root":[' + b"[]," * 4_100_000 + b"0]}"
    return {
        "nothing": b"",
        "noise": os.urandom(5000),
        "cut short": good[:-30],
        "without a root": file(b'{"writer":"w"}'),
        "deep": file(index),
        "digits": file(digits),
        "many values": file(many),
        "unpacks to more than it says": file(b"{}" * 1_000_000, raw=10),
        "unpacks to less": file(b"{}", raw=60_000_000),
        "not UTF-8": file(b'{"writer":"\xff"}'),
        "newer": good.replace(b"HYBSNAP\x01", b"HYBSNAP\x02"),
    }


@pytest.mark.parametrize("what", damages(b"HYBSNAP\x01"))
def test_outputs_that_cannot_be_used_are_told_and_leave_nothing(enemy: Enemy, what: str) -> None:
    enemy.spec()
    enemy.done(damages(Forge().data([["d", "a"]]))[what])
    said = endure(enemy.project, *LOOKS)
    document = enemy.project.json("pull", "r1", code=3)
    assert "incomplete" in json.dumps(document) and "worker22" in said
    assert not (enemy.project.outputs / "r1").exists()


@pytest.mark.parametrize(
    "snapshot",
    ["../../outside/precious", f"runs/r2/worker22.out-0.1-000001-{'0' * 64}.snap", "", "x" * 100_000, EVIL],
    ids=["up", "another run", "none", "long", "evil"],
)
def test_a_record_that_names_what_is_not_its_own_is_void(enemy: Enemy, snapshot: str) -> None:
    enemy.spec()
    enemy.record("runs/r1/worker22.done-0.1.json", {"snapshot": snapshot})
    enemy.record("runs/r1/accepted-0-laptop33.json", {"attempt": "0.worker22.1", "snapshot": snapshot})
    endure(enemy.project, *LOOKS)
    assert not (enemy.project.outputs / "r1").exists()


def test_absurd_numbers_of_files_in_a_run_are_endured(enemy: Enemy) -> None:
    enemy.spec(shards=10_000)
    for shard in range(1000):
        enemy.write(f"runs/r1/w{shard:04d}.claim-{shard + 1}.json", b"")
        enemy.write(f"runs/r1/w{shard:04d}.done-{shard}.1.json", b"")
    endure(enemy.project, ("status",), ("status", "r1"))


@pytest.mark.parametrize("name", ["format.json", "runs/r1/spec.json", "runs/r1/worker22.done-0.1.json"])
def test_a_folder_in_the_place_of_a_record_is_no_record(enemy: Enemy, name: str) -> None:
    enemy.spec()
    (enemy.mail / name).unlink(missing_ok=True)
    (enemy.mail / name).mkdir(parents=True)
    endure(enemy.project, *LOOKS, codes=(0, 1, 2, 3, 10, 16))


def test_snapshots_in_our_own_name_do_no_harm(enemy: Enemy) -> None:
    """What gc and push read first: an enemy can name files as this laptop would."""
    for number, (data, seq) in enumerate(
        [(Forge().data([["d", "a"]], meta={"created": created}), 50 + n) for n, created in enumerate(CREATED)]
    ):
        enemy.write(f"snapshots/laptop22-{seq:08d}-{sha256(data)}.snap", data)
        assert number < 50
    endure(enemy.project, ("gc",), ("status",), ("push",))


CREATED = ("\x1b[2J", None, -1e308, 1e308, True, [], 2**53, -(2**53), float("nan"), 10**400)
