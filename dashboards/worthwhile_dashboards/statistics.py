"""Intervals for a cost per successful task and for a success rate, from exact sufficient statistics.

ClickHouse sums exactly (integers and decimals), this module turns the sums into intervals. It is the only place that
knows these formulas: panels and reports show what it returns.
"""

import math
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95

_USD_STEP: Final = Decimal("1e-12")
_WIDE: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class TaskSums:
    """Sufficient statistics of the labelled tasks of a cohort: cost c in USD and success s, 0 or 1, of each task.

    Attributes:
        tasks: Number n of labelled tasks.
        successes: Sum of s, which is also the sum of s squared.
        cost: Sum of c.
        cost_squared: Sum of c squared.
        cost_of_successes: Sum of c times s.
    """

    tasks: int
    successes: int
    cost: Decimal
    cost_squared: Decimal
    cost_of_successes: Decimal


def fieller_interval(sums: TaskSums, confidence: float = CONFIDENCE) -> tuple[Decimal | None, Decimal | None]:
    """Interval in USD for mean cost / mean success; `None` for an end that the data do not bound.

    The interval holds every ratio r that a t test of "the mean of c - r s is 0" does not reject. With means a, b,
    sample variances vc, vs and covariance vcs (divisor n - 1) and k = t^2 / n these are the r with

        (b^2 - k vs) r^2 - 2 (a b - k vcs) r + (a^2 - k vc) <= 0.

    It is bounded when b differs significantly from 0, that is b^2 > k vs. Otherwise the upper end is unbounded. A cost
    is never negative, so that the lower end is at least 0.

    Source: E. C. Fieller, "Some problems in interval estimation", J. Royal Statistical Society B 16 (1954) 175-185.
    """
    n = sums.tasks
    if n < 2 or sums.successes == 0:
        return None, None
    a, b = Fraction(sums.cost) / n, Fraction(sums.successes, n)
    vc = (Fraction(sums.cost_squared) - n * a * a) / (n - 1)
    vs = (sums.successes - n * b * b) / (n - 1)
    vcs = (Fraction(sums.cost_of_successes) - n * a * b) / (n - 1)
    k = Fraction(student_t_quantile(0.5 + confidence / 2, n - 1)) ** 2 / n

    square, half_linear, constant = b * b - k * vs, a * b - k * vcs, a * a - k * vc
    discriminant = half_linear * half_linear - square * constant
    if square > 0:
        spread = _square_root(discriminant)
        return _usd((half_linear - spread) / square), _usd((half_linear + spread) / square)
    if square < 0 < constant:  # the rejected ratios lie between the roots, and 0 is one of them
        return _usd((half_linear - _square_root(discriminant)) / square), None
    return _usd(Fraction(0)), None


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Interval for a success rate; `None` without trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. American
    Statistical Association 22 (1927) 209-212, without continuity correction.
    """
    if trials == 0:
        return None
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    rate = successes / trials
    centre = rate + z2 / (2 * trials)
    spread = math.sqrt(z2 * (rate * (1 - rate) + z2 / (4 * trials)) / trials)
    scale = 1 + z2 / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


@lru_cache(maxsize=4096)
def student_t_quantile(probability: float, degrees: int) -> float:
    """The t with P(T <= t) = `probability`, for 0.5 < `probability` < 1 and `degrees` >= 1.

    Newton's method on the upper tail, from the normal quantile, which lies below t. The distribution function is
    concave for t > 0, so that each step lands at or below t and the steps only rise.

    Source: the tail is I_x(degrees/2, 1/2) / 2 at x = degrees / (degrees + t^2), NIST Digital Library of Mathematical
    Functions (dlmf.nist.gov), section 8.17 (incomplete beta function).
    """
    target = 1 - probability
    log_scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(degrees * math.pi)
    t = NormalDist().inv_cdf(probability)
    for _ in range(100):
        density = math.exp(log_scale - (degrees + 1) / 2 * math.log1p(t * t / degrees))
        step = (_student_tail(t, degrees) - target) / density
        t += step
        if step <= t * 1e-14:
            break
    return t


def _student_tail(t: float, degrees: int) -> float:
    """P(T > t) for t > 0."""
    x = degrees / (degrees + t * t)
    return _incomplete_beta(x, 1 - x, degrees / 2, 0.5) / 2


def _incomplete_beta(x: float, y: float, a: float, b: float) -> float:
    """I_x(a, b), with y = 1 - x given because a difference would lose its digits.

    The continued fraction converges fast for x < (a + 1) / (a + b + 2); beyond, I_x(a, b) = 1 - I_y(b, a).
    Source: DLMF 8.17.4 and 8.17.22, evaluated from the front (W. J. Lentz, Applied Optics 15 (1976) 668-671).
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(y, x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)
    numerator, denominator, fraction = 1.0, 0.0, 1.0
    for step in range(1, 100_000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + term * denominator)
        numerator = 1 + term / numerator
        fraction *= numerator * denominator
        if abs(numerator * denominator - 1) < 1e-15:
            break
    return math.exp(log_front) / (a * fraction)


def _square_root(value: Fraction) -> Fraction:
    """Square root to 60 significant digits; 0 of a negative rest of rounding."""
    if value <= 0:
        return Fraction(0)
    return Fraction(_WIDE.sqrt(_WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))))


def _usd(value: Fraction) -> Decimal:
    """USD to the picodollar, at least 0."""
    value = max(value, Fraction(0))
    return _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator)).quantize(_USD_STEP, context=_WIDE)
