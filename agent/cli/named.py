"""An option's value that is one of a few names, with a guess at what was meant by another."""

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    Choice = click.Choice[str]
else:
    Choice = click.Choice


class Named(Choice):
    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        names = list(self.choices)
        if value not in names:
            near = difflib.get_close_matches(str(value).lower(), names, n=1)
            meant = f"Did you mean {near[0]}? It" if near else "It"
            self.fail(f"there is no {value}. {meant} may be {', '.join(names)}.", param, ctx)
        return super().convert(value, param, ctx)
