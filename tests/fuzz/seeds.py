"""Where fuzzing begins: inputs that each target lets in, made in code so that no file has to be kept for them."""

import struct
import zlib
from importlib import resources

from local_grader import rubrics
from sync.mailbox import layout, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.store import codec
from tests.fuzz.targets import KINDS, honest, stocked
from tests.unit.sync.store.forge import file

_RECORDS = (
    records.Format(mailbox="m"),
    records.Spec(
        run="r1",
        laptop="k3f9",
        created=1.5,
        snapshot="s",
        target="local",
        shards=2,
        command=["a"],
        env={"A": "b"},
        inputs={"kind": "files", "path": "a/*.[ab]", "chunk": 1, "count": 2},
    ),
    records.Hello(worker="w7ab", host="h", boot="b", pid=1, born="x", vram_gb=1.0),
    records.Tick(n=1, epoch=1, elapsed=0.5, running={"0.w7ab.1": 1.0}, logs={"0.w7ab.1": [0, "x"]}),
    records.Ended(snapshot="s", exit=-9, reason="é", log="x"),
    records.Accepted(attempt="0.w7ab.1", snapshot="s"),
    records.Mark(reason="x"),
)


def _index(data: bytes) -> bytes:
    start, stored, raw, _, _ = struct.unpack("<QII4s8s", data[-28:])
    return codec.decompress("zlib", data[start : start + stored], raw)


def _blocks() -> list[bytes]:
    raw = b"some text, " * 31
    size = struct.pack(">H", (len(raw) - 1) // 16)
    raw = raw[: (len(raw) - 1) // 16 * 16 + 1]
    engine = codec.zstd()
    packed = [engine.compress(raw) if engine else b"", zlib.compress(raw), raw]
    return [bytes([number]) + size + each for number, each in enumerate(packed)]


def _names() -> bytes:
    attempt = Attempt(1, "w7ab", 1)
    found = ["spec.json", RunFolder.hello("w7ab"), RunFolder.claim("w7ab", 2), RunFolder.yields("w7ab", 1)]
    found += [RunFolder.broken("w7ab", 2), RunFolder.tick("w7ab", 7), RunFolder.stop("k3f9")]
    found += [RunFolder.attempt(kind, attempt) for kind in ("start", "done", "failed", "left")]
    found += [RunFolder.accepted(0, "k3f9"), RunFolder.released("w7ab")]
    found += [RunFolder.worker_snapshot(layout.OUTPUTS, attempt, 1).format(sha256="0" * 64)]
    return "\n".join(found).encode()


def seeds(target: str) -> list[bytes]:
    """Inputs for that target, in the order in which they are tried."""
    snapshot = stocked().data(honest())
    small = file(b'{"writer":"w"}')
    records_ = [records.encode(each) for each in _RECORDS]
    return {
        "snapshot": [snapshot, small],
        "index": [_index(snapshot), b'{"writer":"w","blocks":[],"chunks":[]}'],
        "entries": [b"".join(honest()), b'["d","a"]\n'],
        "block": _blocks(),
        "footer": [struct.pack(">Q", len(small)) + small[-28:] + small[8:-28]],
        "record": [
            bytes([KINDS.index(type(each))]) + data.rpartition(b"\nsha256:")[0]
            for each, data in zip(_RECORDS, records_, strict=True)
        ],
        "seal": records_,
        "names": [_names()],
        "tree": [
            bytes([0, 0, 0, 0, 1, 4, 0, 2, 2, 2, 1, 3, 1]) * 2,
            bytes([1, 5, 0, 0, 2, 2, 1, 0, 2, 1, 13, 0, 2, 2, 1, 1, 2, 2]),
            bytes(range(64)),
        ],
        "verdict": [
            b'\x00{"reason": "It is so.", "verdict": "correct"}',
            b'\x02```json\n{"reason": "", "verdict": "tie"}\n```',
            b'\x04{"reason": "\\u00e9", "verdicts": {"accurate": "yes", "clear": "no", "complete": "no", "concise": "no", '
            b'"relevant": "yes"}}',
        ],
        "rubric": [resources.files(rubrics).joinpath(f"{name}.toml").read_bytes() for name in rubrics.NAMES],
    }[target]


WORDS = (
    *("..", "/", "\\", "\\u0000", "\\ud800", "\\udcff", "NaN", "1e999", "-1", "true", "null", "9" * 20),
    *("zstd", "zlib", "stored", "HYBSNAP\x01", "HYBPACK\x01", '["d",', '["f",', '["l",', '"root":{'),
    *('"objects":[', '"entries":[', '"version":2', "sha256:", ".json", ".snap", "claim-", "tick-", "done-"),
    *('"verdict":', '"correct"', "```", "[[examples]]", "[verdicts]", 'kind = "scale"', '"""', "weight = "),
)
"""What is worth putting in anywhere."""
