"""Compiles `dialects/*.toml` into the SQL that turns `otel_traces` rows into `calls` rows.

A dialect names the span attributes that hold each canonical column. A column is the first non-empty one of them over
all dialects, by rank, so that a mixed or misread span still gives what it has; how its tokens are meant depends on its
dialect alone. What is the same for all dialects is SQL in `dialects/normaliser.sql`; this module fills the words
between its braces. A value that does not fit its column becomes NULL (an id 0) and names its column in `quality`.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

VIEW: Final = Path(__file__).parent / "clickhouse" / "materialized" / "30_calls_mv.sql"
"""The generated file: `python -m worthwhile_schemas.dialect_sql` writes it."""

Kind = Literal["text", "uuid", "uuids", "bool", "count", "status", "usd", "usd_part", "joules", "seconds", "weight"]

CANONICAL: Final[Mapping[str, Kind]] = {
    "workload": "text",
    "task_id": "uuid",
    "task_key": "text",
    "task_ancestors": "uuids",
    "operation": "text",
    "provider": "text",
    "request_model": "text",
    "response_model": "text",
    "response_id": "text",
    "conversation_id": "text",
    "tier": "text",
    "locality": "text",
    "service_tier": "text",
    "server_address": "text",
    "system_fingerprint": "text",
    "is_stream": "bool",
    "input_tokens": "count",
    "output_tokens": "count",
    "cache_read_tokens": "count",
    "cache_write_tokens": "count",
    "cache_write_1h_tokens": "count",
    "reasoning_tokens": "count",
    "audio_input_tokens": "count",
    "audio_output_tokens": "count",
    "total_tokens": "count",
    "web_searches": "count",
    "usage_basis": "text",
    "cost_usd": "usd",
    "cost_input_usd": "usd_part",
    "cost_cache_read_usd": "usd_part",
    "cost_cache_write_usd": "usd_part",
    "cost_output_usd": "usd_part",
    "cost_server_tools_usd": "usd_part",
    "cache_saving_usd": "usd_part",
    "cost_basis": "text",
    "price_version": "text",
    "energy_uj": "joules",
    "energy_method": "text",
    "ttft_ns": "seconds",
    "finish_reason": "text",
    "error_type": "text",
    "http_status": "status",
    "resend_count": "count",
    "retry_wait_ns": "seconds",
    "cache_kind": "text",
    "fallback_from": "text",
    "fallback_to": "text",
    "fallback_reason": "text",
    "fallback_index": "count",
    "fallback_from_tier": "text",
    "fallback_kind": "text",
    "fallback_chain": "text",
    "sample_weight": "weight",
}
"""What a dialect can fill, by kind of value. `total_tokens` is no column: it only helps to read the others."""

CONTENT: Final = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.prompt",
    "gen_ai.completion",
    "input.value",
    "output.value",
)
"""Attributes that carry what was said. They stay in `otel_traces` and its short life."""

CONTENT_PREFIXES: Final = ("gen_ai.prompt.", "gen_ai.completion.", "llm.input_messages.", "llm.output_messages.")

VALUE: Final[Mapping[Kind, str]] = {
    "uuid": "toUInt128(toUUIDOrZero({0}_text))",
    "uuids": "arrayMap(one -> toUInt128(toUUIDOrZero(one)), if({0}_text = '', [], splitByChar(',', {0}_text)))",
    "count": "toUInt32OrNull({0}_text)",
    "status": "toUInt16OrNull({0}_text)",
    "usd": "if(toDecimal64OrNull({0}_text, 12) >= 0, toDecimal64OrNull({0}_text, 12), NULL)",
    "usd_part": "toDecimal64OrNull({0}_text, 12)",
    "joules": "accurateCastOrNull(round(toFloat64OrNull({0}_text) * 1e6), 'UInt64')",
    "seconds": "accurateCastOrNull(round(toFloat64OrNull({0}_text) * 1e9), 'UInt64')",
    "weight": "if(toFloat64OrNull({0}_text) BETWEEN 1e-9 AND 1e9, toFloat64OrNull({0}_text), NULL)",
}
"""SQL of a column's value from its text: NULL, or 0 for an id, when the text is none."""

