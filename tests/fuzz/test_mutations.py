"""What the fuzzer finds by coverage, here by mutation of what is let in: of bytes, of JSON, and of a tree's shape."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import WORDS, seeds
from tests.fuzz.targets import TARGETS

PIECES = st.sampled_from([word.encode() for word in WORDS]) | st.binary(max_size=8)
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**53 + 2,
    10**30,
    1.5,
    float("nan"),
    "",
    "..",
    "\ud800",
    "\udcff",
]
VALUES += [[], {}, [[]], "0" * 64, "x" * 5000, ["a"] * 50, {"a": {"b": [1]}}]


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_are_let_in(target: str) -> None:
    """Else the targets would refuse all at their first look, and nothing behind it would be tried."""
    assert all(TARGETS[target](seed) for seed in seeds(target)[:1])


@st.composite
def edited(draw: st.DrawFn, target: str) -> bytes:
    """A seed with a few pieces cut out and others put in."""
    data = draw(st.sampled_from(seeds(target)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + draw(st.sampled_from([0, 1, 8, 10_000])))))
        data = data[:at] + draw(PIECES) + data[end:]
    return data


@pytest.mark.parametrize("target", TARGETS)
def test_edited_bytes_end_as_they_may(target: str) -> None:
    @settings(max_examples=100 if target == "tree" else 300)
    @given(edited(target))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()


def places(document: Any) -> list[tuple[Any, Any]]:
    """Each list or object in the document, with each key in it."""
    found: list[tuple[Any, Any]] = []
    if isinstance(document, list | dict):
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        found += [(document, key) for key in keys]
        for key in keys:
            found += places(document[key])
    return found


@st.composite
def falsified(draw: st.DrawFn, text: bytes) -> bytes:
    """The JSON document with a few of its values replaced, repeated, or taken away."""
    document = [json.loads(text)]
    for _ in range(draw(st.integers(1, 3))):
        inside, key = draw(st.sampled_from(places(document)))
        how = draw(st.sampled_from(["replace", "remove", "repeat"]))
        if how == "replace" or inside is document:
            inside[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif how == "remove":
            del inside[key]
        elif isinstance(inside, list):
            inside.insert(key, copy.deepcopy(inside[key]))
    return json.dumps(document[0]).encode()


@pytest.mark.parametrize("number", range(7))
def test_falsified_records_end_as_they_may(number: int) -> None:
    seed = seeds("record")[number]

    @settings(max_examples=150)
    @given(falsified(seed[1:]))
    def check(text: bytes) -> None:
        TARGETS["record"](seed[:1] + text)

    check()


@settings(max_examples=400)
@given(falsified(seeds("index")[0]))
def test_falsified_indexes_end_as_they_may(text: bytes) -> None:
    TARGETS["index"](text)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(seeds("entries")[0].splitlines()).flatmap(falsified), min_size=1, max_size=4))
def test_falsified_entries_end_as_they_may(lines: list[bytes]) -> None:
    TARGETS["entries"](b"".join(line + b"\n" for line in lines))


@settings(max_examples=150)
@given(st.binary(min_size=12, max_size=120))
def test_any_two_trees_stay_in_their_folder(data: bytes) -> None:
    TARGETS["tree"](data)
