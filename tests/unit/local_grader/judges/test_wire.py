"""No wait is without an end, no key and no sample goes where nobody sent it."""

import gzip
import time
from collections.abc import Iterator

import httpx
import pytest

from local_grader.judges.wire import Line, Patience, Pool, Wire
from sync.clock import SystemClock
from tests.support.answering import Answer, Server, raw, serving, told

PATIENCE = Patience(silence_s=0.5, total_s=1.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/ok": told({"fine": True})}) as server:
        yield server


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    line = Line(server.url, Wire(Pool(server.url), SystemClock(), PATIENCE, {"/ask": {"truncate": False}}))
    yield line
    line.close()


def test_fields_that_a_client_does_not_know_are_added_where_they_belong(server: Server, line: Line) -> None:
    server.answers["/ask"] = told({})
    line.post("/ask", {"a": "é"})
    line.post("/ok", {"a": 1})
    assert server.asked("/ask")[0].body == {"a": "é", "truncate": False}
    assert server.asked("/ok")[0].body == {"a": 1}


def test_a_key_is_taken_out_whoever_put_it_in(server: Server) -> None:
    wire = Wire(Pool(server.url), SystemClock(), PATIENCE)
    with httpx.Client(
        base_url=server.url, transport=wire, headers={"Authorization": "Bearer secret"}
    ) as client:
        client.get("/ok")
    assert "secret" not in str(server.requests)


def test_silence_ends_a_request(server: Server, line: Line) -> None:
    server.answers["/ask"] = server.dribble(b"x", every_s=30)
    with pytest.raises(httpx.ReadTimeout):
        line.get("/ask")


def test_a_server_that_dribbles_ends_a_request_too(server: Server, line: Line) -> None:
    server.answers["/ask"] = server.dribble(b" ", every_s=0.05)
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        line.get("/ask")
    assert 0.9 < time.monotonic() - began < 3.0


def test_what_never_ends_is_not_kept(server: Server, line: Line) -> None:
    server.answers["/ask"] = raw(*[b"x" * 2**20] * 40)
    with pytest.raises(httpx.RemoteProtocolError):
        line.get("/ask")


def test_nothing_is_unpacked(server: Server, line: Line) -> None:
    packed = gzip.compress(b"{" + b" " * 2**20 + b"}")
    server.answers["/ask"] = lambda _: Answer(body=[packed], headers={"Content-Encoding": "gzip"})
    with pytest.raises(ValueError):
        line.get("/ask")
    assert server.asked("/ask")[0].headers["accept-encoding"] == "identity"


def test_nobody_is_led_elsewhere(server: Server, line: Line) -> None:
    server.answers["/ask"] = lambda _: Answer(status=302, headers={"Location": f"{server.url}/ok"})
    with pytest.raises(httpx.HTTPStatusError):
        line.get("/ask")
    assert server.asked("/ok") == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b"[" * 200_000, b"\xff\xfe\x00", b"{"])
def test_what_is_no_json_object_is_a_value_error(server: Server, line: Line, body: bytes) -> None:
    server.answers["/ask"] = raw(body)
    with pytest.raises(ValueError):
        line.get("/ask")


def test_an_https_endpoint_is_verified(server: Server) -> None:
    """The server speaks no TLS at all; what matters is that ours is begun, and that it fails."""
    url = server.url.replace("http:", "https:")
    line = Line(url, Wire(Pool(url), SystemClock(), PATIENCE))
    with pytest.raises(httpx.TransportError, match="SSL"):
        line.get("/ok")
    line.close()
