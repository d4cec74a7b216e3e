"""Fetching a model: progress layer by layer, which goes on where the last attempt ended."""

from collections.abc import Callable, Iterator
from typing import Any

from .asked import Refusal
from .connection import Connection
from .faults import Fault, Kind
from .models import Model
from .pieces import HangUp

_STEPS = 20


class Downloads:
    """What is on the disk of each layer, also of pulls that broke off."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self.have: dict[str, int] = {}

    def lines(
        self, model: Model | None, fault: Fault | None, connection: Connection, done: Callable[[Model], None]
    ) -> Iterator[dict[str, Any]]:
        """The lines of the reply; ``done`` is called before the last. Raises Refusal, HangUp and Gone."""
        count = 0
        yield {"status": "pulling manifest"}
        if model is None:
            raise Refusal(500, "pull model manifest: file does not exist")
        for digest, total in model.layers().items():
            line = {"status": f"pulling {digest.partition(':')[2][:12]}", "digest": digest, "total": total}
            yield dict(line)
            have = self.have.get(digest, 0)
            while have < total:
                if fault and count >= fault.pieces:
                    _break(fault, connection)
                count += 1
                step = min(total - have, -(-total // _STEPS))
                connection.pause(step / self._per_s)
                have += step
                self.have[digest] = have
                yield line | {"completed": have}
            if have == total:
                yield line | {"completed": total}
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        done(model)
        yield {"status": "success"}


def _break(fault: Fault, connection: Connection) -> None:
    match fault.kind:
        case Kind.STALLED:
            connection.pause(float("inf"))
        case Kind.HANG_UP:
            raise HangUp
        case Kind.SLOW:
            connection.pause(fault.seconds or 0.0)
        case _:
            raise Refusal(500, fault.text or "max retries exceeded: unexpected EOF")
