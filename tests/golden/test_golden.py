"""OTLP in, rows out: each folder is a case of `input.jsonl` (OTLP/JSON), `assert.sql` and `expected.tsv`."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from worthwhile_collectors.receive.otlp_json import SIGNAL_KEYS, to_protobuf
from worthwhile_collectors.store import Store, framed

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/input.jsonl"))
TABLES = (
    "otel_traces",
    "otel_logs",
    "otel_traces_trace_id_ts",
    "calls",
    "attempts",
    "task_runs",
    "signals",
    "touched_tasks",
    "task_links",
    "task_facts",
    "waiting_signals",
    "cost_per_success_days",
    "task_settlings",
)


@pytest.fixture(scope="module")
def module_store(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.fixture
def store(module_store: Store) -> Store:
    for table in TABLES:
        module_store.command(f"TRUNCATE TABLE {table}")
    return module_store


def requests(case: Path) -> list[tuple[str, bytes]]:
    """Signal and protobuf request of every line."""
    lines = (case / "input.jsonl").read_bytes().splitlines()
    signals = [SIGNAL_KEYS[next(iter(json.loads(line)))] for line in lines]
    return [(signal, to_protobuf(signal, line)) for signal, line in zip(signals, lines, strict=True)]


def answers(store: Store, case: Path) -> str:
    """What the statements of `assert.sql` return, one after the other, with column names."""
    statements = (case / "assert.sql").read_text().split("FORMAT TSVWithNames;")
    return b"".join(store.query_bytes(statement, "TSVWithNames") for statement in statements).decode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rows_of(case: Path, store: Store) -> None:
    arriving = requests(case)
    for number, (signal, body) in enumerate(arriving):
        assert store.insert_protobuf(signal, framed([body]), f"{case.name}-{number}") == ()
    expected = (case / "expected.tsv").read_text()
    assert answers(store, case) == expected

    for signal in {signal for signal, _ in arriving}:
        twice = framed(body for kind, body in arriving if kind == signal for _ in range(2))
        assert store.insert_protobuf(signal, twice, f"{case.name}-again") == ()
    assert answers(store, case) == expected, "the same spans and signals in other batches changed a row"
