"""The names in ``docs/protocol.md`` are those of the code."""

from pathlib import Path

import pytest

from sync.mailbox.layout import parse_run_file, parse_snapshot

PAGE = Path(__file__).parents[4] / "docs" / "protocol.md"


def rows() -> list[str]:
    """The names in the page's tree, with something in the place of each placeholder."""
    values = {
        "<laptop>": "k3f9",
        "<worker>": "w7ab",
        "<sha256>": "0" * 64,
        "<run>": "a-run",
        "<shard>": "3",
        "<epoch>": "2",
        ".<n>-<seq>": ".1-000001",
        "snapshots/k3f9-<seq>": "snapshots/k3f9-00000001",
        "tick-<n>": "tick-000001",
        "<n>": "1",
    }
    names = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(("| `runs/", "| `snapshots/")):
            name = line.split("`")[1]
            for placeholder, value in values.items():
                name = name.replace(placeholder, value)
            names.append(name)
    return names


@pytest.mark.parametrize("path", rows())
def test_every_name_in_the_page_is_one_that_the_code_knows(path: str) -> None:
    folder, _, name = path.rpartition("/")
    if name in ("spec.json", "0" * 64 + ".pack"):
        return
    assert (parse_snapshot(name) if folder == "snapshots" else parse_run_file(name)) is not None


def test_the_page_names_every_kind() -> None:
    text = " ".join(rows())
    for kind in (
        "hello",
        "claim",
        "yield",
        "broken",
        "tick",
        "start",
        "done",
        "failed",
        "left",
        "out",
        "ckpt",
    ):
        assert f"w7ab.{kind}" in text
    for kind in ("spec", "stop", "accepted", "released"):
        assert f"/{kind}" in text
