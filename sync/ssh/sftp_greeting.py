"""How an SFTP session begins: versions, what the server can do, and how much it takes at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from .sftp_packets import (
    EXTENDED,
    EXTENDED_REPLY,
    INIT,
    VERSION,
    Channel,
    Fields,
    SftpBroken,
    Stream,
    packet,
    string,
    text,
)

Connect = Callable[[Callable[[], bytes]], Channel]
"""Opens the channel. It may send what its argument returns, once, as the first bytes of the session."""

LIMITS_REQUEST = 0
"""The number of the request for the server's limits, which no other has."""

SAFE_BLOCK = 32 * 1024  # what every server takes
_BEST_BLOCK = 255 * 1024
_LIMITS = "limits@openssh.com"
_HELLO = b"\0\0\0\x05" + bytes([INIT]) + b"\0\0\0\x03"


@dataclass(frozen=True, kw_only=True)
class Greeting:
    """stream             the channel, which speaks SFTP
    extensions         what the server announced
    asked_for_limits   whether ``LIMITS_REQUEST`` was asked and is to be answered
    arrived            what came behind the greeting already
    """

    stream: Stream
    extensions: frozenset[str]
    asked_for_limits: bool
    arrived: list[tuple[int, Fields]]


def greet(connect: Connect, queued: Callable[[], bytes]) -> Greeting:
    """Opens a session; ``queued`` are the first requests, if they may go at once, before the server has greeted.

    A server that is not known is asked for nothing that it did not announce. Raises SftpBroken, and what ``connect``
    raises.
    """
    limits = packet(EXTENDED, LIMITS_REQUEST, string(_LIMITS))
    early: list[bytes] = []

    def first() -> bytes:
        early.append(_HELLO + limits + queued())
        return early[0]

    stream = Stream(connect(first))
    if not early:
        stream.send([_HELLO])
    arrived: list[tuple[int, Fields]] = []
    while not arrived:
        arrived = stream.receive()
    kind, fields = arrived.pop(0)
    if kind != VERSION or fields.u32() < 3:
        raise SftpBroken("the server speaks no SFTP of version 3")
    names = set()
    while fields:
        names.add(text(fields.string()))
        fields.string()
    if not early and _LIMITS in names:
        stream.send([limits])
    return Greeting(
        stream=stream,
        extensions=frozenset(names),
        asked_for_limits=bool(early) or _LIMITS in names,
        arrived=arrived,
    )


def blocks(kind: int, fields: Fields) -> tuple[int, int]:
    """How many bytes to read and to write at a time, from the answer to ``LIMITS_REQUEST``."""
    if kind != EXTENDED_REPLY:
        return SAFE_BLOCK, SAFE_BLOCK
    _, read, write = fields.u64(), fields.u64(), fields.u64()
    return min(read or SAFE_BLOCK, _BEST_BLOCK), min(write or SAFE_BLOCK, _BEST_BLOCK)
