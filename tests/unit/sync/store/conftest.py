"""Folders that trees are laid out in, and both ways to lay them out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.trees import fingerprint, make_tree
from tests.unit.sync.store.shelf import Shelf


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture(params=[False, True], ids=["seen", "unseen"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """A shelf that lays out trees in folders that others look into, or not."""
    shelf = Shelf()
    shelf.unseen = request.param
    return shelf


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the target that must never change."""
    folder = make_tree(tmp_path / "outside", {"precious": b"precious"})
    before = fingerprint(folder)
    yield folder
    assert fingerprint(folder) == before
