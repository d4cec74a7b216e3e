"""The JSON files of the mailbox: one JSON object, then a line with the SHA-256 of all before it.

    {"worker": "k3f9...", ...}
    sha256:5f1c...

A file that does not match its last line is "not there yet" for its reader. Unknown fields are ignored.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from sync.errors import CorruptMailbox, NewerMailbox
from sync.remotes.base import Remote

from . import PROTOCOL, layout

R = TypeVar("R")
LARGEST_RECORD = 4 * 1024 * 1024
MOST_SHARDS = 100_000
_LARGEST_NUMBER = 2.0**53
_DEEPEST_VALUE = 8
_TARGET = r"[\w.:@%+,/\[\]~=-]{1,253}"
"""One word for a shell, as it is proposed to people as part of a command."""


def seal(document: dict[str, Any]) -> bytes:
    body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def unseal(data: bytes, name: str) -> dict[str, Any]:
    """The document; raises CorruptMailbox, naming ``name``, where the file is not whole and well-formed."""
    body, mark, digest = data.rpartition(b"sha256:")
    if not mark or not body.endswith(b"\n") or digest.strip().decode("ascii", "replace") != _sha256(body):
        raise CorruptMailbox(f"{name} does not match its own SHA-256.")
    try:
        # As text, since from bytes Python would also take UTF-16 and half of a surrogate pair.
        document = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise CorruptMailbox(f"{name} is not JSON.") from error
    if not isinstance(document, dict):
        raise CorruptMailbox(f"{name} is not a JSON object.")
    return document


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Format:
    """``format.json``: what kind of mailbox this is. ``mailbox`` is random, so that a new one is recognised."""

    mailbox: str
    version: int = PROTOCOL


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """How a run's inputs are spread over its shards. ``kind``: ``none``, ``lines`` of a file, or ``files``.

    path   the JSON-lines file, or the pattern that the files match, in the snapshot
    chunk  inputs a shard
    count  inputs in all, after ``--limit``
    """

    kind: str = "none"
    path: str = ""
    chunk: int = 0
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Spec:
    """``spec.json``: one run. Written last, so a run whose spec is visible is ready.

    created     the laptop's wall clock, for people only
    command     argv; ``shell`` holds a line for the shell instead
    target      where its worker must have been started, such as ``local``
    shards      how many, at least 1
    parallel    attempts at a time; 0 lets the runner choose
    max_hours   of one worker's work on the run; 0 is no limit
    """

    run: str = field(metadata={"form": layout.RUN_ID})
    laptop: str = field(metadata={"form": layout.ID})
    created: float
    snapshot: str
    target: str = field(metadata={"form": _TARGET})
    shards: int
    command: list[str] = field(default_factory=list)
    shell: str = ""
    setup: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    retries: int = 1
    sample: bool = False
    env: dict[str, str] = field(default_factory=dict)
    gpu: str = "none"
    parallel: int = 0
    max_hours: float = 0.0
    name: str = ""
    version: int = PROTOCOL

    def __post_init__(self) -> None:
        if not 1 <= self.shards <= MOST_SHARDS:
            raise ValueError(f"a run has 1 to {MOST_SHARDS} shards, not {self.shards}")

    @property
    def sharded(self) -> bool:
        """Whether outputs lie in a folder for each shard."""
        return self.shards > 1 or bool(self.inputs.get("kind", "none") != "none")


@dataclass(frozen=True, kw_only=True)
class Hello:
    """``<worker>.hello``: who works. ``host``, ``boot``, ``pid`` and ``born`` let a process of the same machine see
    at once that the worker is dead."""

    worker: str
    host: str
    boot: str
    pid: int
    born: str
    target: str = ""
    python: str = ""
    gpu: str = ""
    vram_gb: float = 0.0
    codec: str = ""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """``<worker>.tick-<n>``: beat, progress and new log bytes. All times are durations on the worker's clock.

    running  attempt -> seconds since it started
    logs     attempt -> [offset in bytes, text]
    done     shards that the worker knows to be over
    doing    what the worker is doing, for people
    """

    n: int
    epoch: int
    elapsed: float
    doing: str = ""
    done: int = 0
    running: dict[str, float] = field(default_factory=dict)
    logs: dict[str, list[Any]] = field(default_factory=dict)
    telemetry: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """``<worker>.done|failed|left-<attempt>`` and ``broken-<epoch>``: how something ended.

    snapshot  its outputs; for ``done`` the final ones
    exit      the child's exit code; negative for a signal
    reason    one clause, for people
    log       the end of its log
    seconds   how long it took
    """

    snapshot: str = ""
    exit: int = 0
    reason: str = ""
    log: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """``accepted-<shard>-<laptop>``: the laptop has this attempt, verified."""

    attempt: str
    snapshot: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """``claim``, ``yield``, ``stop``, ``released``: the name says it; the reason is for people."""

    reason: str = ""


def encode(record: Any) -> bytes:
    """A record's file; keyword-only dataclasses of this module."""
    return seal(asdict(record))


