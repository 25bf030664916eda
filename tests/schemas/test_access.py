"""Roles and row policies as SQL: parsed by the engine. Nothing here is enforced: the embedded engine has no users."""

import re

import chdb
import pytest

from worthwhile_schemas import sql
from worthwhile_schemas.access import CONTENT, Tenant, columns_of, statements
from worthwhile_schemas.cluster import Cluster

TENANTS = (Tenant("acme", ("shop-api", "it's")), Tenant("globex", ("billing",)))
MAIN = Cluster("main", "shop")
CASES = {
    "one node": statements("shop"),
    "tenants": statements("shop", tenants=TENANTS),
    "cluster": statements("shop", cluster=MAIN, tenants=TENANTS),
}


@pytest.fixture(scope="module")
def engine():
    connection = chdb.connect(":memory:")
    yield connection
    connection.close()


@pytest.mark.parametrize("case", CASES)
def test_the_engine_parses_every_statement(engine, case: str) -> None:
    for statement in CASES[case]:
        escaped = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert str(engine.query(f"SELECT formatQuery('{escaped}')", "TSV")).strip(), statement
        assert "{" not in statement, "a placeholder was not filled in"


def test_on_a_cluster_every_node_is_told() -> None:
    assert all(" ON CLUSTER 'main'" in statement for statement in CASES["cluster"])
    assert not any("CLUSTER" in statement for statement in CASES["tenants"])


def test_the_writer_may_only_add_to_what_is_written_to() -> None:
    granted = [s for s in CASES["one node"] if s.startswith("GRANT") and s.endswith("TO worthwhile_writer")]
    inserts = {re.search(r"INSERT ON shop\.(\w+)", s).group(1) for s in granted if "INSERT" in s}
    assert inserts == {"otlp_traces_in", "otlp_logs_in", "otel_traces", "otel_logs"}
    assert not [s for s in granted if "ALTER" in s or "DROP" in s or "ALL" in s]


def test_finance_sees_money_and_no_content() -> None:
    granted = "\n".join(s for s in CASES["one node"] if s.endswith("TO worthwhile_finops"))
    calls = re.search(r"GRANT SELECT\(([^)]*)\) ON shop\.calls TO", granted)
    assert calls is not None
    columns = set(calls.group(1).split(", "))
    assert {"ts", "workload", "cost_usd", "input_tokens", "cost_basis"} <= columns
    for listed in re.findall(r"SELECT\(([^)]*)\)", granted):
        assert not set(listed.split(", ")) & CONTENT
    assert not re.search(r"ON shop\.(otel_traces|otel_logs) ", granted)


def test_every_stored_table_has_its_columns() -> None:
    tables = columns_of(None)
    for script in sql.migrations():
        for statement in script.statements:
            created = re.match(r"CREATE TABLE IF NOT EXISTS (\w+)", statement)
            if created and "ENGINE = Null" not in statement:
                assert tables[created.group(1)], statement
    assert "task_ref" in tables["calls"]
    assert "INDEX" not in tables["calls"]
    assert set(tables) < set(columns_of(MAIN))
    assert columns_of(MAIN)["calls_local"] == tables["calls"] == columns_of(MAIN)["calls"]


def test_a_tenant_sees_the_rows_of_its_services_and_of_no_others() -> None:
    policies = [s for s in CASES["tenants"] if "worthwhile_tenant_acme ON" in s]
    by_table = {re.search(r" ON shop\.(\w+)", s).group(1): s for s in policies}
    is_named = "tenant" in columns_of(None)["calls"]
    whose = "tenant IN ('acme')" if is_named else r"service IN ('shop-api', 'it\'s')"
    assert f"USING {whose} TO worthwhile_tenant_acme" in by_table["calls"]
    assert r"ServiceName IN ('shop-api', 'it\'s')" in by_table["otel_traces"]
    assert "USING ServiceName IN" in by_table["otel_traces"]
    assert "USING 0 TO" in by_table["otel_traces_trace_id_ts"], "a table that does not say whose rows it holds"
    everyone = [s for s in CASES["tenants"] if "worthwhile_everyone" in s]
    assert {re.search(r" ON shop\.(\w+)", s).group(1) for s in everyone} == set(by_table)
    assert all(s.endswith("TO ALL EXCEPT worthwhile_tenant_acme, worthwhile_tenant_globex") for s in everyone)
    cluster = "\n".join(CASES["cluster"])
    assert "ON shop.calls_local\n" in cluster, "on a cluster the rows are read from the local tables"


@pytest.mark.parametrize(("name", "services"), [("Acme", ("a",)), ("a'b", ("a",)), ("acme", ()), ("", ("a",))])
def test_a_tenant_has_a_plain_name_and_services(name: str, services: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="naming a tenant: found `"):
        Tenant(name, services)
