"""How inputs are dealt out to shards: both sides must come to the same answer."""

import io
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_runner.attempt import write_input
from sync.mailbox import inputs
from sync.mailbox.records import Inputs, Spec


def spec(**given: Any) -> Spec:
    return Spec(
        run="r-1", laptop="laptop22", created=0.0, snapshot="", target="local", shards=2, inputs=dict(given)
    )


@given(count=st.integers(0, 500), chunk=st.integers(1, 60))
def test_spans_cover_every_input_once_in_order(count: int, chunk: int) -> None:
    given = Inputs(kind="lines", path="x", chunk=chunk, count=count)
    spans = [inputs.span(given, shard) for shard in range(inputs.shard_count(count, chunk))]
    assert [n for span in spans for n in span] == list(range(count))
    assert all(1 <= len(span) <= chunk for span in spans)


def test_a_shard_beyond_the_inputs_has_none() -> None:
    assert len(inputs.span(Inputs(kind="lines", path="x", chunk=5, count=7), 2)) == 0


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=30))
def test_lines_are_those_that_are_not_blank(rows: list[bytes]) -> None:
    found = list(inputs.lines(io.BytesIO(b"\n".join(rows))))
    assert found == [row.rstrip(b"\r") for row in rows if row.strip()]


PATHS = [b"a.jpg", b"b.png", b"plates/1.jpg", b"plates/10.jpg", b"plates/deep/er/2.jpg", b"x/plates/3.jpg"]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*.jpg", [b"a.jpg"]),
        ("plates/*.jpg", [b"plates/1.jpg", b"plates/10.jpg"]),
        ("./plates//?.jpg", [b"plates/1.jpg"]),
        ("plates/[2-9].jpg", []),
        (
            "**/*.jpg",
            [b"a.jpg", b"plates/1.jpg", b"plates/10.jpg", b"plates/deep/er/2.jpg", b"x/plates/3.jpg"],
        ),
        ("plates/**", [b"plates/1.jpg", b"plates/10.jpg", b"plates/deep/er/2.jpg"]),
        ("plates/**/2.jpg", [b"plates/deep/er/2.jpg"]),
        (
            "**/plates/**/*.jpg",
            [b"plates/1.jpg", b"plates/10.jpg", b"plates/deep/er/2.jpg", b"x/plates/3.jpg"],
        ),
        ("plates", []),
        ("", []),
    ],
)
def test_patterns_match_as_a_shell_with_double_stars_does(pattern: str, wanted: list[bytes]) -> None:
    assert inputs.matching(pattern, reversed(PATHS)) == wanted


NAMES = st.text(alphabet="ab*", min_size=1, max_size=3)


@given(
    st.lists(st.one_of(NAMES, st.just("**")), min_size=1, max_size=5),
    st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=5),
)
def test_patterns_match_what_their_definition_says(pattern: list[str], path: list[str]) -> None:
    def plainly(pattern: list[str], path: list[str]) -> bool:
        if not pattern:
            return not path
        if pattern[0] == "**":
            return any(plainly(pattern[1:], path[skip:]) for skip in range(len(path) + 1))
        return bool(path) and fnmatchcase(path[0], pattern[0]) and plainly(pattern[1:], path[1:])

    raw = "/".join(path).encode()
    assert bool(inputs.matching("/".join(pattern), [raw])) == plainly(pattern, path)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert inputs.matching("/".join(["**", "a"] * 40 + ["b"]), [b"/".join([b"a"] * 400)] * 20) == []


def test_a_name_that_is_not_utf8_is_matched_and_kept() -> None:
    assert inputs.matching("plates/*", [b"plates/\xff.jpg"]) == [b"plates/\xff.jpg"]


def test_files_reach_the_child_as_one_path_a_line(tmp_path: Path) -> None:
    given = spec(kind="files", path="plates/*.jpg", chunk=1, count=2)
    for shard, wanted in enumerate((b"plates/1.jpg\n", b"plates/10.jpg\n")):
        target = write_input(given, shard, tmp_path, PATHS, tmp_path)
        assert target is not None and target.read_bytes() == wanted


def test_a_limit_takes_the_first_inputs_only(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"1\n2\n\n3\n4\n5\n")
    given = spec(kind="lines", path="rows.jsonl", chunk=2, count=3)
    target = write_input(given, 1, tmp_path, [], tmp_path)
    assert target is not None and target.read_bytes() == b"3\n"


def test_a_run_without_inputs_gets_no_file(tmp_path: Path) -> None:
    assert write_input(spec(), 0, tmp_path, PATHS, tmp_path) is None


def test_a_name_with_a_line_break_is_refused_rather_than_split(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line break"):
        write_input(spec(kind="files", path="*", chunk=1, count=1), 0, tmp_path, [b"a\nb"], tmp_path)
