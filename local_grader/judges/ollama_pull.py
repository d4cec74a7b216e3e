"""Fetching a model: Ollama does it, and goes on from where it was when it is told to again."""

import httpx
from ollama import Client, ResponseError

from sync.progress import Progress

from ..judge import JudgeUnavailable
from . import refusals


def fetch(client: Client, target: refusals.Target, progress: Progress) -> None:
    """Has the server fetch the model, a phase of ``progress`` for each of its layers. Raises JudgeUnavailable."""
    again = f"Fetch it again, which goes on from there: ollama pull {target.model}"
    meter = _Layers(progress, target.model)
    status = None
    try:
        for part in client.pull(target.model, stream=True):
            status = part.status
            meter.tell(part.digest, part.total, part.completed)
    except ResponseError as error:
        said = refusals.words(str(error.error))
        hint = "Check the name of the model, and whether that machine reaches Ollama's registry."
        raise JudgeUnavailable(f"Ollama at {target.at} cannot fetch {target.model}: {said}.", hint) from None
    except (httpx.HTTPError, OSError) as error:
        told = refusals.unavailable(refusals.lost(error, target), target)
        raise JudgeUnavailable(f"{target.model} is not wholly fetched: {told}", again) from None
    except refusals.MISREAD:
        raise refusals.unavailable(refusals.garbled(target), target) from None
    finally:
        meter.end()
    if status != "success":
        raise JudgeUnavailable(f"{target.model} is not wholly fetched: Ollama stopped telling of it.", again)


class _Layers:
    """Layers as phases. What a server counts twice, or takes back after a failed part, is not counted again."""

    def __init__(self, progress: Progress, model: str) -> None:
        self._progress = progress
        self._model = model
        self._open: str | None = None
        self._done: dict[str, int] = {}

    def tell(self, digest: str | None, total: int | None, completed: int | None) -> None:
        if digest is None or total is None:
            return
        if digest != self._open:
            self.end()
            self._open = digest
            self._progress.start(f"fetching {self._model}", total)
            self._progress.advance(self._done.setdefault(digest, 0))
        more = (completed or 0) - self._done[digest]
        if more > 0:
            self._done[digest] += more
            self._progress.advance(more)

    def end(self) -> None:
        if self._open is not None:
            self._progress.finish()
            self._open = None
