"""What a comparison came to, in one plain sentence. Pure."""

from ..notation import p_value, percent, points, rounded
from .paired import Comparison


def sentence(comparison: Comparison, name_a: str, name_b: str, better_is: str = "better") -> str:
    """Says which run is better, or that none can be told to be, with the figures that it stands on. ``better_is`` is the word for a
    higher rate: it may be no merit."""
    found = comparison
    (better, high), (worse, low) = (name_b, found.b.mean), (name_a, found.a.mean)
    gain, ends = (
        found.difference,
        None if found.interval is None else (found.interval.low, found.interval.high),
    )
    if gain < 0:
        better, high, worse, low, gain = worse, low, better, high, -gain
        ends = None if ends is None else (-ends[1], -ends[0])
    evidence = [] if ends is None else [f"95 % interval {points(ends[0])} to {points(ends[1])}"]
    where = f"{found.n:,} shared sample{'s' if found.n > 1 else ''}"
    if found.a.clusters is not None:
        where += f" in {found.a.clusters:,} group{'s' if found.a.clusters > 1 else ''}"
    evidence.append(
        f"on {where}" if found.p_value is None else f"{p_value(found.p_value)} by {found.test} on {where}"
    )
    figures = f"{points(gain)} points ({', '.join(evidence)})"
    if found.is_real:
        return f"{better} is {better_is} than {worse}: {percent(high)} against {percent(low)}, {figures}."
    told = f"No difference can be told: {better} has {percent(high)}, {worse} {percent(low)}, {figures}"
    if found.needed is not None and found.needed > found.n:
        told += f"; about {rounded(found.needed):,} samples would be needed to see one this small"
    return f"{told}."
