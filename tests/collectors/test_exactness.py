"""The same spans once, three times, in other batches, in another order, or from the spool again: the same totals."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

import pytest
from tests.collectors.exactness.traffic import Kind, Ledger, Traffic, joined, spans_of
from tests.collectors.exactness.truth import check, duplicates

from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.spool import Spool, SpoolLimits
from worthwhile_collectors.store import Store, framed

TABLES = ("otel_traces", "otel_logs", "otel_traces_trace_id_ts", "calls", "attempts", "task_runs", "signals")
ROLLUPS = ("touched_hours", "settle_plan", "settled", "calls_1m", "calls_1h", "calls_1d")
NOTHING_TWICE = dict.fromkeys(("calls", "attempts", "task_runs", "signals", "otel_traces", "otel_logs"), 0)


@pytest.fixture(scope="module")
def migrated(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.fixture
def store(migrated: Store) -> Store:
    for table in (*TABLES, *ROLLUPS):
        migrated.command(f"TRUNCATE TABLE {table}")
    return migrated


@pytest.fixture
def sent() -> tuple[dict[Kind, list[bytes]], Ledger]:
    traffic = Traffic(seed=7)
    bodies: dict[Kind, list[bytes]] = {"traces": [], "logs": []}
    for kind, body in islice(traffic.requests(), 60):
        bodies[kind].append(body)
    return bodies, traffic.ledger


def test_an_insert_repeated_with_its_token_changes_no_table(store: Store, sent) -> None:
    bodies, ledger = sent
    for _ in range(4):
        for kind, requests in bodies.items():
            for number in range(0, len(requests), 25):
                assert store.insert_protobuf(kind, framed(requests[number : number + 25]), f"{kind}-{number}") == ()
        check(store.query, ledger)
        assert duplicates(store.query) == NOTHING_TWICE


@pytest.mark.parametrize("seed", [1, 2])
def test_other_batches_order_and_repetitions_change_no_total(store: Store, sent, seed: int) -> None:
    """A collector in between: single spans in new requests and new batches, some twice, none with a token of ours."""
    bodies, ledger = sent
    mixer = random.Random(seed)
    for requests, tokens in ((bodies["traces"], "first"), (spans_of(bodies["traces"]), "second")):
        mixed = requests + mixer.sample(requests, len(requests) // 2)
        mixer.shuffle(mixed)
        while mixed:
            size = mixer.randint(1, 80)
            batch, mixed = mixed[:size], mixed[size:]
            body = [joined(batch)] if mixer.random() < 0.5 else batch
            store.insert_protobuf("traces", framed(body), f"{tokens}-{len(mixed)}")
    logs = bodies["logs"] * 2
    mixer.shuffle(logs)
    for number in range(0, len(logs), 7):
        store.insert_protobuf("logs", framed(logs[number : number + 7]), f"log-{number}")
    check(store.query, ledger)
    twice = duplicates(store.query)
    assert twice["otel_traces"] > 0, "nothing came twice in two batches: the test shows nothing"
    assert twice["otel_logs"] > 0


def test_a_merge_takes_the_duplicates_away(store: Store, sent) -> None:
    bodies, ledger = sent
    for token in ("one", "two"):
        for kind, requests in bodies.items():
            store.insert_protobuf(kind, framed(requests), f"{kind}-{token}")
    for table in ("calls", "attempts", "task_runs", "signals"):
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    twice = duplicates(store.query)
    assert twice.pop("otel_traces") > 0
    assert twice.pop("otel_logs") > 0
    assert set(twice.values()) == {0}
    check(store.query, ledger)


def test_the_whole_spool_again_changes_no_table(store: Store, sent, tmp_path: Path) -> None:
    bodies, ledger = sent
    spool = Spool(tmp_path / "spool", SpoolLimits(1 << 30, segment_bytes=1 << 16, durability="process"))
    for kind, requests in bodies.items():
        for body in requests:
            spool.append(kind, body)
    spool.seal()
    assert len(spool.sealed()) > 2
    shutil.copytree(tmp_path / "spool", tmp_path / "kept")
    for _ in range(2):
        pipeline = Pipeline(Spool(tmp_path / "spool", SpoolLimits(1 << 30)), store, Quarantine(tmp_path / "quarantine"))
        pipeline.start()
        assert pipeline.stop(60)
        assert list((tmp_path / "spool").iterdir()) == []
        check(store.query, ledger)
        assert duplicates(store.query) == NOTHING_TWICE
        shutil.copytree(tmp_path / "kept", tmp_path / "spool", dirs_exist_ok=True)


def test_a_fact_that_is_lost_or_counted_twice_is_seen(store: Store, sent) -> None:
    """What the other tests rely on: `check` fails for one request too few, and for a ledger of one too many."""
    bodies, ledger = sent
    store.insert_protobuf("traces", framed(bodies["traces"][1:]), "short")
    store.insert_protobuf("logs", framed(bodies["logs"]), "logs")
    with pytest.raises(AssertionError):
        check(store.query, ledger)
    store.insert_protobuf("traces", framed(bodies["traces"][:1]), "rest")
    check(store.query, ledger)
    ledger.input_tokens["ticket-reply", "openai"] += 1
    with pytest.raises(AssertionError):
        check(store.query, ledger)
