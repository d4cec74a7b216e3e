"""paramiko's transport, in a hurry: what does not depend on an answer is sent before that answer is there.

A login is asked for together with the service that grants it. Where the server is OpenSSH, the channel, SFTP and the
first requests on it follow in the same breath: it takes up one message after another, so that by then the login is
granted, or they are refused one by one. This counts on the first channel being the server's number 0, which is looked
at afterwards. All of it is sent only after the host's key was verified.

A line on which nothing moves any more is given up, also by those who are still sending.
"""

import socket
import struct
import threading
import weakref
from collections import deque
from collections.abc import Callable

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.buffered_pipe import PipeTimeout
from paramiko.common import (
    cMSG_CHANNEL_DATA,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_REQUEST,
)
from paramiko.packet import Packetizer
from paramiko.transport import ServiceRequestingTransport

from ..clock import SystemClock
from .start import VERSION

STALL_S = 60.0
_WINDOW = 16 * 1024 * 1024
_MAX_PACKET = (
    256 * 1024 - 1024
)  # an OpenSSH server sends as much at a time; 256 KiB is the end of what SSH allows


class Ahead:
    """An SFTP channel that is used before anybody said that it is open."""

    def __init__(self, transport: "Transport", first: bytes) -> None:
        self._transport = transport
        self._size = len(first)
        self.channel, self._answered, opening = transport.announce_channel()
        self.messages = [
            opening,
            _message(cMSG_CHANNEL_REQUEST, 0, "subsystem", True, "sftp"),
            _message(cMSG_CHANNEL_DATA, 0, first),
        ]

    def opened(self, timeout: float) -> paramiko.Channel:
        """The channel, once the server said that it is there. Raises SSHException, and TimeoutError."""
        clock = SystemClock()
        end = clock.monotonic() + timeout
        while not self._answered.wait(0.1) and self._transport.is_active():
            _check(clock.monotonic() < end)
        channel = self.channel
        if not channel.active or channel.remote_chanid != 0:
            raise self._transport.get_exception() or paramiko.SSHException("no channel was opened")
        with channel.lock:
            # What was sent ahead uses up the window like everything else.
            while channel.out_window_size < self._size:
                if channel.closed:
                    raise paramiko.SSHException("the channel was closed")
                _check(clock.monotonic() < end)
                channel.out_buffer_cv.wait(0.1)
            channel.out_window_size -= self._size
        return channel


def _check(in_time: bool) -> None:
    if not in_time:
        raise TimeoutError("no channel was opened in time")


class Transport(ServiceRequestingTransport):
    """A client's transport that asks without waiting. ``ahead`` follows every attempt to log in.

    ``introduced`` where ``VERSION`` was said on ``sock`` already.
    """

    def __init__(self, sock: socket.socket | paramiko.Channel, *, introduced: bool) -> None:
        super().__init__(sock, packetizer_class=_Packetizer)
        self.ahead: Ahead | None = None
        self.local_version = VERSION
        if introduced and isinstance(self.packetizer, _Packetizer):
            self.packetizer.unsaid = f"{VERSION}\r\n".encode()

    @property
    def takes_things_ahead(self) -> bool:
        """Whether the server is known to take up messages in order, and numbers its channels from 0."""
        return self.remote_version.startswith("SSH-2.0-OpenSSH")

    def ensure_session(self) -> None:
        if not self.is_active() or not self.initial_kex_done:
            raise paramiko.SSHException("No existing session")
        if self.auth_handler is None:
            self.packetizer.send_message(_message(cMSG_SERVICE_REQUEST, "ssh-userauth"))
            self.auth_handler = self.get_auth_handler()

    def get_auth_handler(self) -> AuthOnlyHandler:
        return _Login(self)

    def announce_channel(self) -> tuple[paramiko.Channel, threading.Event, paramiko.Message]:
        """As ``open_channel`` begins: a session, what is set when it is answered, and the request for it."""
        with self.lock:
            number: int = self._next_channel()  # type: ignore[attr-defined]
            channel, answered = paramiko.Channel(number), threading.Event()
            self._channels.put(number, channel)  # type: ignore[attr-defined]
            self.channel_events[number] = answered
            self.channels_seen[number] = True
            channel._set_transport(self)  # type: ignore[attr-defined]
            channel._set_window(_WINDOW, _MAX_PACKET)  # type: ignore[attr-defined]
            channel.in_buffer = _Pipe()  # type: ignore[assignment]
        return channel, answered, _message(cMSG_CHANNEL_OPEN, "session", number, _WINDOW, _MAX_PACKET)

    def ask_for_sftp(self, channel: paramiko.Channel) -> None:
        """As ``invoke_subsystem``, which might wait for ever; the server refuses by closing the channel."""
        channel.in_buffer = _Pipe()  # type: ignore[assignment]
        message = _message(cMSG_CHANNEL_REQUEST, channel.remote_chanid, "subsystem", True, "sftp")
        self._send_user_message(message)  # type: ignore[attr-defined]

    def open_session(
        self, window_size: int | None = None, max_packet_size: int | None = None, timeout: float | None = None
    ) -> paramiko.Channel:
        return super().open_session(window_size or _WINDOW, max_packet_size or _MAX_PACKET, timeout)


