"""The connections of one SFTP mailbox: opened when a call needs one, shared by calls, dropped when anything is wrong.

One connection serves any number of calls at once. More are opened for large writes alone, and only where that pays:
an OpenSSH server lets no more than its window be under way on one, so on a long and fast line several carry more,
while on a line that one can fill another login would only take time.
"""

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import RemoteError, Transient
from ..ssh.sftp import SftpSession
from ..ssh.sftp_packets import Channel, SftpBroken
from ..ssh.start import begin
from ..ssh.target import HostSpec

if TYPE_CHECKING:
    from ..ssh.connection import SshConnection

LARGE = 4 * 1024 * 1024
_WINDOW = 2 * 1024 * 1024


class _Link:
    """A connection and the session on it, which live and die together. The first call on it connects."""

    def __init__(self, spec: HostSpec, early: bool) -> None:
        self.session = SftpSession(self._connect)
        self.calls = 0
        self.large_writes = 0
        self.early = early
        self._spec = spec
        self._lock = threading.Lock()
        self._connection: SshConnection | None = None
        self._is_closed = False
        self._loss: RemoteError | None = None

    @property
    def is_usable(self) -> bool:
        connection = self._connection
        return not self.session.wire.failure and (connection is None or connection.alive)

    @property
    def is_full(self) -> bool:
        """Whether the large writes on it were held up by the server's window, not by the line."""
        session = self.session
        return session.bytes_per_s * session.wire.round_trip_s > 0.5 * _WINDOW

    def loss(self, error: SftpBroken) -> RemoteError:
        """What it means that the session broke: the same for all whose calls it broke."""
        with self._lock:
            if self._loss is None:
                if self._connection and not self.session.wire.was_greeted:
                    self._loss = self._connection.without_sftp(error)
                else:
                    self._loss = Transient(f"The connection to {self._spec.address} broke: {error}.")
            return self._loss

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            connection = self._connection
        self.session.wire.fail(SftpBroken("the connection was closed"))
        if connection:
            connection.close()

    def _connect(self, first: Callable[[], bytes]) -> Channel:
        dialing = begin(self._spec)
        from ..ssh.connection import SshConnection  # it loads paramiko, while the line is being made

        connection, channel = SshConnection.open_for_sftp(self._spec, first if self.early else None, dialing)
        with self._lock:
            self._connection = connection
            is_closed = self._is_closed
        if is_closed:
            connection.close()
        return channel


class SftpLinks:
    """At most so many connections to ``spec``. Threads may share it."""

    def __init__(self, spec: HostSpec, most: int) -> None:
        self._spec = spec
        self._most = most
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._is_closed = False
        self._early = True

    def __len__(self) -> int:
        return len(self._links)

    @contextmanager
    def session(self, written: int = 0) -> Iterator[SftpSession]:
        """A session for one call, which will write so many bytes.

        Raises what connecting raises, and Transient where the session breaks.
        """
        is_large = written >= LARGE
        link = self._taken(is_large)
        try:
            yield link.session
        except SftpBroken as error:
            raise copy.copy(link.loss(error)) from error
        finally:
            self._give_back(link, is_large)

    def close(self) -> None:
        """Idempotent. Calls that are under way fail."""
        with self._lock:
            self._is_closed = True
            links, self._links = self._links, []
        for link in links:
            link.close()

    def _taken(self, is_large: bool) -> _Link:
        with self._lock:
            if self._is_closed:
                raise ValueError("the remote was closed")
            dead = [link for link in self._links if not link.is_usable]
            self._links = [link for link in self._links if link.is_usable]
            link = min(self._links, key=lambda link: (link.large_writes, link.calls), default=None)
            if link is None or (
                is_large and link.large_writes and link.is_full and len(self._links) < self._most
            ):
                link = _Link(self._spec, self._early)
                self._links.append(link)
            link.calls += 1
            link.large_writes += is_large
        for one in dead:
            one.close()
        return link

    def _give_back(self, link: _Link, was_large: bool) -> None:
        wire = link.session.wire
        with self._lock:
            link.calls -= 1
            link.large_writes -= was_large
            if link.is_usable:
                return
            if link in self._links:
                self._links.remove(link)
            if not wire.was_greeted and isinstance(wire.failure, SftpBroken | Transient):
                self._early = False  # perhaps the server does not take what comes before it asked for it
        link.close()
