"""What a failed request means, the same for all servers: for this prompt, or for every one of them."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from ..judge import CannotJudge, JudgeUnavailable, ModelMissing
from . import reasons
from .endpoint import Endpoint

MISREAD = (ValueError, AttributeError, TypeError, RecursionError)
"""What clients raise when a server sends something else than its protocol says."""

_SHOWN = 200
_LENGTH = re.compile(
    r"context[ _](length|size|window)|(exceed|longer than).{0,40}context|too (long|many tokens)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Who is asked, and what a user does about it: ``start`` is the command that starts such a server, ``server`` what
    it is called, ``fetch`` a sentence on how it comes by the model."""

    endpoint: Endpoint
    model: str
    server: str
    start: str
    fetch: str

    @classmethod
    def of(cls, model: str, endpoint: Endpoint) -> "Target":
        if endpoint.is_openai:
            return cls(
                endpoint=endpoint,
                model=model,
                server="The server of the model",
                start="say llama-server or vllm serve",
                fetch="Start the server with that model, or name one that it has.",
            )
        return cls(
            endpoint=endpoint,
            model=model,
            server="Ollama",
            start="ollama serve",
            fetch=f"Fetch it: ollama pull {model}",
        )

    @property
    def at(self) -> str:
        return self.endpoint.url


def words(text: str) -> str:
    """What a server said, as one short line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def is_about_length(status: int, said: str) -> bool:
    """Whether a server refuses a prompt because it is too long. Some say so with a status of 500, or after a 200."""
    return status == 413 or bool(_LENGTH.search(said))


def refused(status: int, said: str, target: Target) -> CannotJudge | JudgeUnavailable:
    """The error for a status that is not 200, or -1 where a stream that began well ended with an error."""
    at, said = target.at, words(said)
    told = f"{at} answers with status {status}: {said}" if status > 0 else f"{at} gave up: {said}"
    if is_about_length(status, said):
        return CannotJudge(reasons.TOO_LONG, f"The prompt does not fit into the context: {said}")
    if status in (429, 503):
        return CannotJudge(reasons.BUSY, told, is_busy=True)
    if status == 404 and "model" in said.lower():
        return missing(target)
    if status in (401, 403, 407):
        return JudgeUnavailable(
            f"{at} forbids the request (status {status}): {said}.",
            "Let that server answer without credentials, but only to this machine, or name another with --endpoint.",
        )
    if 300 <= status < 400:
        return JudgeUnavailable(
            f"{at} sends requests elsewhere (status {status}), which is not followed.",
            "Name the endpoint that answers itself.",
        )
    if status in (404, 405, 410, 501):
        return JudgeUnavailable(
            f"{at} does not know the request (status {status}).",
            "Name an endpoint of Ollama; the URL of a server that speaks as OpenAI's does ends in /v1.",
        )
    if 400 <= status < 499 and status not in (408, 425):
        return CannotJudge(reasons.REFUSED, told)
    return CannotJudge(reasons.FAILED, told, is_passing=True)


def asked(ask: Callable[[], Mapping[str, object]], target: Target) -> Mapping[str, object]:
    """What ``ask`` returns. Raises CannotJudge and JudgeUnavailable for what a ``wire.Line`` raises."""
    try:
        return ask()
    except httpx.HTTPStatusError as error:
        raise refused(error.response.status_code, _said(error.response), target) from None
    except (httpx.HTTPError, OSError) as error:
        raise lost(error, target) from None
    except ValueError:
        raise garbled(target) from None


def asked_before(ask: Callable[[], Mapping[str, object]], target: Target) -> Mapping[str, object]:
    """The same before the first sample, where nothing is about one prompt. Raises JudgeUnavailable."""
    try:
        return asked(ask, target)
    except CannotJudge as error:
        raise unavailable(error, target) from None


def _said(response: httpx.Response) -> str:
    """The words of an error, out of the forms that servers give them."""
    try:
        told = response.json()
    except (ValueError, RecursionError):
        return response.text
    error = told.get("error", told) if isinstance(told, dict) else told
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)


def missing(target: Target, there: Sequence[str] = ()) -> ModelMissing:
    """``there`` are the models that the server has."""
    near = difflib.get_close_matches(target.model, there, n=3, cutoff=0.5)
    has = f" It has {', '.join(near or there[:3])}." if there else ""
    return ModelMissing(f"{target.server} at {target.at} has no model {target.model}.{has}", target.fetch)


def lost(error: httpx.HTTPError | OSError, target: Target) -> CannotJudge:
    """The error where no whole response came."""
    at = target.at
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | ConnectionError):
        return CannotJudge(reasons.GONE, f"{target.server} does not answer at {at}.", is_gone=True)
    if isinstance(error, httpx.TimeoutException):
        return CannotJudge(reasons.TIMED_OUT, f"{at} did not answer in time.", is_passing=True)
    told = f"The connection to {at} broke: {words(str(error)) or type(error).__name__}."
    return CannotJudge(reasons.BROKEN_OFF, told, is_passing=True)


def no_room(prompt_tokens: int | None, reply_tokens: int | None, context: int) -> CannotJudge:
    told = f"The prompt has {prompt_tokens} tokens and its reply {reply_tokens}, which fill the context of {context}."
    return CannotJudge(reasons.TOO_LONG, told)


def garbled(target: Target) -> CannotJudge:
    return CannotJudge(
        reasons.GARBLED, f"{target.at} sent something that is no reply of a model.", is_passing=True
    )


def unavailable(error: CannotJudge | JudgeUnavailable, target: Target) -> JudgeUnavailable:
    """What a failure means that comes before the first sample."""
    if isinstance(error, JudgeUnavailable):
        return error
    if error.is_gone:
        hint = f"Start it ({target.start}), or name another endpoint with --endpoint."
        return JudgeUnavailable(str(error), hint)
    if error.reason == reasons.GARBLED:
        return JudgeUnavailable(
            f"What answers at {target.at} is not {target.server}.", "Name another endpoint with --endpoint."
        )
    message = str(error)
    return JudgeUnavailable(
        message if message.endswith(".") else f"{message}.",
        f"See what the server at {target.at} tells in its log.",
    )


def closed(target: Target) -> JudgeUnavailable:
    return JudgeUnavailable(f"The judge {target.model} was let go of.", "Start the grading again.")


def replaced(target: Target) -> JudgeUnavailable:
    return JudgeUnavailable(
        f"The model {target.model} was replaced by another while it judged.",
        "Grade again: what the earlier one decided is kept apart.",
    )
