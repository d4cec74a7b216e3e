"""What a run prints, put together from wherever it is now: ticks, published outputs, records, pulled files.

A running attempt's log is in its worker's ticks, as far back as they are kept; before that, in what it has published
so far. A finished one's is whole among its outputs, here or in the mailbox.
"""

from collections.abc import Iterator
from pathlib import Path

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import layout
from sync.mailbox.layout import LOG, OUTPUTS, Attempt, RunFolder, parse_attempt
from sync.mailbox.records import Ended, Tick
from sync.mailbox.state import Phase, ShardState
from sync.pull.outputs import Outputs
from sync.pull.pulled import Choices
from sync.store.nouns import FILE, Chunk
from sync.store.reader import Reader

from . import details
from .log_pieces import Piece, Shown, clean, in_parts, last_lines, why
from .mailbox import Mailbox, Run

_LARGEST = 64 * 1024 * 1024
"""Bytes of one log that are told; of a longer one the last."""
_LARGEST_TAIL = 1024 * 1024
"""The same where only the last lines are wanted."""


class RunLogs:
    """Follows the logs of one run. ``only``: of one shard; ``tail``: at first only so many lines of each."""

    def __init__(
        self, mailbox: Mailbox, outputs: Path, choices: Choices, *, only: int | None, tail: int | None
    ) -> None:
        self._mailbox = mailbox
        self._outputs = outputs
        self._choices = choices
        self._only = only
        self._tail = tail
        self._reader = Reader(mailbox.remote, mailbox.base)
        self._shown: dict[Attempt, Shown] = {}
        self._ended: set[Attempt] = set()
        self._ticks: dict[tuple[str, int], Tick] = {}
        self._read: dict[Attempt, int] = {}
        self._setups: set[tuple[str, int]] = set()

    def news(self, run: Run) -> Iterator[Piece]:
        """What there is, and was not told before."""
        if run.phase is Phase.SETUP_FAILED:
            yield from self._told(self._setup(run))
        for state in run.states:
            if self._only in (None, state.number):
                for attempt in self._to_tell(run, state):
                    yield from self._told(self._pieces(run, state, attempt))
        self._tail = None
        # What was told is not wanted again; only the attempts of one worker share a tick.
        self._ticks.clear()

    def _to_tell(self, run: Run, state: ShardState) -> list[Attempt]:
        """The attempts of which something was told, and the one that counts now."""
        seen = run.seen
        known = [a for a in seen.starts | seen.done | seen.failed | seen.left if a.shard == state.number]
        known.sort(key=lambda attempt: details.order(seen, attempt))
        chosen = self._chosen(run, state)
        newest = [chosen] if chosen else [*state.done[:1], *known[-1:]][:1]
        begun = [each for each in known if each in self._shown and each not in newest]
        return [each for each in (*begun, *newest) if each not in self._ended]

    def _chosen(self, run: Run, state: ShardState) -> Attempt | None:
        choice = self._choices.get(run.spec.run, state.number)
        attempt = parse_attempt(choice.attempt) if choice else None
        return attempt if attempt is not None and attempt.shard == state.number else None

    def _told(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for piece in pieces if self._tail is None else last_lines(list(pieces), self._tail):
            yield from in_parts(piece)

    def _pieces(self, run: Run, state: ShardState, attempt: Attempt) -> Iterator[Piece]:
        self._shown.setdefault(attempt, Shown())
        if attempt == self._chosen(run, state):
            whole = self._pulled(run, state.number)
            if whole is not None:
                self._ended.add(attempt)
                yield from self._rest(attempt, *whole)
                return
        kind = _ending(run, attempt)
        if kind is None:
            yield from self._from_ticks(run, attempt)
            return
        ended = details.read(Ended, self._mailbox, run.spec.run, RunFolder.attempt(kind, attempt))
        if ended is None:
            return  # not there yet
        self._ended.add(attempt)
        whole = self._published(ended.snapshot) if ended.snapshot else None
        if whole is not None:
            yield from self._rest(attempt, *whole)
        elif not self._shown[attempt].most:
            # Of the end alone nobody knows where in the log it lies.
            yield Piece(shard=attempt.shard, attempt=str(attempt), offset=None, text=clean(ended.log))
        if kind == "failed":
            yield from why(attempt, ended)

    def _from_ticks(self, run: Run, attempt: Attempt) -> Iterator[Piece]:
        numbers = run.seen.ticks.get(attempt.worker, [])
        if attempt not in self._read:
            published = [s for s in run.seen.snapshots if s.what == OUTPUTS and s.attempt == attempt]
            if published:
                newest = max(published, key=lambda each: each.seq)
                whole = self._published(f"{layout.run(run.spec.run)}/{newest.name}")
                yield from self._rest(attempt, *(whole or (0, b"")))
        found: list[tuple[int, str]] = []
        before = self._read.get(attempt, 0)
        for number in reversed(numbers):
            if number <= before:
                break
            tick = self._tick(run, attempt.worker, number)
            if tick is None:
                continue
            self._read[attempt] = max(number, self._read.get(attempt, 0))
            piece = _piece(tick, attempt)
            if piece is not None:
                found.append(piece)
            if (piece and piece[0] <= self._shown[attempt].least) or not (
                piece or str(attempt) in tick.running
            ):
                break  # what is older has been told, or the attempt had not begun
        for offset, text in reversed(found):
            yield from self._next(attempt, offset, text)

    def _tick(self, run: Run, worker: str, number: int) -> Tick | None:
        key = (worker, number)
        if key not in self._ticks:
            tick = details.read(Tick, self._mailbox, run.spec.run, RunFolder.tick(worker, number))
            if tick is None:
                return None
            self._ticks[key] = tick
        return self._ticks[key]

    def _next(self, attempt: Attempt, offset: int, text: str) -> Iterator[Piece]:
        """Of a tick's ``text``, which begins at ``offset`` of the log, what was not told yet."""
        shown = self._shown[attempt]
        begin, fresh = offset, text
        if offset < shown.least:
            # Published before, or of a tick that its worker took for lost and told again.
            begin = shown.most
            fresh = text.encode()[begin - offset :].decode("utf-8", "replace")
        if fresh:
            self._shown[attempt] = Shown(at=offset, text=text)
            skipped = max(0, begin - shown.most)
            yield Piece(shard=attempt.shard, attempt=str(attempt), offset=begin, text=fresh, skipped=skipped)

    def _rest(self, attempt: Attempt, start: int, data: bytes) -> Iterator[Piece]:
        """Of ``data``, which lies at ``start`` of the log, what was not told yet."""
        end = self._shown[attempt].end_in(start, data)
        fresh = data[max(0, end - start) :]
        if fresh:
            self._shown[attempt] = Shown(at=start + len(data))
            text = fresh.decode("utf-8", "surrogateescape")
            skipped = max(0, start - end)
            yield Piece(
                shard=attempt.shard, attempt=str(attempt), offset=max(start, end), text=text, skipped=skipped
            )

    def _pulled(self, run: Run, shard: int) -> tuple[int, bytes] | None:
        path = Outputs(self._outputs, run.spec).place(shard) / LOG.decode()
        try:
            with open(path, "rb") as file:
                start = max(0, file.seek(0, 2) - self._limit)
                file.seek(start)
                return start, file.read()
        except OSError:
            return None

    def _published(self, snapshot: str) -> tuple[int, bytes] | None:
        """The log among published outputs, from where it is told; None where it cannot be had from the mailbox."""
        try:
            entries = self._reader.entries(self._reader.root(snapshot))
            chunks = next((each.chunks for each in entries if each.path == LOG and each.kind == FILE), None)
            if chunks is None:
                return None
            start, wanted = _end_of(chunks, self._limit)
            found = {chunk.sha256: data for chunk, data in self._reader.fetch(wanted)}
            return start, b"".join(found[chunk.sha256] for chunk in wanted)
        except (NotFound, CorruptMailbox, NewerMailbox):
            return None
        finally:
            self._reader.forget(snapshot)

    def _setup(self, run: Run) -> Iterator[Piece]:
        newest = max(run.seen.broken.items(), key=lambda each: each[1])
        ended = details.setup_failure(self._mailbox, run)
        if ended is not None and newest not in self._setups:
            self._setups.add(newest)
            yield Piece(shard=None, attempt=None, offset=None, text=clean(ended.log))
            yield from why(None, ended)

    @property
    def _limit(self) -> int:
        return _LARGEST if self._tail is None else _LARGEST_TAIL


def _ending(run: Run, attempt: Attempt) -> str | None:
    """The kind of record that says how the attempt ended."""
    kinds = {"done": run.seen.done, "failed": run.seen.failed, "left": run.seen.left}
    return next((kind for kind, attempts in kinds.items() if attempt in attempts), None)


def _piece(tick: Tick, attempt: Attempt) -> tuple[int, str] | None:
    match tick.logs.get(str(attempt)):
        case [int(offset), str(text)] if offset >= 0 and text:
            return offset, clean(text)
    return None


def _end_of(chunks: tuple[Chunk, ...], limit: int) -> tuple[int, list[Chunk]]:
    """The last chunks with at most ``limit`` bytes, but at least one, and where in the file they begin."""
    wanted: list[Chunk] = []
    size = 0
    for chunk in reversed(chunks):
        if wanted and size + chunk.at.length > limit:
            break
        wanted.insert(0, chunk)
        size += chunk.at.length
    return sum(chunk.at.length for chunk in chunks) - size, wanted
