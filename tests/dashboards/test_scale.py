from decimal import Decimal

import pytest
from tests.dashboards import samples

from worthwhile_dashboards.report.scale import Scale, cost_scale


def test_like_costs_share_a_linear_axis_from_zero() -> None:
    usual = samples.rich_report().workloads[0]
    scale = cost_scale([usual, usual])
    assert scale is not None
    assert not scale.is_log
    assert scale.position(0) == 0
    assert scale.high > float(usual.cost_per_success_interval[1] or 0)


def test_costs_far_apart_share_a_logarithmic_axis() -> None:
    usual, dear = samples.rich_report().workloads[:2]
    scale = cost_scale([usual, dear])
    assert scale == Scale(0.01, 1.0, is_log=True)
    assert scale.ticks == pytest.approx((0.01, 0.1, 1.0))
    assert scale.position(Decimal("0.1")) == pytest.approx(0.5)


def test_ticks_are_round() -> None:
    assert Scale(0.0, 0.0316, is_log=False).ticks == pytest.approx((0, 0.01, 0.02, 0.03))


def test_amounts_beyond_the_axis_are_at_its_end() -> None:
    assert Scale(0.01, 1.0, is_log=True).position(50) == 1
    assert Scale(0.01, 1.0, is_log=True).position(0) == 0


def test_nothing_to_draw_without_an_estimate() -> None:
    assert cost_scale(samples.rich_report().workloads[3:]) is None
    assert cost_scale([]) is None
