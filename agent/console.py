"""How a command speaks: results on standard output, everything else on standard error.

Without ``--json`` a result is text for people; with it, one JSON document or JSON lines. Much of what is shown
(names of files, log lines, errors of a run) comes from the mailbox, so control characters never reach the
terminal as they are.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from sync.clock import Clock
from sync.progress import Progress, Silent

from .progress_lines import Lines

if TYPE_CHECKING:
    from .progress import Bars

# C0 without tab and newline, DEL, C1, and the marks that reorder text or end a line unseen.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """``text`` with control characters written as escapes, so that it cannot steer a terminal."""
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def path_text(path: bytes) -> str:
    """A path as people read it; bytes that are not UTF-8 show as escapes."""
    return path.decode("utf-8", "backslashreplace")


class Console(Protocol):
    """Where a command's output goes. Text may hold line breaks; nothing in it is taken for markup."""

    def say(self, text: str) -> None:
        """What is going on, for people, on standard error. Silent with ``-q``."""

    def warn(self, text: str) -> None:
        """Something that the user should know although the command goes on. Never silent."""

    def next_step(self, text: str) -> None:
        """What the user will most likely want to do now. Silent with ``-q`` and ``--json``."""

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Part of a result as a table on standard output. Nothing with ``--json``: the document holds it."""

    def result(self, document: Mapping[str, object], text: str = "") -> None:
        """The command's result, once: ``document`` with ``--json``, else ``text`` where there is any."""

    def stream(self, document: Mapping[str, object], text: str = "") -> None:
        """One of many results: a JSON line, or ``text`` and a line break. Written out at once."""

    def progress(self) -> Progress:
        """A meter on standard error: a bar for people at a terminal, else a line a minute. Silent with ``-q``."""

    def close(self) -> None:
        """Takes away what is still moving on the terminal. Idempotent."""


class TextConsole:
    """For people. ``bars`` says whether progress may be told."""

    def __init__(
        self, *, out: TextIO, err: TextIO, clock: Clock, quiet: bool = False, bars: bool = True
    ) -> None:
        self._out = out
        self._err = err
        self._clock = clock
        self._quiet = quiet
        self._tells_progress = bars and not quiet
        self._bars: Bars | None = None

    def say(self, text: str) -> None:
        if not self._quiet:
            self._message(text)

    def warn(self, text: str) -> None:
        self._message(f"Warning: {text}")

    def next_step(self, text: str) -> None:
        self.say(f"Next: {text}")

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        cells = [["" if cell is None else visible(str(cell)) for cell in row] for row in rows]
        if self._out.isatty():
            from .tables import draw

            draw(self._out, title, columns, cells)
        else:
            _write(self._out, _plain(title, columns, cells))

    def result(self, document: Mapping[str, object], text: str = "") -> None:
        if text:
            self.stream(document, text)

    def stream(self, document: Mapping[str, object], text: str = "") -> None:
        _write(self._out, visible(text) + "\n")

    def progress(self) -> Progress:
        if not self._tells_progress:
            return Silent()
        if not self._err.isatty():
            return Lines(self._message, self._clock)
        if self._bars is None:
            from .progress import Bars

            self._bars = Bars(self._err, self._clock)
        return self._bars

    def close(self) -> None:
        if self._bars is not None:
            self._bars.finish()

    def _message(self, text: str) -> None:
        if self._bars is not None and self._bars.write_above(visible(text)):
            return
        _write(self._err, visible(text) + "\n")


class JsonConsole:
    """For programs: standard output holds JSON and nothing else. ``bars`` as for ``TextConsole``."""

    def __init__(
        self, *, out: TextIO, err: TextIO, clock: Clock, quiet: bool = False, bars: bool = True
    ) -> None:
        self._out = out
        self._err = err
        self._clock = clock
        self._quiet = quiet
        self._tells_progress = bars and not quiet

    def say(self, text: str) -> None:
        if not self._quiet:
            _write(self._err, visible(text) + "\n")

    def warn(self, text: str) -> None:
        _write(self._err, f"Warning: {visible(text)}\n")

    def next_step(self, text: str) -> None:
        pass

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        pass

    def result(self, document: Mapping[str, object], text: str = "") -> None:
        _write(self._out, json.dumps(document, indent=2) + "\n")

    def stream(self, document: Mapping[str, object], text: str = "") -> None:
        _write(self._out, json.dumps(document) + "\n")

    def progress(self) -> Progress:
        return Lines(self.say, self._clock) if self._tells_progress else Silent()

    def close(self) -> None:
        pass


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _plain(title: str, columns: Sequence[str], rows: list[list[str]]) -> str:
    """Columns padded with spaces, one line a row: what grep and awk expect."""
    lines = [list(columns), *([cell.replace("\n", " ") for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    ]
    return "".join(f"{line.rstrip()}\n" for line in ([title] if title else []) + padded)
