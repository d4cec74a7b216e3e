"""What a comparison came to, in one plain sentence. Pure."""

from .paired import Comparison


def sentence(comparison: Comparison, name_a: str, name_b: str) -> str:
    """Says which run is better, or that none can be told to be, with the figures that it stands on."""
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
        where += f" in {found.a.clusters:,} cluster{'s' if found.a.clusters > 1 else ''}"
    evidence.append(
        f"on {where}" if found.p_value is None else f"{p_value(found.p_value)} by {found.test} on {where}"
    )
    figures = f"{points(gain)} points ({', '.join(evidence)})"
    if found.is_real:
        return f"{better} is better than {worse}: {percent(high)} against {percent(low)}, {figures}."
    told = f"No difference can be told: {better} has {percent(high)}, {worse} {percent(low)}, {figures}"
    if found.needed is not None and found.needed > found.n:
        told += f"; about {rounded(found.needed):,} samples would be needed to see one this small"
    return f"{told}."


def percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def points(difference: float) -> str:
    """Percentage points with their sign. A difference that is there never reads as none."""
    given = 100 * difference
    text = f"{given:+.1f}" if abs(given) >= 0.05 else f"{given:+.1g}"
    return text if given else "0.0"


def p_value(value: float) -> str:
    """Never rounded onto or over the 5 % that decides."""
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if abs(value - 0.05) >= 0.0005 else f"p = {value:.5f}"


def rounded(samples: int) -> int:
    """Up to two leading digits: the observed difference is too rough for more."""
    unit = int(10 ** max(0, len(str(samples)) - 2))
    return -(-samples // unit) * unit
