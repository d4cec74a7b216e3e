"""Reads ``known_hosts`` files as ssh does: patterns, hashed names, revoked keys; and says where a line stands."""

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


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
