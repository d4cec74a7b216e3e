"""The contract of a judge: one language model that answers a prompt with JSON, and what can go wrong with that."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from sync.errors import HybridError
from sync.progress import Progress

from .scorer import Option


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """``system`` is the same, byte for byte, for all samples of a rubric, so that servers reuse their work on it.

    ``user`` holds the sample, what samples may share (the question) before what they do not (the answer). ``schema`` is
    the JSON schema of the reply; its properties are named so that alphabetical order, in which some servers ask for
    them, is the wanted one.
    """

    system: str
    user: str
    schema: Mapping[str, object]

    @property
    def sha256(self) -> str:
        """Names the prompt by its content, in hex."""
        whole = json.dumps([self.system, self.user, self.schema], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """``text`` as the model wrote it, complete but not yet checked against the schema.

    ``prompt_tokens`` and ``reply_tokens`` as the server counts them; ``served_s`` are the seconds in which it worked on
    this request, without those in which the request waited for a slot; ``load_s`` those of loading the model. Each is
    None where the server does not say.
    """

    text: str
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    served_s: float | None = None
    load_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What decides a judge's verdicts, as far as anybody can know. Part of the journal's key.

    ``model`` as the user names it, ``digest`` of its weights and template (hex; the model's name where a server has
    none), ``server`` with its version, ``options`` all that is sent with every request.
    """

    model: str
    digest: str
    server: str
    options: Mapping[str, Option]

    def sha256(self) -> str:
        """In hex; the server's version is told in reports, and is no reason to ask again."""
        decisive = {name: value for name, value in asdict(self).items() if name != "server"}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


class CannotJudge(Exception):
    """This prompt got no usable reply.

    ``reason`` is a few words that can be counted (``prompt too long``, ``reply cut off``, ``timed out``); ``str(error)``
    is one sentence more. ``is_passing``: the same prompt may be answered if it is sent again. ``is_busy``: the server
    has more to do than it takes, so that fewer should be sent at once. ``is_gone``: nothing answers there just now.
    """

    def __init__(
        self,
        reason: str,
        explanation: str = "",
        *,
        is_passing: bool = False,
        is_busy: bool = False,
        is_gone: bool = False,
    ) -> None:
        super().__init__(explanation or reason)
        self.reason = reason
        self.is_passing = is_passing or is_busy or is_gone
        self.is_busy = is_busy
        self.is_gone = is_gone


class JudgeUnavailable(HybridError):
    """No sample can be judged: no server, no such model, no permission. The hint says what to do."""


class ModelMissing(JudgeUnavailable):
    """The server does not have the model; ``pull`` of the judge may fetch it."""


class NotNow(JudgeUnavailable):
    """Judges are not to be asked at this time: nothing is wrong, and what is left is for another sitting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Who would answer. ``warnings`` are sentences for the user: an old server, a model of which little can be expected."""

    identity: Identity
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared(Seen):
    """Who will answer, now that it is loaded; ``warnings`` are those of a look, and what only loading tells.

    ``context`` is how many tokens prompt and reply may have together, None where nobody knows. ``refuses_overlong``: a
    prompt that is too long was tried and refused; without it, one may be cut.
    """

    context: int | None = None
    refuses_overlong: bool = False


class Judge(Protocol):
    """One model at one endpoint, with options that never change, since a server reloads the model when they do.

    ``look`` asks the server who it is and what the model is, and refuses what can never judge (too old, in a cloud, not
    there). It takes as long as the server takes to say so: nothing is loaded, and the model is asked nothing. Whoever has
    kept the replies of that identity needs no more.

    ``prepare`` comes before the first ``ask``: it looks, loads the model with a patient time-out, and makes sure that a
    prompt that is too long is refused, not cut. It may be called again after the server was away. The identity never
    changes: where another model has taken the name meanwhile, ``look`` and ``prepare`` raise.

    ``ask`` may be called from several threads; it sends the prompt once, never retries, and returns only a reply that the
    model ended by itself. ``attempt`` counts how often this prompt was sent before; it may change the seed and nothing
    else. ``close`` lets go of a model that was loaded here, and of connections, so that whoever still asks gets an error;
    idempotent, raises nothing.

    ``look`` and ``prepare`` raise JudgeUnavailable (ModelMissing), ``ask`` CannotJudge, or JudgeUnavailable where no other
    prompt would do better.
    """

    def look(self) -> Seen: ...

    def prepare(self, progress: Progress) -> Prepared: ...

    def pull(self, progress: Progress) -> None:
        """Has the server fetch the model, in bytes of progress. Raises JudgeUnavailable where it cannot."""

    def ask(self, prompt: Prompt, attempt: int = 0) -> Reply: ...

    def close(self) -> None: ...
