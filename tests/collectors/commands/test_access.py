"""`worthwhile access`: prints what it would run, and refuses where nobody would enforce it."""


def test_the_sql_is_printed_for_the_named_database_and_tenants(worthwhile) -> None:
    address = ("--clickhouse", "http://127.0.0.1:9/shop")
    done = worthwhile("access", "--print", "--tenant", "acme=shop-api,shop-worker", "--cluster", "main", *address)
    assert done.returncode == 0, done.stderr
    assert "CREATE ROLE IF NOT EXISTS worthwhile_finops ON CLUSTER 'main';" in done.stdout
    assert "ON shop.calls_local" in done.stdout
    assert "USING service IN ('shop-api', 'shop-worker') TO worthwhile_tenant_acme" in done.stdout


def test_nothing_is_applied_to_an_engine_without_users(worthwhile) -> None:
    done = worthwhile("access", "--apply")
    assert done.returncode == 2
    assert "the embedded ClickHouse has no users" in done.stderr


def test_a_tenant_without_services_is_refused(worthwhile) -> None:
    done = worthwhile("access", "--print", "--tenant", "acme")
    assert done.returncode == 2
    assert "reading --tenant `acme`" in done.stderr
