"""The HTTP below all judges: every wait has an end, nothing of the user's surroundings joins in, no key is sent.

Proxies that environment variables name are not used, for they would swallow what is meant for this machine, and
redirects are not followed, for they may lead elsewhere. ``Wire`` is passed to a client as its transport, so that the
rules hold for clients that we did not write, too.
"""

import json
import socket
import ssl
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from sync.clock import Clock

_CONNECT_S = 10.0
_MOST_BYTES = 32 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """``silence_s`` seconds without a byte, or ``total_s`` seconds altogether (None: no limit), end a request."""

    silence_s: float
    total_s: float | None


class Pool:
    """The connections of a judge: made when they are needed, as many as there are threads that ask.

    Who waits for a model that writes for minutes cannot be told to stop, so its connection is cut: it ends with an error,
    and the server, which notices, works no longer for nobody.
    """

    def __init__(self, url: str) -> None:
        # Reading the certificates that all trust takes 0.1 s, and nothing but https needs them.
        trusted = url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        self._transport = httpx.HTTPTransport(verify=trusted, limits=limits)
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError."""
        request.extensions = {**request.extensions, "trace": self._traced}
        return self._transport.handle_request(request)

    def cut(self) -> None:
        """Ends what is under way, from any thread. What is sent afterwards has a connection of its own."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            _shut(each)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self.cut()
        self._transport.close()

    def _traced(self, event: str, told: Mapping[str, Any]) -> None:
        if event not in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            return
        found = told["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets.add(found)
            closed = self._closed
        if closed:
            _shut(found)


class Wire(httpx.BaseTransport):
    """One view of a pool of connections, which several share, with its own patience.

    ``extra`` is added to the JSON body of requests whose path ends in the key: fields of the protocol that the client
    above does not know. Responses of a ``total_s`` may not be longer than 32 MiB either. Closing it closes the pool.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        patience: Patience,
        extra: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._patience = patience
        self._extra = dict(extra or {})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        total = self._patience.total_s
        silence = self._patience.silence_s if total is None else min(self._patience.silence_s, total)
        deadline = None if total is None else self._clock.monotonic() + total
        response = self._pool.handle_request(self._prepared(request, silence))
        assert isinstance(response.stream, httpx.SyncByteStream)
        headers = httpx.Headers(response.headers)
        headers.pop("content-encoding", None)  # nothing is unpacked: a few bytes could be many
        return httpx.Response(
            response.status_code,
            headers=headers,
            stream=_Bounded(response.stream, self._clock, deadline),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()

    def _prepared(self, request: httpx.Request, silence: float) -> httpx.Request:
        headers = httpx.Headers(request.headers)
        headers.pop("authorization", None)  # the ollama package adds OLLAMA_API_KEY to whatever host it asks
        headers["accept-encoding"] = "identity"
        body = request.read()
        for path, fields in self._extra.items():
            if body and request.url.path.endswith(path):
                body = json.dumps({**json.loads(body), **fields}).encode()
                headers["content-length"] = str(len(body))
        waits = dict.fromkeys(("read", "write", "pool"), silence) | {"connect": min(silence, _CONNECT_S)}
        return httpx.Request(
            request.method, request.url, headers=headers, content=body, extensions={"timeout": waits}
        )


class _Bounded(httpx.SyncByteStream):
    """A server that dribbles on for ever is one that does not answer."""

    def __init__(self, stream: httpx.SyncByteStream, clock: Clock, deadline: float | None) -> None:
        self._stream = stream
        self._clock = clock
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        taken = 0
        for chunk in self._stream:
            taken += len(chunk)
            if self._deadline is not None:
                if self._clock.monotonic() > self._deadline:
                    raise httpx.ReadTimeout("the reply did not end in time")
                if taken > _MOST_BYTES:
                    raise httpx.RemoteProtocolError("the reply is far too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it was closed meanwhile
        connection.shutdown(socket.SHUT_RDWR)


class Line:
    """Short questions to a server about itself: JSON objects, there and back."""

    def __init__(self, base: str, wire: Wire) -> None:
        self._client = httpx.Client(base_url=base, transport=wire, trust_env=False, follow_redirects=False)

    def get(self, path: str) -> Mapping[str, object]:
        """Raises httpx.HTTPError (HTTPStatusError where the status says no), ValueError where no JSON object comes."""
        return self._read(self._client.get(path))

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Raises as ``get`` does."""
        return self._read(self._client.post(path, json=body))

    def close(self) -> None:
        self._client.close()

    def _read(self, response: httpx.Response) -> Mapping[str, object]:
        response.raise_for_status()
        try:
            found = response.json()
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        return found
