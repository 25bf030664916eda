from datetime import UTC, datetime
from decimal import Decimal

import pytest

from worthwhile_dashboards.report import notation


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "unknown"),
        ("0", "$0"),
        ("0.00000123456", "$0.00000123"),
        ("0.0123456", "$0.0123"),
        ("0.5", "$0.500"),
        ("1.005", "$1.00"),
        ("12.345", "$12.34"),
        ("1234567.89", "$1,234,568"),
        ("-0.0123456", "-$0.0123"),
    ],
)
def test_usd(amount: str | None, text: str) -> None:
    assert notation.usd(None if amount is None else Decimal(amount)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "unknown"), (0, "0%"), (1, "100%"), (0.00001, "<0.1%"), (0.99999, ">99.9%"), (0.8416, "84.2%")],
)
def test_percent_keeps_none_and_all_for_none_and_all(share: float | None, text: str) -> None:
    assert notation.percent(share) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, "not measured"),
        (0, "0 ns"),
        (850_000, "850 µs"),
        (12_345_678, "12.3 ms"),
        (1_234_567_890, "1.23 s"),
        (93_000_000_000, "1.55 min"),
        (172_800_000_000_000, "2.00 d"),
    ],
)
def test_duration(nanoseconds: int | None, text: str) -> None:
    assert notation.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "not measured"), (0, "0"), (99_999, "99,999"), (123_456, "123 k"), (1_234_567, "1.23 M")],
)
def test_tokens(number: int | None, text: str) -> None:
    assert notation.tokens(number) == text


def test_energy() -> None:
    assert [notation.energy(uj) for uj in (0, 12, 3_500_000, 5_300_000_000)] == ["0 J", "12.0 µJ", "3.50 J", "1.47 Wh"]


def test_interval_without_an_upper_end_says_so() -> None:
    assert notation.usd_interval(Decimal("0.25"), None) == "$0.250 or more"
    assert notation.usd_interval(None, None) == "unknown"


def test_printable_shows_what_could_act() -> None:
    assert notation.printable("a\x1b[2J\r\u202eb\u200d é日") == r"a\x1b[2J\r\u202eb\u200d é日"


def test_day_and_time() -> None:
    assert notation.day_and_time(datetime(2026, 11, 21, tzinfo=UTC)) == "2026-11-21"
    assert notation.day_and_time(datetime(2026, 11, 21, 14, 30, tzinfo=UTC)) == "2026-11-21 14:30"
