"""The vocabulary of the search: programs from grid to grid, by name."""

from __future__ import annotations

from . import counting, grids, moves, objects, panels, patterns
from .grids import Transform

# Learners look at the first states most: programs that make new pictures come before mere symmetries.
TRANSFORMS: dict[str, Transform] = {
    **moves.TRANSFORMS,
    **grids.TRANSFORMS,
    **panels.TRANSFORMS,
    **patterns.TRANSFORMS,
    **counting.TRANSFORMS,
    **objects.TRANSFORMS,
}

# The programs that are worth a second and third step: few, cheap, and not tied to one kind of picture.
STEPS: dict[str, Transform] = {
    name: program
    for name, program in {**grids.TRANSFORMS, **moves.TRANSFORMS, **counting.TRANSFORMS}.items()
    if not name.startswith(("shift", "roll"))
}
