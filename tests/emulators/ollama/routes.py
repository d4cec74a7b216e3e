"""The endpoints: Ollama's own, those of ``/v1``, and one of the emulator's own that tells its counts."""

import datetime
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import parsing, wire
from .asked import Asked, Refusal
from .connection import Gone
from .faults import Fault, Kind
from .generation import Engine
from .http_server import Exchange
from .models import Model, full_name, in_tags, shown
from .pieces import Final, HangUp, Piece
from .pulling import Downloads

_GENERATING = ("/api/chat", "/api/generate", "/v1/chat/completions")
_NUMBERED_CONTEXT = (0, 9, 7)  # since when /api/ps tells the context


class Routes:
    def __init__(
        self,
        engine: Engine,
        downloads: Downloads,
        library: Sequence[Model],
        requests: list[Asked],
        counts: Callable[[], dict[str, float]],
    ) -> None:
        self._engine = engine
        self._downloads = downloads
        self._library = {full_name(each.name): each for each in library}
        self._requests = requests
        self._counts = counts

    def serve(self, exchange: Exchange) -> None:
        """Raises Gone, HangUp and ConnectionError where the connection is to end."""
        path = exchange.path.partition("?")[0]
        try:
            if exchange.command == "POST" and path in _GENERATING:
                self._generate(exchange, path)
            elif exchange.command == "POST" and path == "/api/pull":
                self._pull(exchange)
            else:
                body = exchange.body() if exchange.command in ("POST", "DELETE") else None
                self._strike(exchange, path)
                self._tell(exchange, path, body)
        except Refusal as refusal:
            self._refuse(exchange, path, refusal)

    def _refuse(self, exchange: Exchange, path: str, refusal: Refusal) -> None:
        if exchange.is_streaming:
            exchange.stream_line({"error": str(refusal)})
            exchange.end_stream()
            return
        own = {"error": str(refusal)}
        like_openai = wire.openai_error(refusal.status, str(refusal))
        exchange.send_json(refusal.status, like_openai if path.startswith("/v1/") else own)

    def _generate(self, exchange: Exchange, path: str) -> None:
        body = exchange.body()
        number, arrived = len(self._requests), time.monotonic()
        try:
            asked = (
                parsing.openai(number, path, body)
                if path.startswith("/v1/")
                else parsing.native(number, path, body, self._engine.version)
            )
        except Refusal as refusal:
            given = body if isinstance(body, dict) else {}
            self._requests.append(
                Asked(number=number, path=path, body=given, outcome="refused", status=refusal.status)
            )
            raise
        asked.arrived = arrived
        self._requests.append(asked)
        try:
            self._reply(exchange, asked)
        except Refusal as refusal:
            asked.status = 200 if exchange.is_streaming else refusal.status
            asked.outcome = "failed" if asked.status in (200, 500) else "refused"
            raise
        except (Gone, ConnectionError):
            asked.outcome = "abandoned"
            raise
        except HangUp:
            asked.outcome = "failed"
            raise

    def _reply(self, exchange: Exchange, asked: Asked) -> None:
        pieces: list[Piece] = []
        final: Final | None = None
        for each in self._engine.reply(asked, exchange.client):
            if isinstance(each, Final):
                final = each
            else:
                pieces.append(each)
                if asked.stream:
                    self._stream(exchange, asked, each, None)
        asked.reply = "".join(each.text for each in pieces if not each.is_thought)
        asked.status = 200
        asked.outcome = "answered" if final else "failed"
        if asked.stream:
            if final:
                self._stream(exchange, asked, None, final)
            if asked.path.startswith("/v1/"):
                exchange.stream(wire.event(asked, None, None), "text/event-stream")
            exchange.end_stream()
        elif asked.path.startswith("/v1/"):
            exchange.send_json(200, wire.completion(asked, pieces, final))
        else:
            exchange.send_json(200, wire.record(asked, self._engine.find(asked.model), pieces, final))

    def _stream(self, exchange: Exchange, asked: Asked, piece: Piece | None, final: Final | None) -> None:
        if asked.path.startswith("/v1/"):
            exchange.stream(wire.event(asked, piece, final), "text/event-stream")
        else:
            model = self._engine.find(asked.model)
            exchange.stream_line(wire.record(asked, model, [piece] if piece else [], final))

    def _pull(self, exchange: Exchange) -> None:
        body = exchange.body()
        name = full_name(str(body.get("model") or body.get("name") or ""))
        fault = self._plain_fault("/api/pull")
        if fault and fault.kind is Kind.STATUS:
            raise Refusal(fault.status, fault.text)
        model = self._library.get(name) or self._engine.models.get(name)
        lines = self._downloads.lines(model, fault, exchange.client, self._arrived)
        if body.get("stream", True):
            for line in lines:
                exchange.stream_line(line)
            exchange.end_stream()
        else:
            exchange.send_json(200, list(lines)[-1])

    def _arrived(self, model: Model) -> None:
        self._engine.models[full_name(model.name)] = model

    def _strike(self, exchange: Exchange, path: str) -> None:
        fault = self._plain_fault(path)
        match fault.kind if fault else None:
            case Kind.STATUS:
                assert fault
                raise Refusal(fault.status, fault.text)
            case Kind.HANG_UP:
                raise HangUp
            case Kind.STALLED:
                exchange.client.pause(float("inf"))
            case Kind.SLOW:
                exchange.client.pause((fault.seconds if fault else None) or 0.0)

    def _plain_fault(self, path: str) -> Fault | None:
        return self._engine.plan.strikes(Asked(number=-1, path=path, body={}))

    def _tell(self, exchange: Exchange, path: str, body: Any) -> None:
        engine = self._engine
        match (exchange.command, path):
            case ("GET" | "HEAD", "/"):
                exchange.send(200, b"Ollama is running", "text/plain; charset=utf-8")
            case ("GET" | "HEAD", "/api/version"):
                exchange.send_json(200, {"version": engine.told_version})
            case ("GET" | "HEAD", "/api/tags"):
                exchange.send_json(200, {"models": [in_tags(each) for each in engine.models.values()]})
            case ("GET", "/api/status"):
                exchange.send_json(200, {"cloud": {"disabled": engine.no_cloud, "source": "none"}})
            case ("GET", "/api/ps"):
                exchange.send_json(200, {"models": list(self._resident())})
            case ("GET", "/v1/models"):
                made = {"object": "model", "created": 1_777_888_999, "owned_by": "library"}
                data = [{"id": each.name} | made for each in engine.models.values()]
                exchange.send_json(200, {"object": "list", "data": data})
            case ("POST", "/api/show"):
                exchange.send_json(200, self._shown(body))
            case ("GET", "/emulator/counts"):
                exchange.send(200, json.dumps(self._counts()).encode())
            case _:
                exchange.send(404, b"404 page not found", "text/plain")

    def _shown(self, body: Any) -> dict[str, Any]:
        name = body.get("model") or body.get("name") if isinstance(body, dict) else None
        if not name:
            raise Refusal(400, "model is required")
        model = self._engine.find(name)
        if model.remote_host and self._engine.no_cloud:
            raise Refusal(403, "ollama cloud is disabled: remote model details are unavailable")
        return shown(model)

    def _resident(self) -> Iterator[dict[str, Any]]:
        for runner in self._engine.memory.resident():
            model = runner.model
            left_s = min(runner.keep_alive_s if runner.users else runner.expires - time.monotonic(), 3e9)
            expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=left_s)
            entry = {
                "name": model.name,
                "model": model.name,
                "size": model.size,
                "digest": model.digest,
                "details": model.details(),
                "expires_at": expires.isoformat(),
                "size_vram": 0,
            }
            known = self._engine.version >= _NUMBERED_CONTEXT
            yield entry | ({"context_length": runner.options.num_ctx} if known else {})
