"""The same tables and views on a cluster: a pure function of the SQL files, so that each new one is covered.

What a table becomes follows from its text:

* `ENGINE = Null`, `ENGINE = Merge`: the same on every node, since they hold no rows.
* no `PARTITION BY`: small, and each node has all of it. One replicated table over all nodes, so that dictionaries and
  the bookkeeping of roll-ups read it locally.
* any other: `<name>_local`, replicated within a shard, and `<name>`, a Distributed table over all shards, which is what
  views, exporters and people go on naming. Rows go to shards by their unit of account (docs/decisions/0005), so the
  calls, tries, runs and signals of a task lie together, each row with its later versions.

A materialised view fires on the shard that owns the row: it reads `<name>_local` and writes to `<name>_local`. Only
what comes from outside, into a Null table, passes through a Distributed table, once, on its way to its shard.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from worthwhile_schemas.sql import Script

Place = Literal["entry", "inner", "everywhere", "sharded"]

DEDUPLICATION_SECONDS: Final = 604_800
"""How long a replicated table remembers a batch; the engine's default of an hour is shorter than an outage."""

_NAME: Final = re.compile(r"^[\w.{}-]+$")
_CREATE: Final = re.compile(
    r"^CREATE (?:OR REPLACE )?(TABLE|VIEW|MATERIALIZED VIEW|DICTIONARY) (?:IF NOT EXISTS )?(\w+)"
)
_ALTER: Final = re.compile(r"^ALTER TABLE (\w+)\s+(.*)$", re.DOTALL)
_COLUMN_CHANGE: Final = re.compile(r"^(?:ADD|MODIFY|DROP|RENAME|COMMENT|ALTER) COLUMN\b")
_ENGINE: Final = re.compile(r"\bENGINE = (\w*MergeTree|Null|Merge)\b(?:\(([^)]*)\))?")
_UNIT: Final = re.compile(r"(?m)^\s+task_ref \w+ ALIAS (.+) COMMENT ")
_ORDER: Final = re.compile(r"\bORDER BY (\(.*?\)|\w+)\s*(?:;|$|\n)")
_WINDOW: Final = re.compile(r"\bnon_replicated_deduplication_window = (\d+)")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as its servers' configuration names it.

    Attributes:
        name: Name under `remote_servers`, or a macro such as `{cluster}`.
        database: Database of the tables, the same on every node.

    Raises:
        ValueError: A name that would end a quoted string.
    """

    name: str
    database: str = "worthwhile"

    def __post_init__(self) -> None:
        for value in (self.name, self.database):
            if not _NAME.match(value):
                raise ValueError(
                    f"naming a cluster: found `{value}`, expected letters, digits, `_`, `-`, `.`, or a macro in braces"
                )


def rendered(scripts: Iterable[Script], cluster: Cluster) -> tuple[Script, ...]:
    """The scripts for a cluster, in the same order, each with the fingerprint of its single-node text.

    Args:
        scripts: All of them, oldest first: what a statement becomes depends on those before it.
        cluster: Where they go.

    Raises:
        ValueError: A statement of a kind that has no form for a cluster yet.
    """
    listed = tuple(scripts)
    places = places_of(listed)
    return tuple(
        replace(
            script,
            text=";\n\n".join(
                part for statement in script.statements for part in _statement(statement, places, cluster)
            )
            + ";\n",
            fingerprint=script.sha256,
        )
        for script in listed
    )


def places_of(scripts: Sequence[Script]) -> Mapping[str, Place]:
    """Where each table's rows are, told by the text of all scripts."""
    places: dict[str, Place] = {}
    statements = [statement for script in scripts for statement in script.statements]
    for statement in statements:
        created = _CREATE.match(statement)
        if created and created.group(1) == "TABLE":
            places[created.group(2)] = _place(statement)
    for _ in places:  # a Null table behind another one needs as many rounds as there are in the chain
        for statement in statements:
            target = _target(statement)
            if places.get(target) == "entry" and any(
                places.get(source) in {"sharded", "inner"} for source in _sources(statement)
            ):
                places[target] = "inner"
    return places


def sharding_key(statement: str) -> str:
    """What decides the shard of a row: the unit of account, the trace outside a task, else the sorting key."""
    columns = set(re.findall(r"(?m)^\s+(\w+) ", statement))
    if "SpanAttributes" in columns:
        return _raw_unit("SpanAttributes", "SpanAttributes['worthwhile.task.key'] != ''")
    if "LogAttributes" in columns:
        both = "LogAttributes['worthwhile.task.key'] != '' AND LogAttributes['worthwhile.workload'] != ''"
        return _raw_unit("LogAttributes", both)
    if {"task_ref", "task_id", "trace_id"} <= columns:
        computed = _UNIT.search(statement)  # a sharding key cannot name a column that is not stored
        unit = computed.group(1) if computed else "task_ref"
        ids = "task_id != 0, toString(task_id), lower(hex(trace_id))"
        return f"sipHash64(multiIf({unit} != 0, toString({unit}), {ids}))"
    for column, key in (("task_ref", "toString(task_ref)"), ("TraceId", "lower(TraceId)")):
        if column in columns:
            return f"sipHash64({key})"
    if "trace_id" in columns:
        return "sipHash64(lower(hex(trace_id)))"
    ordered = _ORDER.search(statement)
    if ordered is None:
        raise ValueError(f"sharding `{statement[:60]}`: found no ORDER BY at the start of a line, expected one")
    return f"sipHash64({ordered.group(1).removeprefix('(').removesuffix(')')})"


