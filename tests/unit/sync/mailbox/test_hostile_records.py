"""Records are hostile input: whole by their own hash, and made to trip up whoever reads them."""

import hashlib
import json
from typing import Any

import pytest

from sync.errors import CorruptMailbox
from sync.mailbox import inputs
from sync.mailbox.records import LARGEST_RECORD, Ended, Format, Mark, Spec, Tick, decode, encode, seal
from tests.support.memory import peak_of

DECODE = "from sync.mailbox.records import Mark, decode"
SPEC = Spec(run="r1", laptop="k3f9", created=0.0, snapshot="s", target="local", shards=1)


def sealed(body: bytes) -> bytes:
    body += b"\n"
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def refused(kind: type[Any], body: bytes) -> None:
    with pytest.raises(CorruptMailbox) as caught:
        decode(kind, sealed(body), "runs/r1/x.json")
    assert len(str(caught.value)) < 300, "one sentence, whatever the file holds"


@pytest.mark.parametrize(
    "body",
    [
        b'{"reason":' * 3000 + b"1" + b"}" * 3000,
        b'{"x":' + b"[" * 1_000_000,
        b'{"x":' + b"9" * 5000 + b"}",
        b'{"reason":"\xed\xa0\x80"}',
        b'{"reason":"\xff"}',
        b'{"reason":"\\ud800"}',
        b'{"reason":"\\udc00\\ud800"}',
        b'\xef\xbb\xbf{"reason":"x"}',
        '{"reason":"x"}'.encode("utf-16"),
        '{"reason":"x"}'.encode("utf-32-le"),
        b'{"reason":"x"}\0',
        b'{"reason":"a\nb"}',
        b'{"reason":x}',
        b"{'reason':'x'}",
        b'{"reason":"x",}',
    ],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    refused(Mark, body)


def test_of_a_key_that_occurs_twice_the_last_counts_for_everybody() -> None:
    assert decode(Mark, sealed(b'{"reason":"a","reason":"b"}'), "x") == Mark(reason="b")
    refused(Mark, b'{"reason":"a","reason":5}')


def test_a_name_that_is_not_utf8_comes_back() -> None:
    """What a person's own files and arguments may be called."""
    odd = b"a\xffb".decode("utf-8", "surrogateescape")
    spec = Spec(**{**vars(SPEC), "command": ["python", odd], "env": {odd: odd}})
    assert decode(Spec, encode(spec), "x") == spec


@pytest.mark.parametrize(
    "value",
    [
        b"1" * 400,
        b"-9007199254740994",
        b"1e400",
        b"NaN",
        b'"\\ud800"',
        b"[[" * 10 + b"]]" * 10,
        b'{"\\udbff":0}',
    ],
    ids=lambda value: repr(value[:16]),
)
def test_what_a_record_leaves_open_holds_no_traps_either(value: bytes) -> None:
    refused(Tick, b'{"n":1,"epoch":1,"elapsed":1,"logs":{"a":[' + value + b',"text"]}}')
    body = json.dumps(vars(SPEC)).encode()
    refused(Spec, body[:-1] + b',"inputs":{"kind":' + value + b"}}")
    refused(Spec, body[:-1] + b',"env":{"A":' + value + b"}}")


@pytest.mark.parametrize("version", [b"1" * 4000, b"true", b'"2"', b"1e300", b"-1" * 2, b"[]", b"{}"])
def test_a_version_that_is_no_version_is_corrupt_and_not_newer(version: bytes) -> None:
    refused(Format, b'{"mailbox":"m","version":' + version + b"}")


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("run", "../../outside"),
        ("run", "R1"),
        ("run", "r1\n"),
        ("run", ""),
        ("laptop", "../x"),
        ("laptop", "k3f"),
        ("target", "local; rm -rf ~"),
        ("target", "$(touch pwned)"),
        ("target", "local\nError: forged"),
        ("target", "a\u202eb"),
        ("target", "a\udcffb"),
        ("target", "x" * 1000),
        ("target", ""),
    ],
)
def test_a_spec_holds_ids_and_a_target_that_is_one_word(field: str, lie: str) -> None:
    refused(Spec, json.dumps({**vars(SPEC), field: lie}).encode())


@pytest.mark.parametrize("target", ["local", "ssh:me@gpu-1.lab.example:2222", "ssh:[::1]", "ssh:bücher.de"])
def test_a_target_may_be_any_host(target: str) -> None:
    spec = Spec(**{**vars(SPEC), "target": target})
    assert decode(Spec, encode(spec), "x") == spec


@pytest.mark.parametrize(
    "lie",
    [
        {"kind": "files", "path": "*", "chunk": 10**15, "count": -1},
        {"kind": "files", "path": "*", "chunk": 0, "count": 1},
        {"kind": "files", "path": "", "chunk": 1, "count": 1},
        {"kind": "files", "path": "[" * 100_000, "chunk": 1, "count": 1},
        {"kind": "lines", "path": ["a"], "chunk": 1, "count": 1},
        {"kind": "lines", "path": "a", "chunk": True, "count": 1},
        {"kind": "lines", "path": "a", "chunk": 1.0, "count": 1},
        {"kind": "\x1b[31m" * 1000},
    ],
    ids=lambda lie: repr(lie)[:40],
)
def test_inputs_that_cannot_be_are_refused_in_few_words(lie: dict[str, object]) -> None:
    with pytest.raises(ValueError) as caught:
        inputs.of(Spec(**{**vars(SPEC), "inputs": lie}))
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)


def test_absurd_counts_of_inputs_cost_nothing() -> None:
    huge = inputs.of(
        Spec(**{**vars(SPEC), "inputs": {"kind": "files", "path": "*", "chunk": 2**50, "count": 2**53}})
    )
    assert len(inputs.span(huge, 7)) == 2**50
    assert len(inputs.span(huge, 100_000)) == 0


@pytest.mark.parametrize("unit", ["[],", "{},", '"ab",', "1.5,", '{"":[0]},'])
def test_the_largest_record_takes_bounded_memory(unit: str) -> None:
    """Tiny values are what costs most memory for each byte of JSON."""
    room = LARGEST_RECORD - 200
    body = '{"x":[' + unit * (room // len(unit)) + "0]}"
    assert peak_of(DECODE, "decode(Mark, data, 'x')", sealed(body.encode())) < 150_000_000


def test_megabytes_of_one_string_take_bounded_memory() -> None:
    body = b'{"reason":"' + "\N{PILE OF POO}".encode() + b"x" * (LARGEST_RECORD - 200) + b'"}'
    assert peak_of(DECODE, "decode(Mark, data, 'x')", sealed(body)) < 100_000_000


def test_a_sealed_record_is_taken_for_what_it_says() -> None:
    """Else every refusal above could have another reason."""
    assert decode(Ended, seal({"reason": "x"}), "x") == Ended(reason="x")
