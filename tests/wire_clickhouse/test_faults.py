"""What becomes of a batch when ClickHouse refuses an insert: these bytes are at fault, or this server as it is now."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.collectors.store.otlp import calls
from tests.wire_clickhouse.conftest import Fault, Server

from worthwhile_collectors.pipeline import UNEXPLAINED_TRIES, Pipeline
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.spool import Spool, SpoolLimits
from worthwhile_collectors.store import Quarantined, QueryFailed, Store, codes, framed, open_store
from worthwhile_collectors.store.errors import StoreError

TABLES = (codes.DATA, codes.FULL, codes.READ_ONLY, codes.DENIED, codes.MISSING, codes.OVERLOADED, codes.UNFIT)
POISON = calls(1000, worthwhile__workload="poison-marker")


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    opened = open_store(f"http://{server.address}/shop")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _empty(store: Store) -> None:
    store.command("TRUNCATE TABLE calls")


def stored(store: Store) -> object:
    return store.query("SELECT count() AS n FROM calls_final")[0]["n"]


def test_the_codes_are_the_engines(store: Store) -> None:
    listed = {code: name for table in TABLES for code, name in table.items()}
    assert len(listed) == sum(map(len, TABLES)), "a code stands in two tables"
    asked = store.query(
        "SELECT arrayJoin({codes:Array(UInt16)}) AS code, errorCodeToName(code) AS name", {"codes": list(listed)}
    )
    assert {row["code"]: row["name"] for row in asked} == listed


SERVER_FAULTS = [
    (241, "MEMORY_LIMIT_EXCEEDED"),
    (252, "TOO_MANY_PARTS"),
    (164, "READONLY"),
    (242, "TABLE_IS_READ_ONLY"),
    (210, "NETWORK_ERROR"),
    (279, "ALL_CONNECTION_TRIES_FAILED"),
    (159, "TIMEOUT_EXCEEDED"),
    (201, "QUOTA_EXCEEDED"),
    (202, "TOO_MANY_SIMULTANEOUS_QUERIES"),
    (243, "NOT_ENOUGH_SPACE"),
    (319, "UNKNOWN_STATUS_OF_INSERT"),
    (999, "KEEPER_EXCEPTION"),
    (497, "ACCESS_DENIED"),
    (60, "UNKNOWN_TABLE"),
    (16, "NO_SUCH_COLUMN_IN_TABLE"),
    (156, "DICTIONARIES_WAS_NOT_LOADED"),
]


FIRST_OR_AGAIN = pytest.mark.parametrize("is_suspect", [False, True], ids=["first", "after many tries"])


@pytest.mark.parametrize(("code", "name"), SERVER_FAULTS, ids=[name for _, name in SERVER_FAULTS])
@FIRST_OR_AGAIN
def test_a_fault_of_the_server_sets_nothing_aside(
    server: Server, store: Store, code: int, name: str, is_suspect: bool
) -> None:
    """However often it happens, and although one request alone causes it: the batch is kept."""
    batch = framed([calls(1), POISON, calls(2)])
    with server.failing(Fault(code, name, "poison-marker")), pytest.raises(StoreError, match=name):
        store.insert_protobuf("traces", batch, f"server-{code}-{is_suspect}", is_suspect=is_suspect)
    assert stored(store) == 0


@FIRST_OR_AGAIN
def test_a_batch_that_met_every_fault_of_the_server_is_stored_once(
    server: Server, store: Store, is_suspect: bool
) -> None:
    batch, token = framed([calls(1), POISON, calls(2)]), f"server-{is_suspect}"
    for code, name in SERVER_FAULTS:
        with server.failing(Fault(code, name, "poison-marker")), pytest.raises(StoreError, match=name):
            store.insert_protobuf("traces", batch, token, is_suspect=is_suspect)
    for _ in range(2):
        assert store.insert_protobuf("traces", batch, token, is_suspect=is_suspect) == ()
        assert stored(store) == 3


@dataclass(frozen=True)
class SetAside:
    """What one batch came to in which a request met each fault of the data, with good requests around them."""

    poison: dict[int, bytes]
    refused: tuple[Quarantined, ...]
    stored: object


@pytest.fixture(scope="module")
def set_aside(server: Server, store: Store) -> SetAside:
    poison = {code: calls(1000 + code, worthwhile__workload=f"poison-{code}-marker") for code in codes.DATA}
    faults = [Fault(code, name, f"poison-{code}-marker") for code, name in codes.DATA.items()]
    store.command("TRUNCATE TABLE calls")
    with server.failing(*faults):
        refused = store.insert_protobuf("traces", framed([calls(1), *poison.values(), calls(2)]), "data")
    return SetAside(poison, refused, stored(store))


@pytest.mark.parametrize("code", codes.DATA)
def test_a_fault_of_one_request_sets_that_one_aside(set_aside: SetAside, code: int) -> None:
    [reason] = [each.reason for each in set_aside.refused if each.body == set_aside.poison[code]]
    assert codes.DATA[code] in reason


def test_nothing_else_of_the_batch_is_set_aside(set_aside: SetAside) -> None:
    assert {each.body for each in set_aside.refused} == set(set_aside.poison.values())
    assert set_aside.stored == 2


def test_an_unknown_error_is_repeated_and_then_taken_apart(server: Server, store: Store) -> None:
    batch = framed([calls(1), POISON, calls(2)])
    assert codes.fault(710) == "unknown"
    with server.failing(Fault(710, "FAULT_INJECTED", "poison-marker")):
        with pytest.raises(QueryFailed, match="FAULT_INJECTED"):
            store.insert_protobuf("traces", batch, "unknown")
        assert stored(store) == 0
        refused = store.insert_protobuf("traces", batch, "unknown", is_suspect=True)
    assert [each.body for each in refused] == [POISON]
    assert stored(store) == 2


def test_an_unknown_error_that_every_insert_meets_is_the_servers(server: Server, store: Store) -> None:
    batch = framed([calls(1), calls(2)])
    with server.failing(Fault(710, "FAULT_INJECTED")), pytest.raises(QueryFailed):
        store.insert_protobuf("traces", batch, "everywhere", is_suspect=True)
    assert store.insert_protobuf("traces", batch, "everywhere", is_suspect=True) == ()
    assert stored(store) == 2


def test_a_server_that_fails_while_a_batch_is_taken_apart_loses_nothing(server: Server, store: Store) -> None:
    """The good half is stored, then the memory runs out: the batch comes again whole, and is stored once."""
    garbage = b"\xff" * 40
    requests = [calls(1), calls(2), garbage, calls(3, worthwhile__workload="poison-marker")]
    with server.failing(Fault(241, "MEMORY_LIMIT_EXCEEDED", "poison-marker")), pytest.raises(StoreError):
        store.insert_protobuf("traces", framed(requests), "halfway")
    assert [each.body for each in store.insert_protobuf("traces", framed(requests), "halfway")] == [garbage]
    rows = store.query("SELECT count() AS rows, uniqExact(span_id) AS spans FROM calls")
    assert rows == [{"rows": 3, "spans": 3}]


def test_the_writer_sets_aside_what_keeps_failing_and_stores_the_rest(
    server: Server, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of a segment with an error that tells nothing: so many tries, then the one request goes."""
    monkeypatch.setattr("worthwhile_collectors.pipeline.LAST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr("worthwhile_collectors.pipeline.FIRST_DELAY_SECONDS", 0.01)
    spool = Spool(tmp_path / "spool", SpoolLimits(1 << 24, durability="process"))
    for body in (calls(1), POISON, calls(2)):
        spool.append("traces", body)
    spool.seal()
    spool.append("traces", calls(3))
    quarantine = Quarantine(tmp_path / "quarantine")
    pipeline = Pipeline(spool, store, quarantine)
    with server.failing(Fault(710, "FAULT_INJECTED", "poison-marker")):
        pipeline.start()
        assert pipeline.stop(60)
    assert pipeline.counts()["failed"] == UNEXPLAINED_TRIES
    assert pipeline.counts()["rejected"] == 1
    [piece] = quarantine.pieces()
    assert Path(piece.path).read_bytes() == POISON
    assert stored(store) == 3
