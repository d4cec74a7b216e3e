"""What stands on the terminal while samples are labelled: lines that fit, of text that cannot steer it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from .console import visible
from .labelling import Choice, State
from .sizes import count

_INDENT = "  "
_NARROWEST = 20
_CUT_ANSWER, _CUT_PROMPT = 2_000, 4_000  # as the ledger cuts them


@dataclass(frozen=True, kw_only=True)
class Line:
    """``style`` is one of rich's, or nothing."""

    text: str
    style: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """``lines`` are at most as many as the terminal has rows. ``top`` is the state's, as far as there is something to scroll."""

    lines: Sequence[Line]
    top: int


def page(
    state: State, choices: Sequence[Choice], *, title: str, question: str, width: int, height: int
) -> Page:
    """``title`` names the run, ``question`` says what to decide. ``state.top`` counts half pages."""
    width = max(_NARROWEST, width)
    head = [
        Line(text=_fitted(_progress(state, title), width), style="bold"),
        Line(text="-" * width, style="dim"),
    ]
    foot = [Line(text=line, style="bold") for line in _keys(state, choices, width)]
    body = _body(state, choices, question, width)
    room = max(1, height - len(head) - len(foot) - 1)
    step = max(1, room // 2)
    top = min(state.top, max(0, -(-(len(body) - room) // step)))
    first = max(0, min(top * step, len(body) - room))
    shown = body[first : first + room]
    padding = [Line(text="")] * (room - len(shown))
    hint = _hint(first, len(body) - first - len(shown))
    rule = Line(
        text=_fitted(hint + "-" * (width - len(hint)), width), style="dim" if not hint else "bold yellow"
    )
    lines = [*head, *shown, *padding, rule, *foot]
    # A terminal of a few rows shows the end of it: the keys, and as much above them as there is room for.
    return Page(lines=lines[-height:] if height < len(lines) else lines, top=top)


def _hint(above: int, below: int) -> str:
    parts = [f"space: {below} more below"] if below else []
    if above:
        parts.append(f"b: {above} above")
    return f"-- {', '.join(parts)} --" if parts else ""


def _progress(state: State, title: str) -> str:
    total = state.before + len(state.queue)
    done = state.before + state.labelled
    here = "the end" if state.current is None else f"sample {state.before + state.at + 1:,} of {total:,}"
    skipped = f", {state.skipped:,} skipped" if state.skipped else ""
    last = f"   before: {visible(state.last)}" if state.last else ""
    return f"{visible(title)}: {here}   {done:,} labelled{skipped}{last}"


def _keys(state: State, choices: Sequence[Choice], width: int) -> list[str]:
    """In as many lines as they need."""
    if state.help:
        return ["any key goes back"]
    named = [f"[{each.keys[0]}] {visible(each.word)}" for each in choices]
    keys = [*named, "[s] skip", "[u] undo", "[?] help", "[q] quit"]
    if state.current is None:
        keys = ["[u] undo", "[q] quit"]
    lines = [""]
    for key in keys:
        longer = f"{lines[-1]}   {key}" if lines[-1] else key
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_fitted(key, width))
    return [line for line in lines if line]


def _body(state: State, choices: Sequence[Choice], question: str, width: int) -> list[Line]:
    if state.help:
        return _help(choices, question, width)
    sample = state.current
    if sample is None:
        done = f"That was all: {count(state.labelled, 'label')} in this session."
        return [Line(text=""), *_wrapped(done, width)]
    lines: list[Line] = []
    for name, text, longest in (
        ("Context", sample.context, _CUT_PROMPT),
        ("Question", sample.prompt, _CUT_PROMPT),
        ("Reference", sample.reference, _CUT_ANSWER),
        ("Answer", sample.answer or "(no answer)", _CUT_ANSWER),
        ("The other answer", sample.rival, _CUT_ANSWER),
    ):
        if text is None:
            continue
        lines += [Line(text=name, style="bold cyan"), *_wrapped(text, width)]
        if len(text) >= longest:
            lines += [Line(text=f"{_INDENT}(the ledger keeps {longest:,} characters of it)", style="dim")]
        lines.append(Line(text=""))
    return lines


def _help(choices: Sequence[Choice], question: str, width: int) -> list[Line]:
    keys = [
        *((" or ".join(each.keys), f"label it {each.word}") for each in choices),
        ("s", "skip it; it is asked again in another session"),
        ("u", "undo: back to the sample before, without its label"),
        ("space, b", "scroll down, up"),
        ("q", "quit; what was labelled is on disk already"),
    ]
    lines = [Line(text="What to decide", style="bold cyan"), *_wrapped(question, width), Line(text="")]
    lines += [Line(text="Keys", style="bold cyan")]
    for key, what in keys:
        lines += _wrapped(f"{key:<9} {what}", width)
    return lines


def _wrapped(text: str, width: int) -> list[Line]:
    room = width - len(_INDENT)
    # Carriage returns and the like are shown, never obeyed; tabs would have a width of their own.
    plain = Text(visible(text).expandtabs(4))
    lines = plain.wrap(Console(width=room), room, overflow="fold", no_wrap=False)
    return [Line(text=_INDENT + line.plain.rstrip()) for line in lines]


def _fitted(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