REJECTED: Final[Mapping[Kind, str]] = {
    "uuid": "{0}_value = 0 AND {0}_text != ''",
    "uuids": "has({0}_value, 0)",
    "bool": "{0}_flag = 2 AND {0}_text != ''",
}
"""SQL that is true when there is a text and it is no value; for the kinds not named here, when the value is NULL."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one emitter writes model calls.

    Attributes:
        name: What `calls.dialect` says.
        rank: Its own number; also the order of detection by marker, lowest first.
        scopes: Prefixes of instrumentation scope names; the longest match over all dialects wins.
        markers: Attributes whose presence tells the dialect when no scope does.
        calls: Attribute values that make a span a model call, all of them needed.
        tokens: `input` is `inclusive` or `exclusive` of cached parts, `output` is `inclusive` or `excludes_reasoning`,
            `zeros` are `counted` or `unknown` when input and output are both 0.
        columns: Canonical column to attribute keys, the most trusted first.
        zero_when_absent: Counts for which this emitter's silence means 0.
        ignored: Attributes that are neither a column nor worth keeping in `attrs`.
    """

    name: str
    rank: int
    scopes: tuple[str, ...]
    markers: tuple[str, ...]
    calls: Mapping[str, tuple[str, ...]]
    tokens: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]
    zero_when_absent: tuple[str, ...]
    ignored: tuple[str, ...]


@cache
def dialects() -> tuple[Dialect, ...]:
    """All dialects of `dialects/`, by rank."""
    tables = {table["name"]: table for table in _tables() if "name" in table}
    return tuple(sorted((_dialect(table, tables) for table in tables.values()), key=lambda dialect: dialect.rank))


@cache
def aliases() -> Mapping[str, Mapping[str, str]]:
    """Other spellings by canonical column, from `dialects/aliases.toml`."""
    return tomllib.loads((files("worthwhile_schemas") / "dialects" / "aliases.toml").read_text("utf-8"))


def calls_select() -> str:
    """The SELECT that reads `otel_traces` and gives rows for `calls`."""
    template = (files("worthwhile_schemas") / "dialects" / "normaliser.sql").read_text("utf-8")
    words = {word: make() for word, make in WORDS.items()}
    body = template.partition("*/\n")[2].rstrip()
    return re.sub(r"\{(\w+)\}", lambda found: words[found.group(1)], body)


def calls_view() -> str:
    """The text of the generated file `clickhouse/materialized/30_calls_mv.sql`."""
    return (
        "-- Generated by `make gen` from dialects/normaliser.sql and dialects/*.toml. Do not edit.\n"
        f"CREATE OR REPLACE MATERIALIZED VIEW calls_mv TO calls_in AS\n{calls_select()};\n"
    )


def _tables() -> Iterable[dict[str, Any]]:
    folder = files("worthwhile_schemas") / "dialects"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield tomllib.loads(file.read_text("utf-8"))


