"""How numbers are written wherever a person reads them: reports, comparisons, calibrations, pages. Pure."""

_ROUNDING = 1e-9
_MOST_DIGITS = 6


def percent(share: float, digits: int = 1) -> str:
    """``0.319`` as ``31.9 %``. Only none reads as 0 and only all as 100: a share between them gets the digits it needs."""
    if _ROUNDING < share < 1 - _ROUNDING:
        while digits < _MOST_DIGITS and float(_hundredths(share, digits)) in (0.0, 100.0):
            digits += 1
    return f"{_hundredths(share, digits)} %"


def between(low: float, high: float) -> str:
    """The ends of an interval of shares: ``27.6 to 36.5 %``."""
    return f"{_hundredths(low, 1)} to {_hundredths(high, 1)} %"


def interval(low: float, high: float) -> str:
    """The same, with its name: ``95 % interval 27.6 to 36.5 %``."""
    return f"95 % interval {between(low, high)}"


def coefficient(value: float, *ends: float) -> str:
    """Kappa and the like: ``0.71``, or ``0.71 (0.65 to 0.77)`` with the ends of its interval."""
    return f"{value:.2f} ({ends[0]:.2f} to {ends[1]:.2f})" if ends else f"{value:.2f}"


def amount(right: float) -> str:
    """The sum of values, in full however large: ``1,234`` or ``12.5``."""
    return f"{round(right, 3):,.15g}"


def points(difference: float) -> str:
    """Percentage points with their sign. A difference that is there never reads as none."""
    given = 100 * difference
    text = f"{given:+.1f}" if abs(given) >= 0.05 else f"{given:+.1g}"
    return text if given else "0.0"


def p_value(value: float) -> str:
    """``p = 0.032``; never rounded onto or over the 5 % that decides."""
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if abs(value - 0.05) >= 0.0005 else f"p = {value:.5f}"


def rounded(samples: int) -> int:
    """Up to two leading digits, of a number that is too rough for more."""
    unit = int(10 ** max(0, len(str(samples)) - 2))
    return -(-samples // unit) * unit


def _hundredths(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f}"
