"""Results and parameters."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from worthwhile_collectors.store import QueryFailed, Store, StoreMissing


def test_values_are_exact_python_values(store: Store) -> None:
    sql = """
        SELECT toDecimal64('0.000000000001', 12) AS money, CAST(NULL AS Nullable(Decimal(18, 12))) AS unknown,
          toUInt64('18446744073709551615') AS big, toUInt128(7) AS id, 0.5 AS ratio, nan AS undefined, true AS flag,
          toDateTime64('2026-11-02 10:00:00.123456789', 9, 'UTC') AS ts, toDate('2026-11-02') AS day,
          [toDecimal64('1.5', 2)] AS list, map('a', 1) AS pairs, toLowCardinality('x') AS word,
          [toNullable(1), NULL] AS gaps
    """
    assert store.query(sql) == [
        {
            "money": Decimal("0.000000000001"),
            "unknown": None,
            "big": 18446744073709551615,
            "id": 7,
            "ratio": 0.5,
            "undefined": None,
            "flag": True,
            "ts": datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC),
            "day": date(2026, 11, 2),
            "list": [Decimal("1.5")],
            "pairs": {"a": 1},
            "word": "x",
            "gaps": [1, None],
        }
    ]


def test_parameters_arrive_as_they_are(store: Store) -> None:
    moment = datetime(2026, 11, 2, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    values = {"text": "it's \\ a\ttab\nline", "list": ["a'b", "c\\d"], "count": 5, "moment": moment, "nothing": None}
    sql = """
        SELECT {text:String} AS text, {list:Array(String)} AS list, {count:UInt64} AS count,
          {moment:DateTime64(6, 'UTC')} AS moment, {nothing:Nullable(String)} AS nothing
    """
    assert store.query(sql, values) == [values]


def test_bytes_come_in_the_format_asked_for(store: Store) -> None:
    assert store.query_bytes("SELECT 1 AS one, 'a' AS two", "CSVWithNames") == b'"one","two"\n1,"a"\n'
    assert store.query("SELECT 1 AS one WHERE 0") == []


def test_a_wrong_statement_says_which(store: Store) -> None:
    with pytest.raises(QueryFailed, match="running `SELECT nothing_known`") as caught:
        store.query("SELECT nothing_known")
    assert caught.value.exception_code == 47


def test_a_table_that_is_not_there_hints_at_migrate(store: Store) -> None:
    with pytest.raises(StoreMissing) as caught:
        store.query("SELECT * FROM no_such_table")
    assert caught.value.hint == "run `worthwhile migrate` first"
