"""What a pull holds in memory does not grow with the number of shards, whatever these are made of."""

import pytest

from tests.support.memory import peak_of

MIB = 1024 * 1024
_PREPARE = """
import hashlib, json, os, tempfile
from pathlib import Path
from tests.support.pulls import Home
from tests.unit.sync.store.forge import Forge, sha256

def record(path, document):
    body = json.dumps(document).encode() + b"\\n"
    path.write_bytes(body + f"sha256:{hashlib.sha256(body).hexdigest()}\\n".encode())

def many_chunks(shard):
    forge = Forge()
    piece = b"%06d" % shard
    reference = forge.content(piece)[0]
    return forge.data([["f", "a", 0, 8_000 * len(piece), [reference] * 8_000]], kind="outputs")

def much_that_nobody_wants(shard):
    forge = Forge()
    forge.block(os.urandom(6_000_000), 6_000_000, "stored")
    content = b"%d" % shard
    return forge.data([["f", "a", 0, len(content), forge.content(content)]], kind="outputs")

def expected_in_vain(shard):
    forge = Forge()
    forge.block(os.urandom(2_000_000), 2_000_000, "stored")
    data = forge.data([["f", "b", 0, 1, forge.content(b"b")]], kind="outputs")
    (home.mail / f"runs/r1/worker22.out-{shard}.1-000002-{sha256(data)}.snap").write_bytes(data)
    return Forge().data([["d", "a"]], kind="outputs")

folder = tempfile.TemporaryDirectory()
home = Home(Path(folder.name))
spec = home.queue(shards=SHARDS)
for shard in range(SHARDS):
    data = MAKE(shard)
    name = f"runs/r1/worker22.out-{shard}.1-000001-{sha256(data)}.snap"
    (home.mail / name).write_bytes(data)
    record(home.mail / f"runs/r1/worker22.done-{shard}.1.json", {"snapshot": name})
del data
"""
FEW_AND_MANY = ("16", "48")
"""Shards. As many as the first may be on their way side by side."""
_PULL = """
pulled = home.pull(spec)
assert len(pulled.fetched) == SHARDS, pulled.incomplete
folder.cleanup()
"""


@pytest.mark.parametrize("make", ["many_chunks", "much_that_nobody_wants", "expected_in_vain"])
def test_the_peak_does_not_grow_with_the_number_of_shards(make: str) -> None:
    prepare = _PREPARE.replace("MAKE", make)
    few, many = (peak_of(prepare.replace("SHARDS", n), _PULL.replace("SHARDS", n)) for n in FEW_AND_MANY)
    assert many < few + 48 * MIB