class _Login(AuthOnlyHandler):
    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._owner = weakref.proxy(transport)

    def send_auth_request(
        self,
        username: str,
        method: str,
        finish_message: Callable[[paramiko.Message], None] | None = None,
    ) -> list[str]:
        self.auth_method, self.username = method, username
        # Made before anything is sent, or an answer could come first and be missed.
        self.auth_event = threading.Event()
        message = _message(cMSG_USERAUTH_REQUEST, username, "ssh-connection", method)
        if finish_message:
            finish_message(message)
        ahead: Ahead | None = self._owner.ahead
        with self.transport.lock:
            for one in (message, *(ahead.messages if ahead else ())):
                self.transport.packetizer.send_message(one)
        try:
            return self.wait_for_response(self.auth_event)
        except paramiko.AuthenticationException as error:
            if self.transport.is_active() and not self.auth_event.is_set():
                raise TimeoutError("the login was not answered") from error
            raise


class _Pipe:
    """What a channel received, handed on packet by packet as it came: paramiko's copies every byte three times.

    It has what ``feed``ing, ``recv`` and closing a channel need.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrived: deque[bytes] = deque()
        self._is_closed = False

    def feed(self, data: bytes) -> None:
        with self._changed:
            self._arrived.append(data)
            self._changed.notify_all()

    def read(self, nbytes: int, timeout: float | None = None) -> bytes:
        """One packet, of whatever size; nothing once the channel is closed. Raises PipeTimeout."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._arrived or self._is_closed, timeout):
                raise PipeTimeout
            return self._arrived.popleft() if self._arrived else b""

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class _Packetizer(Packetizer):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._sock = sock
        self.unsaid = b""  # not to be sent, for the other side has it

    def write_all(self, out: bytes) -> None:  # type: ignore[override]
        """As paramiko's, which waits for ever where nothing is taken. Raises EOFError."""
        if out == self.unsaid:
            self.unsaid = b""
            return
        clock = SystemClock()
        moved = clock.monotonic()
        while out:
            try:
                sent = self._sock.send(out)
            except (TimeoutError, BlockingIOError):
                if self.closed or clock.monotonic() - moved > STALL_S:
                    raise EOFError from None
                continue
            except OSError as error:
                raise EOFError from error
            if sent == 0:
                raise EOFError
            out = out[sent:]
            moved = clock.monotonic()


def _message(kind: bytes, *fields: int | bool | str | bytes) -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(kind)
    for field in fields:
        if isinstance(field, bool):
            message.add_boolean(field)
        elif isinstance(field, int):
            message.add_bytes(struct.pack(">I", field))
        else:
            message.add_string(field)
    return message
