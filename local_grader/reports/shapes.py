"""The drawings of the page: small SVGs that stretch with it and hold no text. Pure."""

from collections.abc import Iterable


def interval(low: float, rate: float, high: float, middle: float | None = None) -> str:
    """A dot with its 95 % interval on an axis from 0 to 1; ``middle`` is a line to compare it with."""
    against = "" if middle is None else f'<path class="middle" d="M{_x(middle)} 0V10"/>'
    return _svg(
        "interval",
        "0 0 100 10",
        f'<path class="axis" d="M0 5H100"/>{against}<path class="range" d="M{_x(low)} 5H{_x(high)}"/>'
        # A line of no length with round ends stays a dot however the picture is stretched.
        f'<path class="dot" d="M{_x(rate)} 5h.001"/>',
    )


def stack(parts: Iterable[tuple[str, float]]) -> str:
    """Shares of a whole side by side: the name of a CSS class, and a share in [0, 1]."""
    drawn, start = [], 0.0
    for name, share in parts:
        drawn.append(f'<rect class="{name}" x="{_x(start)}" y="0" width="{_x(share)}" height="10"/>')
        start += share
    return _svg("stack", "0 0 100 10", "".join(drawn))


def column(share: float, name: str) -> str:
    """A bar that stands on the ground and fills ``share`` of the height."""
    top = _x(1 - share)
    return _svg(
        "column",
        "0 0 10 100",
        f'<rect class="{name}" x="0" y="{top}" width="10" height="{_x(share)}"/><path class="axis" d="M0 100H10"/>',
    )


def _x(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".")


def _svg(name: str, box: str, inside: str) -> str:
    return f'<svg class="{name}" viewBox="{box}" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
