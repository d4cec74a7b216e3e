"""How many samples a comparison needs, and what a given number can show. Pure."""

import math

from .intervals import LEVEL
from .libraries import library

POWER = 0.8
"""A difference that is there is found this often."""


def needed(
    difference: float,
    rate: float,
    power: float = POWER,
    *,
    discordant: float | None = None,
    design_effect: float = 1.0,
) -> int:
    """Samples per run to tell a run at ``rate`` from one at ``rate + difference`` at the 95 % level.

    The two runs answer different samples; or the same ones where ``discordant`` is given, the share of samples that
    only one of them gets right (Connor 1987), which usually needs far fewer. ``design_effect`` is that of a ``Rate``: how
    many times as many samples clusters cost. Raises ValueError for a difference of 0 or rates outside of [0, 1].
    """
    other = rate + difference
    if not (0 <= rate <= 1 and -1e-9 <= other <= 1 + 1e-9 and difference):
        raise ValueError(f"no samples tell a rate of {rate:g} from {other:g}")
    other = min(1.0, max(0.0, other))
    if discordant is not None:
        return pairs(
            difference, spread_of(discordant, difference), math.sqrt(discordant), power, design_effect
        )
    middle = (rate + other) / 2
    spread = math.sqrt(rate * (1 - rate) + other * (1 - other))
    return pairs(difference, spread, math.sqrt(2 * middle * (1 - middle)), power, design_effect)


def pairs(
    difference: float,
    spread: float,
    spread_if_none: float | None = None,
    power: float = POWER,
    design_effect: float = 1.0,
) -> int:
    """Pairs of values whose mean difference is told from 0, at the 95 % level.

    ``spread`` is the standard deviation of one pair's difference, ``spread_if_none`` what it would be if the mean were 0.
    """
    found = library("statsmodels.stats.power").normal_sample_size_one_tail(
        abs(difference), power, (1 - LEVEL) / 2, std_null=spread_if_none or spread, std_alternative=spread
    )
    return max(2, math.ceil(float(found) * design_effect))


def detectable(error: float, units: int, power: float = POWER) -> float | None:
    """The smallest true difference that is found this often, where its standard error is ``error`` > 0 over ``units``.

    Units are pairs, or clusters where samples are clustered. None for fewer than two, or where it would be more than 1.
    """
    if units < 2:
        return None
    effect = library("statsmodels.stats.power").tt_solve_power(nobs=units, alpha=1 - LEVEL, power=power)
    difference = float(effect) * error * math.sqrt(units)
    return difference if difference <= 1 else None


def spread_of(discordant: float, difference: float) -> float:
    """The standard deviation of a pair's difference where pairs differ by -1, 0 or +1.

    Raises ValueError for a share of discordant pairs that is not in [0, 1] or can't have this difference.
    """
    if not abs(difference) <= discordant + 1e-9 <= 1 + 2e-9:
        raise ValueError(f"{discordant:g} discordant pairs cannot differ by {difference:g}")
    return math.sqrt(max(0.0, discordant - difference**2))
