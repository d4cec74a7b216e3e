"""Reads ``known_hosts`` files as ssh does: patterns, hashed names, revoked keys; and refuses a key they do not hold."""

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Unauthorised
from .target import Target


@dataclass(frozen=True, kw_only=True)
class KnownKey:
    """A key that a line of a file gives to the host that was asked for."""

    kind: str
    blob: bytes
    file: str
    line: int
    revoked: bool


def known_keys(files: Iterable[str], name: str) -> list[KnownKey]:
    """All keys that ``files`` hold for ``name`` (``host`` or ``[host]:port``). A file that is not there is empty."""
    found = []
    for file in files:
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            key = _parse(line, name, file, number)
            if key:
                found.append(key)
    return found


def fingerprint(blob: bytes) -> str:
    """As ssh prints it: ``SHA256:`` and 43 characters."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def verify(kind: str, blob: bytes, target: Target, known: list[KnownKey]) -> None:
    """Raises Unauthorised unless ``known`` holds the key that the host of ``target`` showed."""
    same = [one for one in known if one.blob == blob]
    if any(one.revoked for one in same):
        line = next(one for one in same if one.revoked)
        raise Unauthorised(
            f"The host key of {target.key_name} is revoked ({line.file} line {line.line}).",
            "Do not go on; ask whoever runs the machine.",
        )
    if same:
        return
    shown = f"{kind} {fingerprint(blob)}"
    old = [one for one in known if not one.revoked]
    if old:
        places = ", ".join(f"{one.file} line {one.line}" for one in old)
        raise Unauthorised(
            f"The host key of {target.key_name} has changed: it is {shown}, not what {places} says.",
            "Someone may be in between; if the machine was really made anew, run "
            f"`ssh-keygen -f {old[0].file} -R '{target.key_name}'` and accept the new key.",
        )
    raise Unauthorised(
        f"The host key of {target.key_name} is not known: it shows {shown}.",
        f"Compare that fingerprint with what the machine's owner or console says; then run `{target.spec.command}` "
        f"and accept it, or add to {target.known_hosts[0] if target.known_hosts else 'known_hosts'} the line: "
        f"{target.key_name} {kind} {base64.b64encode(blob).decode()}",
    )


def _parse(line: str, name: str, file: str, number: int) -> KnownKey | None:
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#") or marker not in ("", "@revoked"):
        return None  # a certificate authority vouches for certificates, which are not used here
    if not _names(words[0], name):
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except binascii.Error:
        return None
    return KnownKey(kind=words[1], blob=blob, file=file, line=number, revoked=bool(marker))


def _names(field: str, name: str) -> bool:
    if field.startswith("|"):
        return _hashed(field, name)
    matched = False
    for pattern in field.lower().split(","):
        # Brackets are part of a name here, not a set of characters.
        plain = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name.lower(), plain):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


def _hashed(field: str, name: str) -> bool:
    try:
        _, version, salt, digest = field.split("|")
        wanted = base64.b64decode(digest, validate=True)
        real = hmac.new(base64.b64decode(salt, validate=True), name.lower().encode(), "sha1").digest()
    except ValueError:
        return False
    return version == "1" and hmac.compare_digest(real, wanted)
