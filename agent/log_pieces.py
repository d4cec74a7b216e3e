"""Parts of a log as they are told: where in the log they begin, how they are cut, and how far they reach.

The bytes of a log need not be text. Inside, such a byte is a lone surrogate (``surrogateescape``), so that offsets stay
those of the log; what is told has U+FFFD in its place.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sync.mailbox.layout import Attempt
from sync.mailbox.records import Ended

_LONGEST = 64 * 1024
_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a log. ``shard`` and ``attempt`` are None for the set-up.

    offset   of its first byte in the log; None where only the log's end is known
    skipped  bytes before it that cannot be had
    reason   why the attempt or the set-up failed; told by a piece of its own, the last one
    """

    shard: int | None
    attempt: str | None
    offset: int | None
    text: str
    skipped: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How much of a log was told: all before byte ``at``, and from there the ``text`` of a tick.

    A tick says where its text begins, but not how many bytes that was made of: U+FFFD may stand for one, two or three.
    ``least`` and ``most`` are where the text may end.
    """

    at: int = 0
    text: str = ""

    @property
    def least(self) -> int:
        return self.most - 2 * self.text.count("\ufffd")

    @property
    def most(self) -> int:
        return self.at + len(self.text.encode())

    def end_in(self, start: int, data: bytes) -> int:
        """Where it ends, by the log's own bytes: those in ``data``, which begin at ``start``."""
        if not self.text or self.at < start:
            return self.most
        own = data[self.at - start : self.most - start]
        sizes = range(len(own) + 1)
        longer = bisect_right(
            sizes, len(self.text), key=lambda size: len(own[:size].decode("utf-8", "replace"))
        )
        return self.at + longer - 1


def clean(text: str) -> str:
    """``text`` of the mailbox without what no bytes can be made of."""
    return text.encode("utf-8", "replace").decode()


def why(attempt: Attempt | None, ended: Ended) -> Iterator[Piece]:
    """The last piece of what failed, where its record says why. ``attempt`` is None for the set-up."""
    reason = clean(" ".join(ended.reason.split()))[:_LONGEST_REASON]
    if reason:
        shard, name = (None, None) if attempt is None else (attempt.shard, str(attempt))
        yield Piece(shard=shard, attempt=name, offset=None, text="", reason=reason)


def last_lines(pieces: list[Piece], count: int) -> list[Piece]:
    """The end of a log that is cut into ``pieces``: its last ``count`` lines, and why it failed."""
    text = "".join(piece.text for piece in pieces)
    at = len(text)
    for _ in range(count):
        if at <= 0:
            break
        at = text.rfind("\n", 0, at - 1) + 1
    kept = []
    for piece in pieces:
        drop = min(len(piece.text), at)
        at -= drop
        if drop < len(piece.text) or piece.reason:
            kept.append(_without(piece, drop) if drop else piece)
    return kept


def in_parts(piece: Piece) -> Iterator[Piece]:
    """``piece`` as it is told, in parts of bounded length that end where lines do, if they can."""
    while len(piece.text) > _LONGEST:
        cut = piece.text.rfind("\n", 0, _LONGEST) + 1 or _LONGEST
        yield _readable(replace(piece, text=piece.text[:cut]))
        piece = _without(piece, cut)
    if piece.text or piece.reason:
        yield _readable(piece)


def _readable(piece: Piece) -> Piece:
    return replace(piece, text=_bytes(piece.text).decode("utf-8", "replace"))


def _without(piece: Piece, drop: int) -> Piece:
    offset = None if piece.offset is None else piece.offset + len(_bytes(piece.text[:drop]))
    return replace(piece, offset=offset, text=piece.text[drop:], skipped=0)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
