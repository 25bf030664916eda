"""How numbers and names are written for people, in the terminal and on the page alike."""

from datetime import datetime
from decimal import Decimal
from typing import Final

UNKNOWN: Final = "unknown"
NOT_MEASURED: Final = "not measured"
TO: Final = " \N{EN DASH} "

_DURATIONS: Final = (
    (86_400 * 10**9, "d"),
    (3_600 * 10**9, "h"),
    (60 * 10**9, "min"),
    (10**9, "s"),
    (10**6, "ms"),
    (10**3, "µs"),
)
_ENERGIES: Final = ((3_600_000 * 10**6, "kWh"), (3_600 * 10**6, "Wh"), (10**6, "J"), (10**3, "mJ"), (1, "µJ"))


def usd(amount: Decimal | None) -> str:
    """USD with cents from one dollar on, with three significant digits below."""
    if amount is None:
        return UNKNOWN
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size >= 1000:
        return f"{sign}${size:,.0f}"
    if size >= 1:
        return f"{sign}${size:.2f}"
    return f"{sign}${size:.{2 - size.adjusted()}f}"


def usd_interval(low: Decimal | None, high: Decimal | None) -> str:
    """Interval in USD; an unbounded upper end is said, not hidden."""
    if low is None:
        return UNKNOWN
    return f"{usd(low)} or more" if high is None else f"{usd(low)}{TO}{usd(high)}"


def percent(share: float | None) -> str:
    """Share in percent; 0% and 100% are written for exactly none and exactly all only."""
    if share is None:
        return UNKNOWN
    if share in (0, 1):
        return f"{share:.0%}"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def percent_interval(interval: tuple[float, float] | None) -> str:
    """Interval of a share in percent."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f}{TO}{100 * interval[1]:.1f}%"


def count(number: int | None) -> str:
    """Integer with thousands separators."""
    return NOT_MEASURED if number is None else f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Number with its noun in the right form, such as `1 call` or `2 calls`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def tokens(number: int | None) -> str:
    """Tokens, shortened from a hundred thousand on."""
    if number is None:
        return NOT_MEASURED
    if number >= 100_000_000_000:
        return f"{number / 1e9:,.0f} G"
    if number >= 100_000_000:
        return f"{number / 1e6:,.0f} M"
    if number >= 1_000_000:
        return f"{number / 1e6:.2f} M"
    return f"{number / 1e3:.0f} k" if number >= 100_000 else f"{number:,}"


def duration(nanoseconds: int | None) -> str:
    """Time with three significant digits in the unit that suits it."""
    if nanoseconds is None:
        return NOT_MEASURED
    for size, unit in _DURATIONS:
        if nanoseconds >= size:
            return f"{_three_digits(nanoseconds / size)} {unit}"
    return f"{nanoseconds} ns"


def energy(microjoules: int | None) -> str:
    """Energy with three significant digits in the unit that suits it."""
    if microjoules is None:
        return NOT_MEASURED
    for size, unit in _ENERGIES:
        if microjoules >= size:
            return f"{_three_digits(microjoules / size)} {unit}"
    return "0 J"


def day_and_time(moment: datetime) -> str:
    """UTC day, with the time when it is not midnight."""
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"


def printable(text: str) -> str:
    """Text of foreign origin without control, bidirectional or invisible characters, which show as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _three_digits(value: float) -> str:
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f}"
