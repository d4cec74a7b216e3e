"""An HTTP server of this machine that answers each path with what a test gives it, however odd, and keeps what came."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``body`` in pieces, each sent by itself; ``headers`` beside that the connection ends with the answer."""

    status: int = 200
    body: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


Answering = Callable[[Request], Answer]


def told(value: object, status: int = 200) -> Answering:
    """Always the same JSON."""
    return lambda _: Answer(status=status, body=[json.dumps(value).encode()])


def lines(*values: object) -> Answering:
    """JSON values, one a line, as Ollama streams them."""
    return lambda _: Answer(body=[json.dumps(each).encode() + b"\n" for each in values])


def raw(*pieces: bytes, status: int = 200) -> Answering:
    return lambda _: Answer(status=status, body=pieces)


@dataclass
class Server:
    """``answers`` by path; any other is not found. It may be changed while the server runs."""

    answers: dict[str, Answering]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def asked(self, path: str) -> list[Request]:
        return [each for each in self.requests if each.path == path]

    def dribble(self, piece: bytes, every_s: float) -> Answering:
        """``piece`` again and again, until nobody listens or the server stops."""

        def pieces() -> Iterator[bytes]:
            while not self.stopping.wait(every_s):
                yield piece

        return lambda _: Answer(body=pieces())


@contextmanager
def serving(answers: Mapping[str, Answering]) -> Iterator[Server]:
    server = Server(dict(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            request = Request(
                path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=body
            )
            server.requests.append(request)
            answer = server.answers.get(self.path, told({"error": "404 page not found"}, 404))(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in answer.body:
                self.wfile.write(piece)
                self.wfile.flush()

        do_POST = do_GET

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = False

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            listening.shutdown()
            thread.join()
