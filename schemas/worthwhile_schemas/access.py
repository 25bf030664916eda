"""Roles, limits, quotas and row policies for a ClickHouse server, as SQL made from `clickhouse/access/*.sql`.

Which tables there are, which columns may hold content, and which column says whose row it is, is read from the
migrations, so that a new table is covered. Nothing here is enforced by the embedded engine, which has no users.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from worthwhile_schemas.cluster import Cluster, places_of, rendered
from worthwhile_schemas.sql import LANDING, Script, migrations, scripts, views

CONTENT: Final = frozenset(
    {
        "attrs",
        "Body",
        "SpanAttributes",
        "LogAttributes",
        "ResourceAttributes",
        "ScopeAttributes",
        "StatusMessage",
        "Events",
        "Links",
        "task_key",
        "conversation_id",
        "response_id",
        "body",
        "content",
    }
)
"""Columns that hold what hosts, users or models wrote; a key of a task may name a customer."""

SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "otel_traces": ("SpanAttributes", "`Events.Attributes`"),
    "otel_logs": ("Body", "LogAttributes"),
    "call_contents": ("content",),
}
"""Columns with what was said to models and by them, by table: for the role `worthwhile_content` alone."""

RAW: Final = ("otel_traces", "otel_logs")
"""The exporter's tables, which collectors write to; a finance role has no use for them."""

_OWNERS: Final = ("tenant", "service", "ServiceName")
"""The column that says whose row it is: the first of these that a table has."""

_TENANT: Final = re.compile(r"^[a-z][a-z0-9_]*$")
_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)(?: ON CLUSTER '[^']*')?(?: AS (\w+))?")
_COLUMN: Final = re.compile(r"(?m)^  (\w+) (?!Tuple\b)\S")
_KEYWORDS: Final = frozenset({"INDEX", "PROJECTION", "CONSTRAINT", "PRIMARY"})


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody who may see the rows of some services only.

    Attributes:
        name: Lower-case word; the role is `worthwhile_tenant_<name>`.
        services: `service.name` of the programs that are theirs, where no column `tenant` holds `name`.
    """

    name: str
    services: tuple[str, ...]

    def __post_init__(self) -> None:
        if not _TENANT.match(self.name) or not self.services:
            raise ValueError(
                f"naming a tenant: found `{self.name}` with `{len(self.services)}` services, "
                "expected lower-case letters, digits and `_`, and at least one service"
            )

    @property
    def role(self) -> str:
        """Name of the tenant's role."""
        return f"worthwhile_tenant_{self.name}"


def statements(database: str, *, cluster: Cluster | None = None, tenants: Sequence[Tenant] = ()) -> list[str]:
    """Everything that makes roles, grants, limits, quotas and row policies, in order; safe to run again."""
    given = {
        "database": database,
        "on_cluster": f" ON CLUSTER '{cluster.name}'" if cluster else "",
        "tenant_roles": ", ".join(tenant.role for tenant in tenants),
    }
    tables = columns_of(cluster)
    filled = list(_filled("roles", given))
    for table in (*(name for name, _ in LANDING.values()), *RAW):
        filled += _filled("landing", given | {"table": table})
    for table, columns in tables.items():
        if _is_money(table):
            named = ", ".join(column for column in columns if column not in CONTENT)
            filled += _filled("money", given | {"table": table, "columns": named})
    for view in views():
        filled += _filled("view", given | {"table": view.name})
    if tenants:
        filled += _tenants(given, tenants, tables)
    readers = ", ".join(["worthwhile_reader", *(tenant.role for tenant in tenants)])
    for table in tables:
        if said := SAID.get(table.removesuffix("_local")):
            filled += _filled("content", given | {"table": table, "columns": ", ".join(said), "readers": readers})
    return filled


@cache
def columns_of(cluster: Cluster | None) -> Mapping[str, tuple[str, ...]]:
    """Columns of every table that is written to disk, by the table's name on one node or on a cluster's nodes."""
    found: dict[str, tuple[str, ...]] = {}
    stored: dict[str, tuple[str, ...]] = {}
    every: tuple[Script, ...] = migrations() if cluster is None else rendered(migrations(), cluster)
    for script in every:
        for statement in script.statements:
            created = _TABLE.match(statement)
            if created is None:
                continue
            name, copied = created.groups()
            listed = tuple(column for column in _COLUMN.findall(statement) if column not in _KEYWORDS)
            found[name] = found[copied] if copied else listed
            if not re.search(r"\bENGINE = Null\b", statement):
                stored[name] = found[name]
    return stored


def _tenants(given: dict[str, str], tenants: Sequence[Tenant], tables: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for tenant in tenants:
        services = ", ".join(f"'{_escaped(service)}'" for service in tenant.services)
        own = given | {"role": tenant.role, "services": services}
        yield from _filled("tenant", own)
        for table, columns in tables.items():
            owner = next((column for column in _OWNERS if column in columns), None)
            if owner is not None:
                values = f"'{tenant.name}'" if owner == "tenant" else services
                yield from _filled("tenant_rows", own | {"table": table, "column": owner, "services": values})
            elif _is_about_tasks(table, columns):
                yield from _filled("tenant_rest", own | {"table": table})
    for table, columns in tables.items():
        if any(column in columns for column in _OWNERS) or _is_about_tasks(table, columns):
            yield from _filled("everyone", given | {"table": table})


def _is_money(table: str) -> bool:
    return not table.startswith(RAW) and table != "schema_migrations"


def _is_about_tasks(table: str, columns: Sequence[str]) -> bool:
    places = places_of(scripts())
    return places.get(table.removesuffix("_local")) == "sharded" or "workload" in columns


@cache
def _template(name: str) -> Script:
    text = (files("worthwhile_schemas") / "clickhouse" / "access" / f"{name}.sql").read_text("utf-8")
    return Script("view", 0, name, text)


def _filled(name: str, given: Mapping[str, str]) -> Iterator[str]:
    for statement in _template(name).statements:
        yield re.sub(r"\{(\w+)\}", lambda found: given[found.group(1)], statement)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
