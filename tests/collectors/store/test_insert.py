"""OTLP bytes into the tables: batches that come again, requests that cannot be read, large batches."""

import pytest
from tests.collectors.store.otlp import calls

from worthwhile_collectors.store import QueryFailed, Store, StoreMissing, bodies, framed, frames
from worthwhile_collectors.store import store as store_module


def stored(store: Store) -> tuple[object, object]:
    """Rows in `calls`, and rows in `calls_final`."""
    found = store.query("SELECT (SELECT count() FROM calls) AS rows, (SELECT count() FROM calls_final) AS calls")
    return found[0]["rows"], found[0]["calls"]


def test_a_batch_that_comes_again_changes_no_table(store: Store) -> None:
    batch = framed([calls(1, 2), calls(3)])
    for _ in range(3):
        assert store.insert_protobuf("traces", batch, "one") == ()
    assert stored(store) == (3, 3)
    counts = (
        "SELECT (SELECT count() FROM otel_traces) AS spans, (SELECT count() FROM otel_traces_trace_id_ts) AS traces"
    )
    assert store.query(counts) == [{"spans": 3, "traces": 1}]


def test_a_span_in_another_batch_is_one_call(store: Store) -> None:
    store.insert_protobuf("traces", framed([calls(1, 2)]), "one")
    store.insert_protobuf("traces", framed([calls(2, 3), calls(3)]), "two")
    assert stored(store) == (5, 3)


def test_nothing_is_inserted_for_no_bytes(store: Store) -> None:
    assert store.insert_protobuf("logs", b"", "empty") == ()


@pytest.mark.parametrize("poison", [b"\xff" * 40, calls(9)[:-7]], ids=["garbage", "truncated"])
def test_one_request_that_cannot_be_read_does_not_stop_the_others(store: Store, poison: bytes) -> None:
    requests = [calls(1), calls(2), poison, calls(3), calls(4, 5)]
    for _ in range(2):
        quarantined = store.insert_protobuf("traces", framed(requests), "with-poison")
        assert [refused.body for refused in quarantined] == [poison]
        assert "inserting into `otlp_traces_in`" in quarantined[0].reason
        assert stored(store) == (5, 5)


def test_nothing_is_set_aside_when_a_table_is_away(store: Store) -> None:
    batch = framed([calls(1), b"\xff" * 40])
    store.command("RENAME TABLE calls TO calls_away")
    try:
        with pytest.raises(StoreMissing):
            store.insert_protobuf("traces", batch, "no-table")
    finally:
        store.command("RENAME TABLE calls_away TO calls")
    assert len(store.insert_protobuf("traces", batch, "no-table")) == 1
    assert stored(store) == (1, 1)


def test_nothing_is_set_aside_when_clickhouse_takes_no_insert_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server does that is older than a setting of ours."""
    batch = framed([calls(1), b"\xff" * 40])
    with monkeypatch.context() as older:
        settings = store_module.insert_settings
        older.setattr(store_module, "insert_settings", lambda *of: settings(*of) | {"input_format_of_2030": "1"})
        with pytest.raises(QueryFailed, match="input_format_of_2030"):
            store.insert_protobuf("traces", batch, "older")
    assert len(store.insert_protobuf("traces", batch, "older")) == 1
    assert stored(store) == (1, 1)


def test_several_bad_requests_are_all_returned(store: Store) -> None:
    bad = [b"\xff" * 40, b"\x0a\x7f", calls(9)[:-1]]
    quarantined = store.insert_protobuf("traces", framed([bad[0], calls(1), bad[1], calls(2), bad[2]]), "much-poison")
    assert [refused.body for refused in quarantined] == bad
    assert stored(store) == (2, 2)


def test_a_large_batch_goes_in_as_parts_and_still_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = framed([calls(number) for number in range(1, 10)])
    monkeypatch.setattr(frames, "PART_BYTES", len(batch) // 5)
    store.command("SYSTEM STOP MERGES calls")
    try:
        for _ in range(2):
            assert store.insert_protobuf("traces", batch, "large") == ()
            assert stored(store) == (9, 9)
        inserted = "SELECT count() AS n FROM system.parts WHERE table = 'calls' AND active"
        assert store.query(inserted) == [{"n": 4}]
    finally:
        store.command("SYSTEM START MERGES calls")


def test_poison_in_a_large_batch_is_returned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = [b"\xff" * 100, b"\xfe" * 100]
    batch = framed([poison[0], *(calls(number) for number in range(1, 10)), poison[1]])
    monkeypatch.setattr(frames, "PART_BYTES", len(batch) // 4)
    assert [refused.body for refused in store.insert_protobuf("traces", batch, "large-poison")] == poison
    assert stored(store) == (9, 9)


@pytest.mark.parametrize("size", [1, 100, 1000, 10_000])
def test_parts_are_whole_requests_in_order(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [bytes([number]) * (number * 37 % 900) for number in range(200)]
    batch = framed(requests)
    monkeypatch.setattr(frames, "PART_BYTES", size)
    found = frames.parts(batch)
    assert b"".join(found) == batch
    assert [request for part in found for request in bodies(part)] == requests
    assert len(found) <= max(1, len(batch) // size)
    assert max(map(len, found)) < 2 * size + 1000


def test_frames_are_cut_at_requests() -> None:
    requests = [bytes([number]) * size for number, size in enumerate((1, 127, 128, 20_000, 0, 3))]
    assert bodies(framed(requests)) == requests
    with pytest.raises(ValueError, match="reaches beyond the end"):
        bodies(framed(requests)[:-1])


def test_times_of_many_days_do_not_stop_an_insert(store: Store) -> None:
    """More day partitions than ClickHouse takes in one insert by default (100)."""
    day = 86_400
    assert store.insert_protobuf("traces", framed([calls(*(day * number for number in range(1, 131)))]), "days") == ()
    assert stored(store) == (130, 130)


def test_a_view_that_fails_fails_the_insert(store: Store) -> None:
    """What a view could not store must never be acknowledged."""
    for statement in (
        "CREATE TABLE numbers_in (number Int64) ENGINE = Null",
        "CREATE TABLE numbers_out (number Int64) ENGINE = MergeTree ORDER BY number",
        "CREATE MATERIALIZED VIEW numbers_mv TO numbers_out AS SELECT * FROM numbers_in WHERE throwIf(number = 3) = 0",
    ):
        store.command(statement)
    store.insert_rows("numbers_in", b'{"number": 1}')
    with pytest.raises(QueryFailed):
        store.insert_rows("numbers_in", b'{"number": 3}')
    assert store.query("SELECT number FROM numbers_out") == [{"number": 1}]