def _raw_unit(attributes: str, is_keyed: str) -> str:
    """The unit of account of a raw span or record, computed as the materialised views compute `task_ref`."""
    run = f"toUInt128(toUUIDOrZero({attributes}['worthwhile.task.id']))"
    keyed = f"{attributes}['worthwhile.workload'], {attributes}['worthwhile.task.key']"
    return (
        f"sipHash64(multiIf({is_keyed}, toString(reinterpretAsUInt128(sipHash128({keyed}))), "
        f"{run} != 0, toString({run}), lower(TraceId)))"
    )


def _place(statement: str) -> Place:
    if _ENGINE.search(statement) is None:
        raise ValueError(f"rendering `{statement[:60]}`: found no engine of the MergeTree family, no Null and no Merge")
    if re.search(r"\bENGINE = (?:Null|Merge)\b", statement):
        return "entry"
    return "sharded" if re.search(r"(?m)^PARTITION BY ", statement) else "everywhere"


def _statement(statement: str, places: Mapping[str, Place], cluster: Cluster) -> list[str]:
    if altered := _ALTER.match(statement):
        return _alter(altered.group(1), altered.group(2), places, cluster)
    if statement.startswith("INSERT INTO "):
        return [statement]
    created = _CREATE.match(statement)
    if created is None:
        raise ValueError(f"rendering `{statement[:60]}` for a cluster: expected CREATE, ALTER TABLE or INSERT INTO")
    kind, name = created.groups()
    if kind == "TABLE":
        return _table(name, statement, places, cluster)
    if kind == "MATERIALIZED VIEW":
        return [_materialized(statement, places, cluster)]
    return [_on_cluster(statement, name, name, cluster)]


def _table(name: str, statement: str, places: Mapping[str, Place], cluster: Cluster) -> list[str]:
    if copied := re.match(r"CREATE TABLE IF NOT EXISTS \w+ AS (\w+)", statement):
        source = copied.group(1)
        statement = re.sub(rf"\bAS {source}\b", f"AS {_local(source, places)}", statement, count=1)
    place = places[name]
    if place in {"entry", "inner"}:
        return [_on_cluster(statement, name, name, cluster)]
    replicated = _WINDOW.sub(
        rf"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = {DEDUPLICATION_SECONDS}",
        _ENGINE.sub(lambda found: _replicated(found, name, place, cluster), statement, count=1),
    )
    if place == "everywhere":
        return [_on_cluster(replicated, name, name, cluster)]
    distributed = (
        f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER '{cluster.name}' AS {name}_local\n"
        f"ENGINE = Distributed('{cluster.name}', '{cluster.database}', '{name}_local', {sharding_key(statement)})"
    )
    return [_on_cluster(replicated, name, f"{name}_local", cluster), distributed]


def _replicated(found: re.Match[str], name: str, place: Place, cluster: Cluster) -> str:
    engine, arguments = found.groups()
    if place == "everywhere":
        path, replica = f"/clickhouse/tables/all/{cluster.database}/{name}", "{shard}-{replica}"
    else:
        path, replica = f"/clickhouse/tables/{{shard}}/{cluster.database}/{name}", "{replica}"
    rest = f", {arguments}" if arguments else ""
    return f"ENGINE = Replicated{engine}('{path}', '{replica}'{rest})"


def _materialized(statement: str, places: Mapping[str, Place], cluster: Cluster) -> str:
    created = _CREATE.match(statement)
    target = _target(statement)
    is_inside = any(places.get(source) in {"sharded", "inner"} for source in _sources(statement))
    name = created.group(2) if created else ""
    if re.match(rf"CREATE (?:OR REPLACE )?MATERIALIZED VIEW (?:IF NOT EXISTS )?{name}\s+REFRESH\b", statement):
        return statement  # on one node: every node would do the same work again
    if is_inside:
        statement = re.sub(rf"\bTO {target}\b", f"TO {_local(target, places)}", statement, count=1)
        statement = re.sub(r"\b(FROM|JOIN) (\w+)\b(\s+AS\b)?", lambda found: _read(found, places), statement)
    return _on_cluster(statement, name, name, cluster)


def _read(found: re.Match[str], places: Mapping[str, Place]) -> str:
    """A table that is read on its shard; columns that are named with it stay as they are."""
    word, name, alias = found.groups()
    local = _local(name, places)
    return f"{word} {local}{alias or ('' if local == name else f' AS {name}')}"


def _alter(name: str, change: str, places: Mapping[str, Place], cluster: Cluster) -> list[str]:
    on = f"ON CLUSTER '{cluster.name}'"
    changes = [f"ALTER TABLE {_local(name, places)} {on} {change}"]
    if places.get(name) == "sharded" and _COLUMN_CHANGE.match(change):
        bare = re.sub(r"\s+CODEC\([^()]*(?:\([^()]*\)[^()]*)*\)", "", change)
        changes.append(f"ALTER TABLE {name} {on} {bare}")
    return changes


def _on_cluster(statement: str, name: str, new_name: str, cluster: Cluster) -> str:
    return re.sub(rf"^(CREATE [A-Z ]*?){name}\b", rf"\g<1>{new_name} ON CLUSTER '{cluster.name}'", statement, count=1)


def _local(name: str, places: Mapping[str, Place]) -> str:
    return f"{name}_local" if places.get(name) == "sharded" else name


def _target(statement: str) -> str:
    found = re.match(r"CREATE (?:OR REPLACE )?MATERIALIZED VIEW .*?\bTO (\w+)", statement, re.DOTALL)
    return found.group(1) if found else ""


def _sources(statement: str) -> list[str]:
    return re.findall(r"\b(?:FROM|JOIN) (\w+)\b", statement)
