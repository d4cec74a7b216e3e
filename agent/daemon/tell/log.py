"""The agent's log: three files of a megabyte, written by the agent and read by ``hybrid agent logs``."""

import contextlib
import logging
import os
from collections import deque
from collections.abc import Iterator
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO

from ...console import visible

FILE_NAME: Final = "agent.log"
OUTPUT_NAME: Final = "output.txt"
"""What a started agent prints, such as the trace of a bug: a file of its own, as Windows renames no file that is open."""
_LARGEST: Final = 1_000_000
_OLDER: Final = 2
_OURS: Final = ("agent", "cloud_runner", "local_grader", "sync")


class Handler(RotatingFileHandler):
    """Lines of ours from INFO on, of libraries from WARNING on, with local time. What cannot be written is lost, silently:
    an agent on a full disk goes on, and its log does as soon as there is room."""

    def __init__(self, place: Path, level: int = logging.INFO, *, largest: int = _LARGEST) -> None:
        super().__init__(
            place / FILE_NAME,
            maxBytes=largest,
            backupCount=_OLDER,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )
        self.setLevel(level)
        self.setFormatter(formatter())
        self.addFilter(is_of_interest)

    def handleError(self, record: logging.LogRecord) -> None:
        # The stream may hold what it could not write; the next line begins with a new one.
        stream, self.stream = self.stream, None
        _close(stream)

    def close(self) -> None:
        stream, self.stream = self.stream, None
        _close(stream)
        super().close()

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _Formatter(logging.Formatter):
    """Names of files and words of servers are in what is logged: none may steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def formatter() -> logging.Formatter:
    return _Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")


def is_of_interest(record: logging.LogRecord) -> bool:
    """Of others' words only warnings. What is read, sent and fetched piece by piece is for who asks for everything."""
    if record.levelno >= logging.WARNING:
        return True
    is_ours = record.name.partition(".")[0] in _OURS
    piecemeal = record.name == "agent.pushing" or record.name.startswith("sync.")
    return is_ours and (not piecemeal or logging.getLogger().isEnabledFor(logging.DEBUG))


@contextlib.contextmanager
def logging_to(*handlers: logging.Handler, level: int = logging.INFO) -> Iterator[None]:
    """Everything that this process logs goes to ``handlers``, too, from ``level`` on."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(min(before, level) if before else level)
    for each in handlers:
        root.addHandler(each)
    try:
        yield
    finally:
        for each in handlers:
            root.removeHandler(each)
            each.close()
        root.setLevel(before)


def last_lines(place: Path, number: int) -> list[str]:
    """The last ``number`` lines of the log, over its files, oldest first."""
    found: deque[str] = deque(maxlen=number)
    for path in _files(place):
        found.extend(_text(path, 0)[0])
    return list(found)


def last_output(place: Path) -> str:
    """The last line that a started agent printed; empty where there is none."""
    lines = [line.strip() for line in _text(place / OUTPUT_NAME, 0, whole=False)[0] if line.strip()]
    return lines[-1] if lines else ""


class Follower:
    """What is added to the log from now on, also while it goes from file to file. Holds no file open, as Windows would not
    let the agent rename it then."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._file = _identity(place / FILE_NAME)
        self._offset = _size(place / FILE_NAME)

    def lines(self) -> list[str]:
        """Whole lines that came since the last call."""
        files = _files(self._place)
        known = [_identity(path) for path in files]
        if self._file in known:
            files = files[known.index(self._file) :]
        else:
            self._offset = 0
        found = []
        for number, path in enumerate(files):
            begin = 0 if number else self._offset
            lines, read = _text(path, begin)
            found += lines
            self._file, self._offset = _identity(path), begin + read
        return found


def _files(place: Path) -> list[Path]:
    """Oldest first."""
    names = [*(f"{FILE_NAME}.{number}" for number in range(_OLDER, 0, -1)), FILE_NAME]
    return [path for name in names if (path := place / name).exists()]


def _text(path: Path, offset: int, *, whole: bool = True) -> tuple[list[str], int]:
    """The lines from ``offset`` on, ``whole`` ones only, and how many bytes they take."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError:
        return [], 0
    if whole:
        content = content[: content.rfind(b"\n") + 1]
    return content.decode("utf-8", "replace").splitlines(), len(content)


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _size(path: Path) -> int:
    """Up to the end of the last whole line."""
    return _text(path, 0)[1]


def _close(stream: TextIO | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()
