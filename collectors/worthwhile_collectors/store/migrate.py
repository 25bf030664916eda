"""Brings the tables and views of a database up to those of this worthwhile."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from worthwhile_collectors.store.errors import StoreAltered, StoreMissing, StoreNewer
from worthwhile_collectors.store.prices import load_list
from worthwhile_collectors.store.rollups import touch_all
from worthwhile_schemas.cluster import Cluster, rendered
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.sql import Script, migrations, scripts

if TYPE_CHECKING:
    from worthwhile_collectors.store.store import Store

LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
  kind LowCardinality(String) COMMENT 'migration, dictionary, materialized or view',
  number UInt32 COMMENT 'Position among migrations, 0 for the other kinds',
  name String COMMENT 'Name of the SQL file without number and ending',
  sha256 FixedString(64) COMMENT 'Fingerprint of the applied text [hex]',
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY (kind, number, name)
"""


_MEANING: Final = {(name, "replace") for name in ("plain_calls", "compared_calls", "plain_hours")}
"""Changes after which roll-ups that were computed before say something else than calls do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One SQL file that was, or would be, applied.

    Attributes:
        kind: `migration`, `dictionary`, `materialized` or `view`; `retention` where rows are kept for another time.
        name: Its file name without ending; of a retention the table and the days.
        action: `create` what is not there, or `replace` what has another text.
    """

    kind: Literal["migration", "dictionary", "materialized", "view", "retention"]
    name: str
    action: Literal["create", "replace"]


def migrate(store: "Store", *, dry_run: bool, cluster: Cluster | None) -> list[Change]:
    """Apply what is missing; see `Store.migrate`."""
    applied = _applied(store)
    _check(applied)
    changes = [(script, _change(script, applied)) for script in scripts_for(cluster)]
    if not dry_run:
        store.create_database()
        for statement in ledger(cluster):
            store.command(statement)
        for script, change in changes:
            _apply(store, script, is_new=change is not None)
        if any(change and (change.name, change.action) in _MEANING for _, change in changes):
            touch_all(store)
        load_list(store, shipped())
    return [change for _, change in changes if change]


def scripts_for(cluster: Cluster | None) -> tuple[Script, ...]:
    """All scripts, as they are for one node, or for a cluster."""
    return scripts() if cluster is None else rendered(scripts(), cluster)


def ledger(cluster: Cluster | None) -> tuple[str, ...]:
    """What makes the table that remembers what was applied."""
    script = Script("migration", 0, "ledger", LEDGER)
    return script.statements if cluster is None else rendered([script], cluster)[0].statements


def _applied(store: "Store") -> dict[tuple[str, int, str], str]:
    try:
        recorded = store.query("SELECT kind, number, name, sha256 FROM schema_migrations FINAL")
    except StoreMissing:
        return {}
    return {(str(row["kind"]), int(str(row["number"])), str(row["name"])): str(row["sha256"]) for row in recorded}


def _check(applied: dict[tuple[str, int, str], str]) -> None:
    known = {script.number: script for script in migrations()}
    for (kind, number, name), sha256 in sorted(applied.items()):
        if kind != "migration":
            continue
        if number not in known:
            raise StoreNewer(
                f"reading the schema: migration `{number:04}_{name}` was applied, "
                f"the newest that this worthwhile knows is `{max(known):04}`",
                hint="upgrade worthwhile, or use another database or data folder",
            )
        if sha256 != known[number].sha256:
            raise StoreAltered(
                f"reading the schema: migration `{number:04}_{name}` was applied with another text than the one here",
                hint="use the worthwhile that made the database, or another database or data folder",
            )


def _change(script: Script, applied: dict[tuple[str, int, str], str]) -> Change | None:
    recorded = applied.get((script.kind, script.number, script.name))
    if recorded == script.sha256:
        return None
    label = f"{script.number:04}_{script.name}" if script.kind == "migration" else script.name
    return Change(script.kind, label, "replace" if recorded else "create")


def _apply(store: "Store", script: Script, *, is_new: bool) -> None:
    if not is_new and script.kind != "view":
        return
    for statement in script.statements:
        store.command(statement.replace("{login}", store.dictionary_login))
    if is_new:
        row = {"kind": script.kind, "number": script.number, "name": script.name, "sha256": script.sha256}
        store.insert_rows("schema_migrations", json.dumps(row).encode())
