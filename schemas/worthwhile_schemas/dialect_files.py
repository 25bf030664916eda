"""What `dialects/*.toml` say: how each emitter writes model calls. `dialect_sql.py` turns it into SQL.

A source of a column is an attribute's key, or one of these:

`key#a.b`      what stands at `a.b` in the JSON (or Python repr) that the attribute holds; of a list, in its first item
`key|own`      a key that means this only in spans of this dialect; quotes of JSON around its value are taken off
`key|last`     the same, looked at after everything else
`key|ms`       milliseconds, read as seconds
`key|time`     a moment in ISO 8601, read as seconds since the span's start
`key|head`     a dotted name, read without its last part
`key|word`     any other word: the column's value where there is any value at all
`event:name`   seconds from the span's start to its first event of that name
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, Final

FOLDER: Final = files("worthwhile_schemas") / "dialects"

SHARED: Final = ("aliases.toml", "usage.toml")
"""Files that are no dialect: spellings, and the usage objects of providers."""

TOKENS: Final[Mapping[str, Any]] = {
    "zeros": "unknown",
    "exclusive_for": (),
    "excludes_reasoning_for": (),
    "guesses_streams_for": (),
}

Conditions = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one emitter writes model calls.

    Attributes:
        name: What `calls.dialect` says.
        rank: Its own number; also the order of detection by marker, lowest first.
        scopes: Prefixes of instrumentation scope names; the longest match over all dialects wins.
        span_names: Prefixes of span names that tell the dialect when no scope does.
        markers: Attributes whose presence tells the dialect when neither does.
        calls: What makes a span a model call: one of these, with all attribute values that it names.
        tokens: `input` is `inclusive` or `exclusive` of cached parts, `output` is `inclusive` or `excludes_reasoning`,
            `zeros` are `counted` or `unknown` when input and output are both 0. For providers (prefixes):
            `exclusive_for`, `excludes_reasoning_for`, and `guesses_streams_for`, whose streams it counts by itself.
        columns: Canonical column to sources, the most trusted first.
        usage: Attributes that hold a provider's usage object, as `key` or `key#path`.
        provider: Provider of spans that name none.
        keeps_names: Whether models and caches are called what they are, so that no name needs repair.
        zero_when_absent: Counts for which this emitter's silence means 0.
        ignored: Attributes that are neither a column nor worth keeping in `attrs`.
        never: What this emitter never writes, for the documentation.
        about: The comment at the top of its file.
    """

    name: str
    rank: int
    scopes: tuple[str, ...]
    span_names: tuple[str, ...]
    markers: tuple[str, ...]
    calls: tuple[Conditions, ...]
    tokens: Mapping[str, Any]
    columns: Mapping[str, tuple[str, ...]]
    usage: tuple[str, ...]
    provider: str
    keeps_names: bool
    zero_when_absent: tuple[str, ...]
    ignored: tuple[str, ...]
    never: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class Usage:
    """The shapes of providers' usage objects.

    Attributes:
        columns: Canonical column to paths, the most trusted first.
        exclusive: Paths of input counts that do not contain cached tokens.
        exclusive_beside: Paths of input counts that do not when one of `parts` is a cached count of the same object.
        parts: Those paths.
        separate_reasoning: Paths of reasoning that the output count beside them does not contain.
    """

    columns: Mapping[str, tuple[str, ...]]
    exclusive: tuple[str, ...]
    exclusive_beside: tuple[str, ...]
    parts: tuple[str, ...]
    separate_reasoning: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialects:
    """Everything in a folder of dialects: dialects by rank, other spellings by column, usage objects."""

    dialects: tuple[Dialect, ...]
    aliases: Mapping[str, Mapping[str, str]]
    usage: Usage


@cache
def shipped() -> Dialects:
    """The dialects that worthwhile ships."""
    return load(FOLDER)


def load(*folders: Traversable) -> Dialects:
    """The dialects of some folders; the first one has the shared files.

    Raises:
        ValueError: Two dialects have one name or one rank, or one extends another that is not there.
    """
    tables: dict[str, dict[str, Any]] = {}
    for table in _tables(folders):
        name = table["name"]
        if name in tables:
            raise ValueError(f"dialect `{name}` is there twice; expected one file a dialect")
        tables[name] = table
    made = sorted((dialect(table, tables) for table in tables.values()), key=lambda one: one.rank)
    for first, second in pairwise(made):
        if first.rank == second.rank:
            raise ValueError(f"dialects `{first.name}` and `{second.name}` both have rank `{first.rank}`; expected two")
    return Dialects(tuple(made), _toml(folders[0] / "aliases.toml"), _usage(_toml(folders[0] / "usage.toml")))


def dialect(table: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Dialect:
    """One dialect from its table and, for what it does not say, from the one that it extends."""
    parent = dialect(tables[table["extends"]], tables) if "extends" in table else None
    columns = {column: tuple(sources) for column, sources in table.get("columns", {}).items()}
    return Dialect(
        name=table["name"],
        rank=table["rank"],
        scopes=tuple(table.get("scopes", ())),
        span_names=tuple(table.get("span_names", ())),
        markers=tuple(table.get("markers", ())),
        calls=_calls(table, tables) or (parent.calls if parent else ()),
        tokens={**(parent.tokens if parent else TOKENS), **table.get("tokens", {})},
        columns={**(parent.columns if parent else {}), **columns},
        usage=tuple(table.get("usage", ())),
        provider=table.get("provider", ""),
        keeps_names=table.get("keeps_names", False),
        zero_when_absent=tuple(table.get("zero_when_absent", ())),
        ignored=(*(parent.ignored if parent else ()), *table.get("ignored", ())),
        never=tuple(table.get("never", ())),
        about=table.get("about", ""),
    )


def _calls(table: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> tuple[Conditions, ...]:
    """Alternatives of `[[calls]]`; a text instead of a list stands for the list of the dialect of that name."""
    return tuple(
        {
            key: tuple(tables[values]["calls"][0][key]) if isinstance(values, str) else tuple(values)
            for key, values in alternative.items()
        }
        for alternative in table.get("calls", ())
    )


def _usage(table: Mapping[str, Any]) -> Usage:
    return Usage(
        columns={column: tuple(paths) for column, paths in table["columns"].items()},
        exclusive=tuple(table["exclusive"]),
        exclusive_beside=tuple(table["exclusive_beside"]["input"]),
        parts=tuple(table["exclusive_beside"]["parts"]),
        separate_reasoning=tuple(table["separate_reasoning"]),
    )


def _tables(folders: Iterable[Traversable]) -> Iterable[dict[str, Any]]:
    for folder in folders:
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".toml") and file.name not in SHARED:
                yield {"about": _comment(file.read_text("utf-8")), **_toml(file)}


def _comment(text: str) -> str:
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ") for line in lines[:end])


def _toml(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))
