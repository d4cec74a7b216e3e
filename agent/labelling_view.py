"""The terminal of ``hybrid label``: draws a page, waits for a key, writes the label before the next page.

Every label is on disk before the next sample is shown, so the process may end at any point: by ^C, a closed terminal, a power
cut. The page is drawn anew whenever the terminal changes its size, and after the process was stopped by ^Z.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TextIO

import click
from rich.console import Console
from rich.text import Text

from .labelling import Choice, State, press
from .labelling_page import page

_STOP = "\x1a"


class _Anew(Exception):
    """The page is to be drawn again."""


class View:
    """``write`` puts a sample's choice on disk, None to take it back, and returns when it is there."""

    def __init__(
        self,
        out: TextIO,
        *,
        title: str,
        question: str,
        choices: Sequence[Choice],
        write: Callable[[str, Choice | None], None],
        read_key: Callable[[], str] = click.getchar,
    ) -> None:
        self._out = out
        self._console = Console(file=out, highlight=False, markup=False, emoji=False)
        self._title = title
        self._question = question
        self._choices = choices
        self._write = write
        self._read_key = read_key
        self._waiting = False

    def run(self, state: State) -> State:
        """Until the user quits, or the terminal is gone. KeyboardInterrupt passes through, with the terminal as it was."""
        with self._screen(), self._signals():
            while True:
                try:
                    state = self._draw(state)
                except OSError:
                    return state  # nobody sees it any more
                key = self._key()
                if key is None:
                    return state
                if key == _STOP:
                    self._stop()
                    continue
                pressed = press(state, key, self._choices)
                if pressed.write is not None:
                    self._write(*pressed.write)
                state = pressed.state
                if pressed.quit:
                    return state

    def _draw(self, state: State) -> State:
        width, height = self._size()
        shown = page(
            state,
            self._choices,
            title=self._title,
            question=self._question,
            width=width,
            height=height,
        )
        # A line as wide as the terminal would be followed by an empty one on some of them.
        lines = [Text(line.text, style=line.style, no_wrap=True, overflow="crop") for line in shown.lines]
        self._console.clear()
        self._console.print(Text("\n").join(lines), end="", soft_wrap=True)
        return replace(state, top=shown.top)

    def _size(self) -> tuple[int, int]:
        """Columns and rows as they are now: rich would go by variables that were set once."""
        try:
            width, height = os.get_terminal_size(self._out.fileno())
        except OSError:
            width, height = 0, 0
        usual = self._console.size
        return width or usual.width, height or usual.height

    def _key(self) -> str | None:
        """One key; an empty one where the page is to be drawn anew, None where no more keys will come."""
        try:
            self._waiting = True
            typed = self._read_key()
        except _Anew:
            return ""
        except (EOFError, OSError, RuntimeError):
            # A RuntimeError is what click makes of a terminal whose settings cannot be read: it is gone.
            return None
        finally:
            self._waiting = False
        if not typed:
            return None
        # What was typed before the next sample could be seen is no label of it.
        return typed if typed.startswith(("\x1b", "\xe0", "\x00")) else typed[0]

    def _stop(self) -> None:
        """As ^Z does elsewhere: the shell gets its terminal back until the process is continued."""
        if hasattr(signal, "SIGTSTP"):
            self._console.set_alt_screen(False)
            self._console.show_cursor(True)
            os.kill(os.getpid(), signal.SIGTSTP)
            self._console.set_alt_screen(True)

    @contextlib.contextmanager
    def _screen(self) -> Iterator[None]:
        self._console.set_alt_screen(True)
        try:
            yield
        finally:
            # A terminal that is gone takes nothing any more.
            with contextlib.suppress(OSError):
                self._console.set_alt_screen(False)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Draws anew when the size has changed or the process goes on after a stop; an end from outside is one by ^C, which
        leaves the terminal as it was."""

        def anew(number: int, frame: object) -> None:
            # Only while nothing is being drawn or written; else the next page has the new size anyway.
            if self._waiting:
                self._waiting = False
                raise _Anew

        def end(number: int, frame: object) -> None:
            raise KeyboardInterrupt

        wanted = {"SIGWINCH": anew, "SIGCONT": anew, "SIGTERM": end, "SIGHUP": end}
        before = {
            number: signal.signal(number, handler)
            for name, handler in wanted.items()
            if (number := getattr(signal, name, None)) is not None
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
