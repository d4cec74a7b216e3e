"""A mailbox made up by an enemy: any bytes under any name, sealed or not, and what no command may do with them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tests.support.projects import Project
from tests.support.trees import Fingerprint, fingerprint
from tests.unit.sync.store.forge import Forge, sha256

SHELL = "$(touch pwned); `touch pwned` | touch pwned & '\"; touch pwned #"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x1b[31m\x9b31m\x08\x7f\r\x00\x0e"
BIDI = "\u202egnp.exe\u2066\u2069\u200f\u061c\u2028\u2029\u0085"
EVIL = f"{SHELL}\nError: forged\n{TERMINAL}{BIDI}\U0001f4a9 \udcff"
# Tab and line break are what text is made of.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# Done, failed, partial, waiting for a runner, confirmation needed, a mailbox that is corrupt, no room.
EXPECTED = (0, 1, 3, 13, 15, 16, 17)


class Enemy:
    """Writes into the mailbox of a project, past all code of ours."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.mail = project.mail

    def write(self, name: str, data: bytes) -> Path:
        path = self.mail / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def record(self, name: str, document: Any) -> Path:
        """Sealed. Bytes are taken as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        body += b"\n"
        return self.write(name, body + f"sha256:{hashlib.sha256(body).hexdigest()}\n".encode())

    def spec(self, **fields: Any) -> Path:
        """Of the run ``r1``."""
        document = {"run": "r1", "laptop": "laptop22", "created": 0.0, "snapshot": self.project.snapshot}
        return self.record("runs/r1/spec.json", {**document, "target": "local", "shards": 1, **fields})

    def done(self, data: bytes) -> str:
        """An attempt whose outputs are the snapshot file ``data``."""
        name = f"runs/r1/worker22.out-0.1-000001-{sha256(data)}.snap"
        self.write(name, data)
        self.record("runs/r1/worker22.done-0.1.json", {"snapshot": name})
        return name

    def outputs(self, lines: list[Any], *, forge: Forge | None = None, **lies: Any) -> str:
        return self.done((forge or Forge()).data(lines, kind="outputs", **lies))


def around(folder: Path) -> Fingerprint:
    """What must stay as it is: all but the mailbox, what hybrid keeps for itself, and what it pulled."""
    mine = (b"mail/", b"project/outputs/", b"project/.hybrid/", b"config/")
    return {path: what for path, what in fingerprint(folder).items() if not (path + b"/").startswith(mine)}


def endure(project: Project, *commands: tuple[str, ...], codes: tuple[int, ...] = EXPECTED) -> str:
    """Calls each command, as text and as JSON; returns all that they said.

    Fails the test where one ends otherwise than it may, shows a control character, or touches what is not its own.
    """
    before = around(project.root.parent)
    said = ""
    for words in commands:
        for form in ((), ("--json",)):
            code, out, err = project.call(words[0], *form, *words[1:])
            shown = f"hybrid {' '.join(words)} {form}: exit {code}\n{out[:3000]!a}\n{err[:3000]!a}"
            assert code in codes, shown
            assert "Traceback" not in err, shown
            assert not UNSAFE.search(out + err), shown
            assert len(out) + len(err) < 200_000, f"{len(out)} and {len(err)} characters"
            if not form:
                errors = [line for line in err.splitlines() if line.startswith("Error: ")]
                assert len(errors) <= 1 and all(len(line) < 800 for line in errors), shown
            if words[0] != "logs":
                assert "\nError: forged" not in out + err, shown
            said += out + err
    assert around(project.root.parent) == before
    return said
