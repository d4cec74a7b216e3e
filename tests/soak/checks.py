"""What a life of the agent leaves in the mailbox, read by the independent reader."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.independent_reader.mailbox import Project as Mailbox
from tests.independent_reader.snapshots import Snapshot
from tests.soak.past import Past
from tests.support.laptop import Laptop
from tests.support.trees import Fingerprint

_KINDS = {"f": "file", "l": "link", "d": "dir"}


class Published:
    """Every snapshot is read and compared with the past when it is seen first. ``name`` is the newest."""

    def __init__(self, mailbox: Callable[[], Path], past: Past) -> None:
        self._mailbox = mailbox
        self._past = past
        self._tree: Fingerprint = {}
        self.name = ""
        self.count = 0

    def look(self) -> None:
        folder = self._mailbox()
        for name in Mailbox(folder).snapshots():
            if name > self.name:
                self._tree = content(folder, name)
                self._past.check(name, self._tree)
                self.name = name
                self.count += 1

    def tree(self) -> Fingerprint:
        return self._tree


def content(folder: Path, name: str) -> Fingerprint:
    snapshot = Snapshot(folder, name, strict=True)
    found: Fingerprint = {}
    for entry in snapshot.entries:
        data = entry.target
        if entry.kind == "f":
            data = hashlib.sha256(b"".join(snapshot.content(entry.references))).digest()
        found[entry.path] = (_KINDS[entry.kind], entry.executable, data)
    return found


def runs_are_right(folder: Path, laptop: Laptop, words: int) -> int:
    """Each run is over: done, with each shard accepted once and its answers here, or stopped. No state of the files was run
    twice, and the last one was. The number of accepted shards."""
    accepted = 0
    done: set[str] = set()
    phases = {each["run"]: each["phase"] for each in laptop.hybrid("status", "--json").json["runs"]}
    for run in Mailbox(folder).runs():
        if phases[run.name] == "stopped" and not run.accepted:
            continue
        assert phases[run.name] == "done", (run.name, phases)
        shards = Counter(each.shard for each in run.accepted)
        assert shards == Counter(range(run.spec["shards"])), (run.name, shards)
        accepted += len(run.accepted)
        answers = sorted((laptop.project / "outputs" / run.name).glob("*/answer.txt"))
        [word] = {path.read_text().partition(" ")[2] for path in answers}
        assert [path.read_text() for path in answers] == [f"{n} {word}" for n in range(run.spec["shards"])]
        assert word not in done, f"{word} was run twice"
        done.add(word)
    assert f"word {words}" in done, (words, done)
    return accepted


def is_over(run: dict[str, Any]) -> bool:
    """``run`` is a line of the agent's status: nothing is left to be done for it."""
    return run["phase"] == "stopped" or (run["phase"] == "done" and run["here"] == run["shards"])
