"""Money, energy and time: the only conversions in the project.

Money is counted in integer picodollars (10^-12 USD) where it is summed in Python, and is `Decimal(18, 12)` in
ClickHouse. List prices are whole picodollars per token but for a few with noise in their source, so that a call's cost
is rounded once, by less than a picodollar.
Energy is counted in integer microjoules, time in integer nanoseconds. A ratio is the only float.
"""

from decimal import Decimal
from typing import Final, NewType

Picodollars = NewType("Picodollars", int)
Microjoules = NewType("Microjoules", int)
Nanoseconds = NewType("Nanoseconds", int)

PICODOLLARS_PER_USD: Final = 10**12
MICROJOULES_PER_JOULE: Final = 10**6
NANOSECONDS_PER_SECOND: Final = 10**9


def usd_from_pico(amount: Picodollars) -> Decimal:
    """Exact USD of an amount in picodollars."""
    return Decimal(amount).scaleb(-12)


def pico_from_usd(amount: Decimal | int | str) -> Picodollars:
    """Picodollars of an amount in USD, rounded half to even to the nearest picodollar.

    Args:
        amount: USD as a `Decimal`, an integer, or decimal text. Not a float: a float has already lost the exact amount.

    Raises:
        decimal.InvalidOperation: The text is not a number.
    """
    return Picodollars(int((Decimal(amount) * PICODOLLARS_PER_USD).to_integral_value()))


def attribute_usd(amount: Picodollars) -> float:
    """USD as the double that a span attribute carries.

    The shortest decimal text of this double is the exact amount again for anything below 1,000 USD (15 significant
    digits), which is how ClickHouse reads it back into `Decimal(18, 12)`.
    """
    return amount / PICODOLLARS_PER_USD


def seconds_from_ns(duration: int) -> float:
    """Seconds of a duration in nanoseconds, as semantic conventions want durations in attributes."""
    return duration / NANOSECONDS_PER_SECOND
