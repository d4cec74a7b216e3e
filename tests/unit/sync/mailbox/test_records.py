"""Records come back as they were written, and a file that is not whole, or not what it says, never passes."""

import hashlib
import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import PROTOCOL, records
from sync.mailbox.records import (
    Accepted,
    Ended,
    Format,
    Hello,
    Mark,
    Spec,
    Tick,
    decode,
    encode,
    seal,
    unseal,
)
from sync.remotes.memory import MemoryRemote

SPEC = Spec(
    run="first-run",
    laptop="k3f9",
    created=1.5,
    snapshot=f"snapshots/k3f9-00000001-{'0' * 64}.snap",
    target="local",
    shards=3,
    command=["python", "train.py", "--lr", "1e-3"],
    inputs={"kind": "lines", "path": "data.jsonl", "chunk": 5, "count": 12},
    env={"A": "b"},
)
EXAMPLES = [
    SPEC,
    Format(mailbox="m1"),
    Hello(worker="w123", host="h", boot="b", pid=1, born="x", gpu="T4", vram_gb=14.6),
    Tick(n=3, epoch=1, elapsed=2.5, running={"0.w123.1": 1}, logs={"0.w123.1": [0, "text\n"]}),
    Ended(snapshot="runs/r/x", exit=-9, reason="killed", log="…", seconds=0.25),
    Accepted(attempt="0.w123.1", snapshot="runs/r/x"),
    Mark(reason="done"),
]


def sealed(text: str) -> bytes:
    body = text.encode("utf-8", "surrogatepass") + b"\n"
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def with_fields(**values: object) -> bytes:
    return seal({**json.loads(encode(SPEC).split(b"\n")[0]), **values})


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: type(record).__name__)
def test_a_record_comes_back(record: object) -> None:
    assert decode(type(record), encode(record), "x") == record


def test_the_form_of_the_file_is_fixed() -> None:
    """Golden: another implementation relies on these bytes."""
    assert encode(Accepted(snapshot="s", attempt="a")) == (
        b'{"attempt":"a","snapshot":"s"}\n'
        b"sha256:6f24d96350eede484a79ccc6206c65b2056699c3d1209595f8f395070911290f\n"
    )


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
)
def test_any_document_comes_back(document: dict[str, Any]) -> None:
    assert unseal(seal(document), "x") == document


@settings(max_examples=300)
@given(st.integers(0, 10**6), st.integers(0, 7), st.sampled_from(["flip", "cut", "double"]))
def test_a_tampered_record_is_corrupt(where: int, bit: int, how: str) -> None:
    good = encode(SPEC)
    at = where % (len(good) - 1)
    if how == "flip":
        bad = good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :]
    elif how == "cut":
        bad = good[:at]
    else:
        bad = good[:at] + good[at : at + 1] + good[at:]
    try:
        assert decode(Spec, bad, "x") == SPEC
    except CorruptMailbox:
        return
    assert bad.split(b"\n")[:2] == good.split(b"\n")[:2], "only the space after the hash may differ"


@given(st.binary(max_size=200))
def test_no_bytes_pass_for_a_record(data: bytes) -> None:
    with pytest.raises(CorruptMailbox):
        decode(Mark, data, "x")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "5", '"x"', "{", "{} {}", "[" * 100_000, '{"a":' * 50_000, "\ud800"]
)
def test_what_is_sealed_but_no_object_is_corrupt(text: str) -> None:
    with pytest.raises(CorruptMailbox):
        decode(Mark, sealed(text), "x")


def test_unknown_fields_are_ignored() -> None:
    assert decode(Spec, with_fields(later=[1, {"x": None}]), "x") == SPEC


def test_a_field_with_a_default_may_be_missing() -> None:
    assert decode(Ended, seal({"exit": 3}), "x") == Ended(exit=3)
    assert decode(Format, seal({"mailbox": "m"}), "x") == Format(mailbox="m")