def _dialect(table: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Dialect:
    parent = _dialect(tables[table["extends"]], tables) if "extends" in table else None
    columns = {column: tuple(keys) for column, keys in table.get("columns", {}).items()}
    calls = {key: tuple(values) for key, values in table.get("calls", {}).items()}
    unknown = columns.keys() - CANONICAL.keys()
    if unknown:
        raise ValueError(f"dialect `{table['name']}` fills `{min(unknown)}`, which is no canonical column")
    return Dialect(
        name=table["name"],
        rank=table["rank"],
        scopes=tuple(table.get("scopes", ())),
        markers=tuple(table.get("markers", ())),
        calls=calls or (parent.calls if parent else {}),
        tokens={**(parent.tokens if parent else {"zeros": "unknown"}), **table.get("tokens", {})},
        columns={**(parent.columns if parent else {}), **columns},
        zero_when_absent=tuple(table.get("zero_when_absent", ())),
        ignored=(*(parent.ignored if parent else ()), *table.get("ignored", ())),
    )


def _detected() -> str:
    """SQL of the dialect's rank: longest scope prefix, else the first marker attribute, else 0."""
    scopes = sorted(((scope, d.rank) for d in dialects() for scope in d.scopes), key=lambda pair: (-len(pair[0]), pair))
    branches = [f"startsWith(ScopeName, {_literal(scope)}), {rank}" for scope, rank in scopes]
    branches += [f"{_text(marker)} != '', {d.rank}" for d in dialects() for marker in d.markers]
    return _multi_if(branches, "0", indent=7)


def _is_call() -> str:
    """SQL that is true for the spans that are model calls."""
    tests = {d.rank: [f"{_text(key)} IN ({_literals(values)})" for key, values in d.calls.items()] for d in dialects()}
    return _per_dialect({rank: " AND ".join(test) for rank, test in tests.items()}, "0", indent=5)


def _texts() -> str:
    """SQL of the text of every canonical column, `''` when the span does not have it."""
    return ",\n      ".join(
        f"sorted_texts[indexOf(sorted_columns, {number})] AS {column}_text"
        for number, column in enumerate(CANONICAL, 1)
    )


def _code() -> str:
    """SQL of an attribute's code by its `name`: column number * 32 + rank among the column's sources.

    1 is an attribute that is neither read nor kept, 0 one that is kept in `attrs`. One pass over the distinct names of
    a block finds all sources of all columns, so that a further dialect costs an insert next to nothing.
    """
    codes = dict.fromkeys((*CONTENT, *(key for d in dialects() for key in d.ignored)), 1)
    for number, column in enumerate(CANONICAL, 1):
        for rank, source in enumerate(_sources(column)):
            if codes.get(source, 1) != 1:
                raise ValueError(f"attribute `{source}` fills `{column}` and another column; expected one column")
            codes[source] = number * 32 + rank
    table = f"[{_literals(codes)}], [{', '.join(str(code) for code in codes.values())}]"
    prefixes = " OR ".join(f"startsWith(name, {_literal(prefix)})" for prefix in CONTENT_PREFIXES)
    return f"transform(name, {table}, toUInt16({prefixes}))"


def _sources(column: str) -> tuple[str, ...]:
    """Attributes that hold a column, in the order in which they are looked for in every call."""
    return tuple(dict.fromkeys(source for d in dialects() for source in d.columns.get(column, ())))


def _text(attribute: str) -> str:
    return f"SpanAttributes[{_literal(attribute)}]"


def _per_dialect(choices: Mapping[int, str], otherwise: str, *, indent: int) -> str:
    """SQL that picks by dialect; dialects with the same choice share a branch, and a unanimous choice needs none."""
    if len(choices) == len(dialects()) and len(set(choices.values())) == 1:
        return next(iter(choices.values()))
    by_choice = sorted(choices.items(), key=lambda item: (item[1], item[0]))
    branches = [
        f"dialect_rank IN ({', '.join(str(rank) for rank, _ in group)}), {choice}"
        for choice, group in groupby(by_choice, key=lambda item: item[1])
    ]
    return _multi_if(branches, otherwise, indent=indent)


def _values() -> str:
    """SQL of the value of every canonical column that is no text."""
    values = (f"{VALUE[kind].format(column)} AS {column}_value" for column, kind in CANONICAL.items() if kind in VALUE)
    return ",\n        ".join(values)


def _rejections() -> dict[str, str]:
    """SQL that is true when a column's text could not be used, by column."""
    by_column = {
        column: REJECTED.get(kind, "isNull({0}_value) > empty({0}_text)").format(column)
        for column, kind in CANONICAL.items()
        if kind != "text"
    }
    return {
        **by_column,
        "ts": "NOT is_dated",
        "trace_id": "length(TraceId) != 32",
        "span_id": "length(SpanId) != 16",
        "attrs": "has_long_attribute",
    }


def _alias(column: str, value: str) -> str:
    pairs = aliases()[column]
    return f"transform({value}, [{_literals(pairs)}], [{_literals(pairs.values())}], {value})"


def _is_dialect(test: Callable[[Dialect], bool]) -> str:
    ranks = ", ".join(str(d.rank) for d in dialects() if test(d))
    return f"dialect_rank IN ({ranks})" if ranks else "0"


def _multi_if(branches: list[str], otherwise: str, *, indent: int = 0) -> str:
    if not branches:
        return otherwise
    between = ",\n" + "  " * (indent + 1) if indent and len(branches) > 1 else ", "
    return f"multiIf({between.lstrip(',') if between != ', ' else ''}{between.join([*branches, otherwise])})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(_literal(text) for text in texts)


WORDS: Final[Mapping[str, Callable[[], str]]] = {
    "dialect_rank": _detected,
    "ranks": lambda: ", ".join(str(d.rank) for d in dialects()),
    "dialects": lambda: _literals(d.name for d in dialects()),
    "is_call": _is_call,
    "texts": _texts,
    "values": _values,
    "code": _code,
    "operation_alias": lambda: _alias("operation", "operation_text"),
    "provider_alias": lambda: _alias("provider", "lower(provider_text)"),
    "finish_reason_alias": lambda: _alias("finish_reason", "finish_reason_first"),
    "is_exclusive": lambda: _is_dialect(lambda d: d.tokens["input"] == "exclusive"),
    "is_without_reasoning": lambda: _is_dialect(lambda d: d.tokens["output"] == "excludes_reasoning"),
    "counts_zeros": lambda: _is_dialect(lambda d: d.tokens["zeros"] == "counted"),
    "resend_count_is_zero": lambda: _is_dialect(lambda d: "resend_count" in d.zero_when_absent),
    "rejections": lambda: ",\n    ".join(_rejections().values()),
    "columns_and_1": lambda: str(len(_rejections()) + 1),
    "rejected_columns": lambda: _literals(_rejections()),
}
"""The words between braces in `dialects/normaliser.sql`."""


if __name__ == "__main__":
    VIEW.write_text(calls_view(), "utf-8")