def decode(kind: type[R], data: bytes, name: str) -> R:
    """The record in ``data``; raises CorruptMailbox, or NewerMailbox where its version is above ours."""
    document = unseal(data, name)
    version = document.get("version")
    if isinstance(version, int) and PROTOCOL < version <= _LARGEST_NUMBER:
        raise NewerMailbox(
            f"{name} has version {version} of the protocol, and this program knows {PROTOCOL}.",
            "Update hybrid on this machine.",
        )
    values: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name in document:
            where = f"{each.name} of {name}"
            value = values[each.name] = _checked(document[each.name], str(each.type), where)
            if (form := each.metadata.get("form")) and not re.fullmatch(form, value):
                raise CorruptMailbox(f"The field {where} cannot be true: {value[:80]!r}.")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise CorruptMailbox(f"{name} lacks a field that it must have, or one cannot be true.") from error


def _checked(value: Any, annotation: str, where: str) -> Any:
    """``value``, where it has the annotated type. Annotations here are plain enough to be compared by their text."""
    text = annotation.removeprefix("<class '").removesuffix("'>")
    if text == "list[str]":
        right = isinstance(value, list) and all(_is_plain(item, "str") for item in value)
    elif text.startswith("dict[str, "):
        inner = text[len("dict[str, ") : -1]
        right = isinstance(value, dict) and all(
            _is_plain(key, "str") and _is_plain(item, inner) for key, item in value.items()
        )
    else:
        right = _is_plain(value, text)
    if not right:
        raise CorruptMailbox(f"The field {where} has the wrong type, or a value that none can have.")
    return value


def _is_plain(value: Any, annotation: str) -> bool:
    match annotation:
        case "str":
            return isinstance(value, str) and _stands_for_bytes(value)
        case "bool":
            return isinstance(value, bool)
        case "int" | "float":
            number = type(value) is int or (annotation == "float" and isinstance(value, float))
            return number and abs(value) <= _LARGEST_NUMBER  # false for NaN
        case "list[typing.Any]":
            return isinstance(value, list) and _is_sane(value)
        case "typing.Any":
            return _is_sane(value)
    raise AssertionError(f"no check for {annotation}")


def _is_sane(value: Any, depth: int = 0) -> bool:
    """Whether a value whose form the record leaves open holds nothing that its users could stumble over."""
    if isinstance(value, list | dict):
        if depth == _DEEPEST_VALUE:
            return False
        parts = value if isinstance(value, list) else [*value, *value.values()]
        return all(_is_sane(part, depth + 1) for part in parts)
    if isinstance(value, str):
        return _is_plain(value, "str")
    return value is None or isinstance(value, bool) or _is_plain(value, "float")


def _stands_for_bytes(text: str) -> bool:
    """Whether ``text`` can become a file name, an argument, or a line on a terminal."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def read(kind: type[R], remote: Remote, path: str) -> R:
    """Reads and checks one record. Raises NotFound where it is not there, CorruptMailbox where it is not whole."""
    return decode(kind, remote.read(path, 0, LARGEST_RECORD), path)
