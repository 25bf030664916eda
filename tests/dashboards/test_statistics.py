import math
import statistics
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from worthwhile_dashboards.statistics import TaskSums, fieller_interval, student_t_quantile, wilson_interval

Task = tuple[Decimal, int]
PICODOLLAR = Decimal("1e-12")


def sums_of(tasks: list[Task]) -> TaskSums:
    return TaskSums(
        tasks=len(tasks),
        successes=sum(success for _, success in tasks),
        cost=sum((cost for cost, _ in tasks), Decimal(0)),
        cost_squared=sum((cost * cost for cost, _ in tasks), Decimal(0)),
        cost_of_successes=sum((cost for cost, success in tasks if success), Decimal(0)),
    )


def t_statistic(tasks: list[Task], ratio: Decimal) -> float:
    """Student's t of the differences c - r s, straight from its definition."""
    differences = [cost - ratio * success for cost, success in tasks]
    spread = statistics.stdev(differences)
    return math.inf if spread == 0 else abs(float(statistics.mean(differences) / spread)) * math.sqrt(len(tasks))


costs = st.integers(1, 5 * 10**12).map(lambda pico: Decimal(pico).scaleb(-12))
cohorts = st.lists(st.tuples(costs, st.integers(0, 1)), min_size=2, max_size=40)


@pytest.mark.parametrize(
    ("degrees", "table_value"),
    # Two-sided 5% points, NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2 (three decimals).
    [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (60, 2.000), (100, 1.984)],
)
def test_t_quantile_is_the_published_one(degrees: int, table_value: float) -> None:
    assert round(student_t_quantile(0.975, degrees), 3) == table_value


def test_t_quantile_has_closed_forms_for_one_and_two_degrees() -> None:
    # one degree is the Cauchy distribution: tan(pi (p - 1/2)); two degrees: (2p - 1) / sqrt(2 p (1 - p))
    for p in (0.6, 0.9, 0.975, 0.995):
        assert student_t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-12)
        assert student_t_quantile(p, 2) == pytest.approx((2 * p - 1) / math.sqrt(2 * p * (1 - p)), rel=1e-12)


def test_t_quantile_tends_to_the_normal_one() -> None:
    normal = statistics.NormalDist().inv_cdf(0.975)
    assert student_t_quantile(0.975, 10_000_000) == pytest.approx(normal, rel=1e-6)
    assert student_t_quantile(0.975, 10_000_000) > normal


def test_fieller_by_hand() -> None:
    # 8 tasks at 1 USD that succeed, 2 at 2 USD that fail: a = 12/10 = 1.2, b = 0.8, n = 10.
    # sum c^2 = 8 + 8 = 16, sum cs = 8
    # vc = (16 - 14.4)/9 = 0.1778, vs = (8 - 6.4)/9 = 0.1778, vcs = (8 - 9.6)/9 = -0.1778
    # t(0.975, 9) = 2.262157, k = 5.117355/10 = 0.5117355, k v = 0.0909752
    # square = 0.64 - 0.0909752 = 0.5490248, half = 0.96 + 0.0909752 = 1.0509752
    # constant = 1.44 - 0.0909752 = 1.3490248
    # discriminant = 1.1045488 - 0.7406481 = 0.3639007, root 0.6032419
    # low = 0.4477333/0.5490248 = 0.8155066, high = 1.6542171/0.5490248 = 3.0130098
    low, high = fieller_interval(sums_of([(Decimal(1), 1)] * 8 + [(Decimal(2), 0)] * 2))
    assert low is not None
    assert high is not None
    assert float(low) == pytest.approx(0.8155066, abs=2e-6)
    assert float(high) == pytest.approx(3.0130098, abs=2e-6)


@given(cohorts)
def test_fieller_ends_are_where_the_t_test_begins_to_reject(tasks: list[Task]) -> None:
    assume(any(success for _, success in tasks))
    low, high = fieller_interval(sums_of(tasks))
    assert low is not None
    critical = student_t_quantile(0.975, len(tasks) - 1)
    estimate = sum(cost for cost, _ in tasks) / sum(success for _, success in tasks)
    spread = statistics.stdev([cost - estimate * success for cost, success in tasks])
    assume(spread > Decimal("1e-6"))
    if low > Decimal("1e-6"):
        assert t_statistic(tasks, low) == pytest.approx(critical, rel=1e-3)
        assert t_statistic(tasks, low * Decimal("0.9")) > critical
    if high is None:
        assert t_statistic(tasks, estimate * 10**6) < critical * (1 + 1e-6)
    else:
        assert t_statistic(tasks, high) == pytest.approx(critical, rel=1e-3)
        assert t_statistic(tasks, high * Decimal("1.1")) > critical


@given(cohorts)
def test_fieller_holds_the_ratio(tasks: list[Task]) -> None:
    successes = sum(success for _, success in tasks)
    low, high = fieller_interval(sums_of(tasks))
    if successes == 0:
        assert (low, high) == (None, None)
        return
    assert low is not None
    ratio = sum(cost for cost, _ in tasks) / successes
    assert 0 <= low <= ratio + PICODOLLAR
    assert high is None or ratio - PICODOLLAR <= high


@given(cohorts, st.integers(2, 1000))
def test_fieller_scales_with_the_costs(tasks: list[Task], factor: int) -> None:
    low, high = fieller_interval(sums_of(tasks))
    scaled_low, scaled_high = fieller_interval(sums_of([(cost * factor, success) for cost, success in tasks]))
    for end, scaled in ((low, scaled_low), (high, scaled_high)):
        assert (end is None) == (scaled is None)
        if end is not None and scaled is not None:
            assert abs(scaled - end * factor) <= PICODOLLAR * factor


def test_fieller_needs_two_tasks_and_a_success() -> None:
    assert fieller_interval(sums_of([])) == (None, None)
    assert fieller_interval(sums_of([(Decimal(1), 1)])) == (None, None)
    assert fieller_interval(sums_of([(Decimal(1), 0)] * 5)) == (None, None)


def test_fieller_has_no_upper_end_when_success_may_be_nil() -> None:
    low, high = fieller_interval(sums_of([(Decimal(1), 1), (Decimal(1), 0), (Decimal(1), 0), (Decimal(2), 0)]))
    assert low is not None
    assert low > 0
    assert high is None


def test_fieller_of_equal_costs_is_exact_to_the_picodollar() -> None:
    assert fieller_interval(sums_of([(Decimal("0.000000000003"), 1)] * 50)) == (3 * PICODOLLAR, 3 * PICODOLLAR)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (the score interval without correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_the_published_one(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, trials)
    assert interval is not None
    assert (round(interval[0], 4), round(interval[1], 4)) == (low, high)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_rate_within_0_and_1(counts: tuple[int, int]) -> None:
    successes, trials = counts
    interval = wilson_interval(successes, trials)
    assert interval is not None
    assert 0 <= interval[0] <= successes / trials <= interval[1] <= 1


def test_wilson_of_nothing_is_unknown() -> None:
    assert wilson_interval(0, 0) is None
