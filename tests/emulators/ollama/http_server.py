"""Sockets: a threaded HTTP server that knows its connections, so that they can be cut, and a handler that can stream."""

import json
import os
import re
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from .asked import Refusal
from .connection import Connection, Gone
from .pieces import HangUp

_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])?(:\d+)?")


class Listener(socketserver.ThreadingMixIn, HTTPServer):
    """``serve(exchange)`` answers one request. Closing it ends all connections and waits for their threads."""

    daemon_threads = False
    allow_reuse_address = os.name != "nt"
    request_queue_size = 512

    def __init__(self, port: int, serve: Callable[["Exchange"], None]) -> None:
        super().__init__(("127.0.0.1", port), Exchange)
        self.serve = serve
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="emulated Ollama"
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        with self._lock:
            self._open.add(sock)
        return sock, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def kill_connections(self) -> None:
        with self._lock:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it is closed already

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.socket.close()
        self.kill_connections()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error of the server; anything else should be seen."""
        if not self.stopping.is_set():
            super().handle_error(request, client_address)


class Exchange(BaseHTTPRequestHandler):
    """One connection, with its requests one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.client = Connection(self.connection, self.server.stopping)
        self._is_streaming = False

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_HEAD = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Tests have no use for a log."""

    def body(self) -> Any:
        """Raises Refusal (400)."""
        size = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(size)
        try:
            return json.loads(content)
        except ValueError:
            raise Refusal(400, "invalid character at the beginning of value") from None

    def send(self, status: int, content: bytes, kind: str = "application/json; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def send_json(self, status: int, content: Any) -> None:
        self.send(status, json.dumps(content, ensure_ascii=False).encode())

    def stream(self, chunk: bytes, kind: str = "application/x-ndjson") -> None:
        """The first chunk brings the status 200."""
        if not self._is_streaming:
            self._is_streaming = True
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    def stream_line(self, content: Any) -> None:
        self.stream(json.dumps(content, ensure_ascii=False).encode() + b"\n")

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        self._is_streaming = False

    @property
    def is_streaming(self) -> bool:
        return self._is_streaming

    def _answer(self) -> None:
        try:
            if not _OWN_HOST.fullmatch(self.headers.get("Host", "")):
                self.send(403, b"", "text/plain")
                return
            self.server.serve(self)
        except (Gone, HangUp, ConnectionError):
            self.close_connection = True
