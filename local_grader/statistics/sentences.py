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
    evidence = [] if ends is None else [f"95 % interval {_points(ends[0])} to {_points(ends[1])}"]
    where = f"{found.n:,} shared sample{'s' if found.n > 1 else ''}"
    if found.a.clusters is not None:
        where += f" in {found.a.clusters:,} cluster{'s' if found.a.clusters > 1 else ''}"
    evidence.append(
        f"on {where}" if found.p_value is None else f"{_p(found.p_value)} by {found.test} on {where}"
    )
    figures = f"{_points(gain)} points ({', '.join(evidence)})"
    if found.is_real:
        return f"{better} is better than {worse}: {_percent(high)} against {_percent(low)}, {figures}."
    told = f"No difference can be told: {better} has {_percent(high)}, {worse} {_percent(low)}, {figures}"
    if found.needed is not None and found.needed > found.n:
        told += f"; about {_rounded(found.needed):,} samples would be needed to see one this small"
    return f"{told}."


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _points(difference: float) -> str:
    points = 100 * difference
    # A difference that is there never reads as none.
    text = f"{points:+.1f}" if abs(points) >= 0.05 else f"{points:+.1g}"
    return text if points else "0.0"


def _p(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    # Never rounded onto or over the 5 % that decides.
    return f"p = {value:.3f}" if abs(value - 0.05) >= 0.0005 else f"p = {value:.5f}"


def _rounded(samples: int) -> int:
    """Up to two leading digits: the observed difference is too rough for more."""
    unit = int(10 ** max(0, len(str(samples)) - 2))
    return -(-samples // unit) * unit
