"""The SQL that makes the store: numbered migrations, materialised views, views, and how OTLP bytes are inserted.

clickhouse/migrations/NNNN_name.sql     tables; never edited once released, told apart by their SHA-256
clickhouse/dictionaries/name.sql        dictionaries, each with the view it is loaded from; replaced when changed
clickhouse/materialized/NN_name.sql     materialised views, in this order; replaced when their text changes
clickhouse/views/name.sql               views and Merge tables over them, each after what it reads; always replaced
clickhouse/settle/NN_table.sql          steps of settling roll-ups, in this order: what each adds to its table
clickhouse/retention.sql                how long tables keep what they have
clickhouse/sweep.sql                    deletes roll-ups that newer ones have replaced
clickhouse/touch_everything.sql         makes every roll-up be computed again
clickhouse/otlp_text.sql                definitions that stand in materialised views for `{otlp_text}`
clickhouse/is_content.sql         the condition that stands in statements for `{is_content}`
clickhouse/content_part.sql       which part of a conversation a `name` is, for `{content_part}`
clickhouse/near_address.sql             the condition that stands in statements for `{near_address}`
clickhouse/reprice/name.sql             what re-pricing asks and inserts, and the parts that stand in those statements
clickhouse/rollup/name.sql              lists of columns that stand in views and steps for `{rollup_name}`
clickhouse/compare/name.sql             selects that stand in views and steps for `{compare_name}`
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Final, Literal

Signal = Literal["traces", "logs"]

LANDING: Final[Mapping[Signal, tuple[str, str]]] = {
    "traces": ("otlp_traces_in", "ExportTraceServiceRequest"),
    "logs": ("otlp_logs_in", "ExportLogsServiceRequest"),
}
"""Table and protobuf message that take an OTLP signal."""


_SETTLE_SETTINGS: Final = (
    "max_partitions_per_insert_block = 0, max_threads = 1, max_insert_threads = 1, "
    "max_bytes_before_external_group_by = 1000000000"
)
"""Settling waits for inserts and readers, not they for it."""


_SCOPED_READ: Final = re.compile(r"\b(FROM|JOIN)\s+(\w+)\b(?:\(scope = ('\w+')\))?")


@dataclass(frozen=True, slots=True)
class Script:
    """One SQL file.

    Attributes:
        kind: Folder that it is from.
        number: Position among migrations, 0 for the other kinds.
        name: File name without number and ending: the object's name, for views.
        text: What the file says.
        fingerprint: SHA-256 of the text that this one was rendered from, empty if it is the file's own.
    """

    kind: Literal["migration", "dictionary", "materialized", "view"]
    number: int
    name: str
    text: str
    fingerprint: str = ""

    @property
    def sha256(self) -> str:
        """Fingerprint of the file's text, hex."""
        return self.fingerprint or hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements, without comment lines and final semicolons."""
        bare = re.sub(r"(?m)^\s*--.*\n?", "", self.text)
        return tuple(statement.strip() for statement in re.split(r";\s*(?:\n|$)", bare) if statement.strip())

    @property
    def reads(self) -> frozenset[str]:
        """Names of the tables and views that the statements select from."""
        text = "\n".join(self.statements)
        merged = re.findall(r"\bENGINE = Merge\(currentDatabase\(\), '\^\(([\w|]+)\)\$'\)", text)
        return frozenset(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", text)).union(*(names.split("|") for names in merged))


@cache
def migrations() -> tuple[Script, ...]:
    """All migrations, oldest first."""
    return tuple(Script("migration", int(stem[:4]), stem[5:], text) for stem, text in _files("migrations"))


@cache
def dictionaries() -> tuple[Script, ...]:
    """All dictionaries; `{login}` stands for what a dictionary must say to read a table of its own database."""
    return tuple(Script("dictionary", 0, stem, text) for stem, text in _files("dictionaries"))


@cache
def materialized_views() -> tuple[Script, ...]:
    """All materialised views, in the order in which they can be created."""
    return tuple(Script("materialized", 0, stem[3:], _filled(text)) for stem, text in _files("materialized"))


@cache
def views() -> tuple[Script, ...]:
    """All views, in the order in which they can be created."""
    scripts = {name: Script("view", 0, name, _filled(text)) for name, text in _files("views")}
    reads = {name: sorted(script.reads & (scripts.keys() - {name})) for name, script in scripts.items()}
    return tuple(scripts[name] for name in TopologicalSorter(reads).static_order())


@dataclass(frozen=True, slots=True)
class Step:
    """One step of settling roll-ups.

    Attributes:
        name: File name without ending.
        table: What the step appends to.
        select: What it appends, in the order of the table's columns.
    """

    name: str
    table: str
    select: str

    @property
    def insert(self) -> str:
        """The step as a statement of its own."""
        return f"INSERT INTO {self.table} {self.select} SETTINGS {_SETTLE_SETTINGS}"

    def refreshable_view(self, *, after: str | None) -> str:
        """The step as something that the database does by itself, every minute, after another one of them."""
        depends = f" DEPENDS ON settle_{after}" if after else ""
        return (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS settle_{self.name} REFRESH EVERY 1 MINUTE{depends} "
            f"SETTINGS refresh_retries = 0 APPEND TO {self.table} AS {self.select}"
        )


@cache
def settle_steps() -> tuple[Step, ...]:
    """The steps that settle some of the hours that were written to, in order."""
    numbered = ((stem, text) for stem, text in _files("settle") if stem[:2].isdigit())
    scripts = ((stem, Script("view", 0, stem, _filled(text))) for stem, text in numbered)
    return tuple(Step(stem, stem.partition("_")[2], script.statements[0]) for stem, script in scripts)


@cache
def refreshable_settling() -> tuple[str, ...]:
    """Statements after which a database settles by itself, every minute, one step after the other."""
    steps = settle_steps()
    return tuple(
        step.refreshable_view(after=before.name if before else None)
        for before, step in zip((None, *steps[:-1]), steps, strict=True)
    )


def settling(statement: str, *staged: str) -> str:
    """A statement of settling tasks that reads `settling_x` for `touched_x`, for each x that was worked out before.

    A view works these out at every use; here the views that do stand in the statement as subqueries.
    """
    tables = {f"touched_{name}": f"settling_{name}" for name in staged}
    selects = {view.name: view.statements[0].partition(" AS\n")[2] for view in views()}
    readers: set[str] = set()
    for view in views():  # each after those that it reads
        if view.name not in tables and view.reads & (tables.keys() | readers):
            readers.add(view.name)

    def replaced(read: re.Match[str]) -> str:
        word, name, scope = read.groups()
        if name in tables:
            return f"{word} {tables[name]}"
        if name not in readers:
            return read[0]
        select = selects[name].replace("{scope:String}", scope or "")
        return f"{word} ({re.sub(_SCOPED_READ, replaced, select)})"

    return re.sub(_SCOPED_READ, replaced, statement)


@cache
def touch_everything() -> str:
    """The statement that makes every hour due for settling."""
    return _loose("touch_everything").statements[0]


@cache
def reprice_statement(name: str) -> str:
    """A statement of `clickhouse/reprice`; `{priced}` is there how an insert is priced, over the calls in question."""
    sources = {"compare": "compared", "apply": "applied"}
    filled = {"is_repriced": _reprice_part("is_repriced")}
    if name in sources:
        filled["priced"] = _priced(_reprice_part(sources[name]))
    text = _reprice_part(name)
    for part, stands in filled.items():
        text = text.replace(f"{{{part}}}", stands)
    return text


def _reprice_part(name: str) -> str:
    text = (files("worthwhile_schemas") / "clickhouse" / "reprice" / f"{name}.sql").read_text("utf-8")
    return Script("view", 0, name, _filled(text)).statements[0]


def _priced(calls: str) -> str:
    """What `calls_rated_mv` and `calls_priced_mv` make of these calls, as one SELECT."""
    selects = {script.name: script.statements[0].partition(" AS\n")[2] for script in materialized_views()}
    rated = selects["calls_rated_mv"].replace("FROM calls_asked", f"FROM ({calls}) AS calls_asked")
    return selects["calls_priced_mv"].replace("FROM calls_rated", f"FROM ({rated}) AS calls_rated")


@cache
def sweep() -> tuple[str, ...]:
    """The statements that delete generations of roll-ups that were replaced."""
    return _loose("sweep").statements


def retention_statements(days: Mapping[str, int]) -> tuple[str, ...]:
    """The statements of `clickhouse/retention.sql` for so many days, by the names that stand in it."""
    statements = _loose("retention").statements
    for name, number in days.items():
        statements = tuple(statement.replace(f"{{{name}}}", str(int(number))) for statement in statements)
    return statements


@cache
def scripts() -> tuple[Script, ...]:
    """Everything that makes the store, in the order in which it is applied."""
    return (*migrations(), *dictionaries(), *materialized_views(), *views())


@cache
def otlp_schema() -> str:
    """`clickhouse/otlp.proto` on one line, without comments."""
    text = (files("worthwhile_schemas") / "clickhouse" / "otlp.proto").read_text("utf-8")
    return " ".join(re.sub(r"//.*", "", text).split())


def insert_settings(signal: Signal, token: str) -> dict[str, str]:
    """Settings of an `INSERT ... FORMAT Protobuf` of length-prefixed OTLP requests.

    Args:
        signal: Which OTLP signal the requests carry.
        token: Names the batch: a batch whose token was seen before changes no table, directly or through a view.
    """
    return {
        "insert_deduplication_token": token,
        "deduplicate_blocks_in_dependent_materialized_views": "1",
        "async_insert": "0",
        "optimize_on_insert": "0",
        "max_partitions_per_insert_block": "0",
        "input_format_protobuf_oneof_presence": "1",
        "format_schema_source": "string",
        "format_schema": otlp_schema(),
        "format_schema_message_name": LANDING[signal][1],
    }


def _loose(name: str) -> Script:
    """`clickhouse/<name>.sql`, statements that are run when they are wanted."""
    return Script("view", 0, name, (files("worthwhile_schemas") / "clickhouse" / f"{name}.sql").read_text("utf-8"))


def _filled(text: str) -> str:
    """The text with each `{otlp_text}`, `{rollup_…}` and `{compare_…}` replaced by what it stands for."""
    clickhouse = files("worthwhile_schemas") / "clickhouse"

    def replacement(found: re.Match[str]) -> str:
        folder = found[2] or ""
        part = (clickhouse / folder / f"{found[1].removeprefix(f'{folder}_')}.sql").read_text("utf-8").rstrip()
        return _filled(part) if folder else part

    return re.sub(r"\{(otlp_text|near_address|is_content|content_part|(rollup|compare)_\w+)\}", replacement, text)


def _files(folder: str) -> list[tuple[str, str]]:
    found = (files("worthwhile_schemas") / "clickhouse" / folder).iterdir()
    return sorted(
        (file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in found if file.name.endswith(".sql")
    )
