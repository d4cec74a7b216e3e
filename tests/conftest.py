"""What holds for every test: nothing of the user's counts, nothing leaves this machine, nothing is skipped unseen."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.configuration
import pytest

# What a person, or a machine that checks, may say to the tests:
#   HYBRID_TEST_DATA       folder with real data; tests that need it are skipped without
#   HYBRID_REQUIRE_SYSTEM  1: a missing program of the system fails a test instead of skipping it
#   HYBRID_NO_SKIPS        1: any skip is a failure, but for tests marked `platform` or `engine`
_KEPT = ("HYBRID_TEST_DATA", "HYBRID_REQUIRE_SYSTEM", "HYBRID_NO_SKIPS")
_MAY_SKIP = ("platform", "engine")

# Repeatable where machines look on, so that a failure is the change's; new examples each time where people do.
hypothesis.configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hybrid-hypothesis")
hypothesis.settings.register_profile("machine", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("person", database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("machine" if os.environ.get("CI") else "person")


def pytest_configure() -> None:
    # What tests start as processes must not show notices on the desktop of who runs them.
    os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
    for name in [each for each in os.environ if each.startswith("HYBRID_") and each not in _KEPT]:
        del os.environ[name]
    socket.socket.connect = _loopback_only(socket.socket.connect)  # type: ignore[method-assign]
    socket.socket.connect_ex = _loopback_only(socket.socket.connect_ex)  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and os.environ.get("HYBRID_NO_SKIPS") == "1"
        and not any(item.get_closest_marker(each) for each in _MAY_SKIP)
    ):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be: {_reason(report.longrepr)}"
    return report


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and data of "this user" are folders of the test."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HYBRID_CONFIG_DIR", str(home / "config"))
    monkeypatch.setenv("HYBRID_DATA_DIR", str(home / "data"))


@pytest.fixture(scope="session")
def test_data() -> Iterator[Path]:
    """The folder of real data: ``arc_training.jsonl`` and ``seal_answers.jsonl``."""
    folder = os.environ.get("HYBRID_TEST_DATA")
    if not folder:
        pytest.skip("HYBRID_TEST_DATA names no folder of real data")
    yield Path(folder)


def _loopback_only(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            self.close()
            pytest.fail(f"a test reaches out to {address[0]}; only this machine may be talked to")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
