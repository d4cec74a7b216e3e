"""Notices on a desktop: a session bus of the test's own, with what shows notices, or what does not."""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.tell import desktop
from agent.daemon.tell.desktop import Desktop, NoDesktop, has_desktop, plain
from agent.daemon.tell.notices import Notice

NOTICE = Notice(title="hybrid: p", text="Run r1 is done.\nhybrid grade r1")
PATH, NAME = "/org/freedesktop/Notifications", "org.freedesktop.Notifications"
INTERFACE = f"""<node><interface name="{NAME}"><method name="Notify">
{"".join(f'<arg type="{kind}" direction="in"/>' for kind in ("s", "u", "s", "s", "s", "as", "a{sv}", "i"))}
<arg type="u" direction="out"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation">{'<arg type="s" direction="out"/>' * 4}</method></interface></node>"""
BUS = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""


# Elsewhere notices would be shown to who runs the tests.
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a session bus")
pytestmark = pytest.mark.platform


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a session bus where nothing is started by itself."""
    program = shutil.which("dbus-daemon")
    if program is None:
        if os.environ.get("HYBRID_REQUIRE_SYSTEM") == "1":
            pytest.fail("there is no dbus-daemon here")
        pytest.skip("there is no dbus-daemon here")
    (tmp_path / "bus.conf").write_text(BUS.format(path=tmp_path / "bus"))
    words = [
        program,
        f"--config-file={tmp_path / 'bus.conf'}",
        "--nofork",
        "--nopidfile",
        "--print-address=1",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            yield address
        finally:
            process.terminate()


class Shown(threading.Thread):
    """What shows notices on the bus at ``address``; one that hangs answers all but the notice itself."""

    def __init__(self, address: str, *, hangs: bool = False) -> None:
        super().__init__()
        self.found: list[list[object]] = []
        self._address, self._hangs = address, hangs
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    def __enter__(self) -> "Shown":
        self.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join()
        self._loop.close()

    def run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        from dbus_fast.aio import MessageBus

        connection = await MessageBus(bus_address=self._address).connect()
        connection.add_message_handler(self._answer)
        await connection.request_name(NAME)
        self._ready.set()
        await self._over.wait()
        connection.disconnect()

    def _answer(self, message):  # type: ignore[no-untyped-def]
        from dbus_fast import Message, MessageType

        if message.message_type is not MessageType.METHOD_CALL or message.path != PATH:
            return None
        if message.member == "Notify":
            self.found.append(message.body)
            return True if self._hangs else Message.new_method_return(message, "u", [1])
        answers = {
            "Introspect": ("s", [INTERFACE]),
            "GetCapabilities": ("as", [["body", "body-markup"]]),
            "GetServerInformation": ("ssss", ["test", "test", "1", "1.2"]),
        }
        return Message.new_method_return(message, *answers[message.member])


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="agent")
    return caplog


def lines(logged: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in logged.records if each.name.startswith(("agent", "desktop_notifier"))]


def until(condition: object, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@ON_LINUX
def test_a_notice_reaches_what_shows_them(bus: str, logged: pytest.LogCaptureFixture) -> None:
    screen = Desktop()
    with Shown(bus) as shown:
        screen.show(NOTICE)
        screen.show(Notice(title="again", text="<img src='x'>&"))
        until(lambda: len(shown.found) == 2)
        screen.close(60)
    name, _, _, title, text, *_ = shown.found[0]
    assert (name, title, text) == ("hybrid", NOTICE.title, NOTICE.text)
    assert shown.found[1][3:5] == ["again", "‹img src='x'›&"]
    assert lines(logged) == []


def its_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "notices"]


def test_a_desktop_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "_MOST_WAITING", 2)
    tried: list[Notice] = []
    wakes_up = threading.Event()

    def hang(notice: Notice) -> None:
        tried.append(notice)
        wakes_up.wait()

    screen = Desktop(hang)
    # Whoever waited for it would wait until then, and not for ever.
    rescue = threading.Timer(60, wakes_up.set)
    rescue.start()
    try:
        for _ in range(100):
            screen.show(NOTICE)
        until(lambda: tried)
        screen.close(0.2)
        assert not wakes_up.is_set()
        [thread] = its_threads()
        assert thread.daemon, "the end of the agent does not wait for it either"
    finally:
        rescue.cancel()
        wakes_up.set()
    for each in (thread, rescue):
        each.join(60)
        assert not each.is_alive()
    assert len(tried) <= 3, "what comes while it hangs and others wait is left out"


@ON_LINUX
def test_a_desktop_that_never_answers_is_given_up_and_told_of_once(
    bus: str, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "LONGEST_S", 1.0)
    monkeypatch.setattr(desktop, "_MOST_WAITING", 2)
    screen = Desktop()
    with Shown(bus, hangs=True) as shown:
        for _ in range(100):
            screen.show(NOTICE)
        assert len(shown.found) < 50, "it waits for none of them"

        def goes_on() -> bool:
            screen.show(NOTICE)
            return len(shown.found) >= 2

        until(goes_on)
        [thread] = its_threads()
        screen.close(0.2)
        thread.join(60)
        assert not thread.is_alive()
    assert len(lines(logged)) == 1 and "TimeoutError" in lines(logged)[0]


@ON_LINUX
def test_a_bus_without_a_desktop_is_silent(bus: str, logged: pytest.LogCaptureFixture) -> None:
    screen = Desktop()
    for _ in range(3):
        screen.show(NOTICE)
    screen.close(60)
    assert [each.levelno for each in logged.records if each.name.startswith("agent")] == [logging.DEBUG]
    assert "nothing on this desktop takes notices" in lines(logged)[0]


@ON_LINUX
@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus", "nonsense"])
def test_without_a_bus_it_is_silent(
    address: str, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.delenv("DISPLAY", raising=False)
    screen = Desktop()
    screen.show(NOTICE)
    screen.close(60)
    assert len(lines(logged)) == 1


@ON_LINUX
def test_without_the_library_it_is_silent(
    bus: str, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    screen = Desktop()
    screen.show(NOTICE)
    screen.close(60)
    assert len(lines(logged)) == 1 and "desktop_notifier" in lines(logged)[0]


def test_each_kind_of_failure_is_logged_once(logged: pytest.LogCaptureFixture) -> None:
    failures = iter([NoDesktop("a"), NoDesktop("b"), OSError("c"), NoDesktop("d")])

    def fail(notice: Notice) -> None:
        raise next(failures)

    screen = Desktop(fail)
    for _ in range(4):
        screen.show(NOTICE)
    screen.close(60)
    screen.close(60)
    assert [each.rpartition(" ")[2] for each in lines(logged)] == ["a", "c"]


def test_an_agent_that_shows_nothing_has_no_thread_for_it() -> None:
    Desktop().close()
    assert "notices" not in [each.name for each in threading.enumerate()]


def test_a_session_is_needed_where_there_may_be_none() -> None:
    assert has_desktop("darwin", {}) and has_desktop("win32", {})
    assert has_desktop("linux", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/x"})
    assert not has_desktop("linux", {"DISPLAY": ":0"})
    assert plain(NOTICE) == NOTICE