@pytest.mark.parametrize("field", ["run", "laptop", "created", "snapshot", "target", "shards"])
def test_a_field_that_must_be_there_is_missed(field: str) -> None:
    document = json.loads(encode(SPEC).split(b"\n")[0])
    del document[field]
    with pytest.raises(CorruptMailbox):
        decode(Spec, seal(document), "x")


@pytest.mark.parametrize("version", [PROTOCOL + 1, 99])
def test_a_newer_version_is_named_before_its_fields_are_judged(version: int) -> None:
    with pytest.raises(NewerMailbox, match=f"version {version} "):
        decode(Spec, with_fields(version=version, shards="many"), "x")
    with pytest.raises(NewerMailbox):
        decode(Format, seal({"version": version}), "x")


WRONG: dict[str, list[object]] = {
    "str": [None, 5, [], {}, True],
    "int": [None, "5", 1.5, True, [], 10**30, -(10**30)],
    "float": [None, "1", True, [], 10**400, 1e300],
    "bool": [None, 0, "yes"],
    "list[str]": [None, "x", {}, [1], [None], [["x"]]],
    "dict[str, str]": [None, [], {"a": 1}, {"a": None}],
    "dict[str, float]": [None, [], {"a": "1"}, {"a": True}, {"a": 10**400}],
    "dict[str, list[typing.Any]]": [None, [], {"a": 1}, {"a": {}}],
    "dict[str, typing.Any]": [None, [], "x"],
}


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: type(record).__name__)
def test_a_field_of_the_wrong_type_is_corrupt(record: Any) -> None:
    document = json.loads(encode(record).split(b"\n")[0])
    for field in fields(record):
        if field.name == "version":
            continue
        kind = str(field.type).removeprefix("<class '").removesuffix("'>")
        for wrong in WRONG[kind]:
            with pytest.raises(CorruptMailbox):
                decode(type(record), seal({**document, field.name: wrong}), "x")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("field", ["elapsed", "n"])
def test_numbers_that_no_clock_shows_are_corrupt(number: str, field: str) -> None:
    whole = {"n": "1", "epoch": "1", "elapsed": "1", field: number}
    with pytest.raises(CorruptMailbox):
        decode(Tick, sealed("{" + ",".join(f'"{key}":{value}' for key, value in whole.items()) + "}"), "x")
    with pytest.raises(CorruptMailbox):
        decode(Tick, sealed('{"n":1,"epoch":1,"elapsed":1,"running":{"a":' + number + "}}"), "x")


@pytest.mark.parametrize("shards", [0, -1, records.MOST_SHARDS + 1, 10**12])
def test_a_run_has_a_number_of_shards_that_names_can_hold(shards: int) -> None:
    with pytest.raises(CorruptMailbox):
        decode(Spec, with_fields(shards=shards), "x")
    assert decode(Spec, with_fields(shards=records.MOST_SHARDS), "x").shards == records.MOST_SHARDS


def test_outputs_lie_in_a_folder_for_each_shard_where_a_run_has_shards() -> None:
    assert SPEC.sharded
    assert replace(SPEC, shards=1).sharded
    assert not replace(SPEC, shards=1, inputs={}).sharded
    assert not replace(SPEC, shards=1, inputs={"kind": "none"}).sharded
    assert replace(SPEC, inputs={}).sharded


def test_a_record_is_read_from_a_remote() -> None:
    remote = MemoryRemote()
    remote.make_folders(["p"])
    remote.write("p/x.json", encode(SPEC))
    assert records.read(Spec, remote, "p/x.json") == SPEC
    with pytest.raises(NotFound):
        records.read(Spec, remote, "p/y.json")


def test_a_file_without_end_is_corrupt_and_not_read_whole() -> None:
    remote = MemoryRemote()
    remote.make_folders(["p"])
    remote.write("p/x.json", seal({"reason": "x" * records.LARGEST_RECORD}))
    with pytest.raises(CorruptMailbox):
        records.read(Mark, remote, "p/x.json")
