"""The engine that the tests of this folder need, where somebody built it."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.llama_server import LlamaServer
from tests.engine.tiny_model import write_tiny_model

BUILT = Path(__file__).parents[2] / "build" / "engine"
CONTEXT = 1024


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for each in items:
        if each.path.parent == Path(__file__).parent:
            each.add_marker("engine")


@pytest.fixture(scope="session")
def idle_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Nothing is loaded yet. Skips the test where the engine is not built."""
    program, vocabulary = BUILT / "llama-server", BUILT / "vocabulary.gguf"
    if not (BUILT / "version").exists():
        pytest.skip("no llama-server is built here; sh tests/engine/build.sh makes it in some minutes")
    if importlib.util.find_spec("gguf") is None:
        pytest.skip("gguf is not installed, which tests/engine/build.sh does")
    folder = tmp_path_factory.mktemp("engine")
    write_tiny_model(vocabulary, folder / "tiny.gguf", seed=1)
    server = LlamaServer(program, folder / "tiny.gguf", folder)
    yield server
    server.close()


@pytest.fixture
def engine(idle_engine: LlamaServer) -> LlamaServer:
    """Two slots of ``CONTEXT`` tokens each, which remember nothing of earlier tests."""
    idle_engine.load(CONTEXT)
    return idle_engine
