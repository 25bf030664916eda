"""The shipped list prices: loading the snapshot, and finding the prices in force for a provider, model and instant.

Only the head of the snapshot stays in memory. A provider's models are read when one of them is looked up, from where
the head says that they are, and only the one that was found is kept: a program pays for the prices that it uses.

Matching, dates, hours of the day and request contexts follow genai-prices, from which `prices/snapshot.json` is built.
Amounts are picodollars for one unit: an integer, or decimal text where a list price is not a whole number of them.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, NotRequired, TypeAlias, TypedDict, cast

SCHEMA: Final = "worthwhile.prices/2"
SNAPSHOT: Final = Path(__file__).parent / "prices" / "snapshot.json"

_MODELS: Final = b'"models":{\n'
"""Last line of the head; what follows are the models of every provider."""

_MATCH: Final = b',"match":'
_PRICES: Final = b',"prices":'
"""What follows a model's `id` in its line: its rule, if it has one, and the prices. In texts, quotes are escaped."""

NS_PER_SECOND: Final = 10**9
NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
BEGINNING: Final = -(1 << 63)
END: Final = (1 << 63) - 1

Amount: TypeAlias = int | str
"""Picodollars for one unit."""
Price: TypeAlias = Amount | list[Any]
"""One amount, or `[amount, [tokens, amount], ...]`: with more input than `tokens`, that amount is for every token."""
Clause: TypeAlias = list[Any]


PriceRow: TypeAlias = Mapping[str, Any]
"""Prices by kind, and when they hold: `since` a UTC day, `daily` between UTC seconds, `when` the request says so."""
CONDITIONS: Final = ("since", "daily", "when")


class ModelEntry(TypedDict):
    """One model: later rows of `prices` win over earlier ones, earlier `variants` over later ones, kind by kind.

    A single row stands for itself. Without `match`, only `id` itself names the model.
    """

    id: str
    match: NotRequired[Clause]
    prices: PriceRow | list[PriceRow]
    variants: NotRequired[list[PriceRow]]


class ProviderEntry(TypedDict):
    """One provider; `fallback` names those whose models it also sells at their list price.

    Its models are `bytes` bytes, `at` bytes behind the file's head, one in a line; `sha256` is their checksum.
    """

    id: str
    host: str
    match: NotRequired[Clause]
    model_match: NotRequired[Clause]
    fallback: NotRequired[list[str]]
    at: int
    bytes: int
    sha256: str


class PriceBookError(Exception):
    """A price file cannot be used: `message` says which and why, `hint` what to do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message}\n\nhint: {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by kind, and the half-open interval of Unix nanoseconds within which they hold."""

    by_kind: Mapping[str, Price]
    from_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as one provider sells it."""

    provider: str
    model: str
    rows: Sequence[PriceRow]
    variants: Sequence[PriceRow]

    def contexts(self) -> list[dict[str, str]]:
        """Every request context with prices of its own, the empty one first."""
        contexts = [{}, *(dict(variant.get("when", {})) for variant in self.variants)]
        return [context for number, context in enumerate(contexts) if context not in contexts[:number]]

    def prices_at(self, at_ns: int, context: Mapping[str, str]) -> Prices:
        """Prices in force at `at_ns` for a request with `context`, such as `{"service_tier": "flex"}`.

        The last active row is the list; when none is active yet, the first one is. A variant replaces single kinds.
        """
        rows = [row for row in self.rows if _is_active(row, at_ns)] or self.rows[:1]
        variants = [variant for variant in self.variants if variant.get("when", {}).items() <= context.items()]
        replaced: dict[str, Price] = {}
        for variant in variants:
            if _is_active(variant, at_ns):
                replaced = _kinds(variant) | replaced
        edges = [edge for row in (*self.rows, *variants) for edge in _edges(row, at_ns)]
        return Prices(
            _kinds(rows[-1]) | replaced,
            max((edge for edge in edges if edge <= at_ns), default=BEGINNING),
            min((edge for edge in edges if edge > at_ns), default=END),
        )


@dataclass(frozen=True, slots=True)
class PriceBook:
    """A snapshot whose head is verified; its models are when they are read.

    Looking up a model raises `PriceBookError` where the file has changed, or gone, since it was loaded.

    Attributes:
        path: The file.
        models_at: Length of its head in bytes.
        version: Names these prices wherever a cost is stored: the date and the start of `sha256`.
        date: Day on which the prices were last seen to change.
        source: Package, version and licence of the data that it was built from.
        sha256: Checksum of the head after its first line, the checksums of all providers' models included.
        aliases: Provider names that the data spells otherwise; `None` is never priced.
        providers: By id, in the order in which they are tried.
    """

    path: Path
    models_at: int
    version: str
    date: str
    source: Mapping[str, str]
    sha256: str
    units: Mapping[str, str]
    aliases: Mapping[str, str | None]
    providers: Mapping[str, ProviderEntry]

    def find(self, provider: str, model: str) -> ListedModel | None:
        """The model that `model` names at `provider` (any usual spelling of both); `None` when it is not listed.

        LiteLLM, and an emitter that names no provider, leave it to the model's name to tell who sells it.
        """
        reference = model.lower()
        if provider.lower() == "litellm" and "/" in reference:
            prefix, rest = reference.split("/", 1)
            if prefix and self.provider(prefix) is not None:
                provider, reference = prefix, rest
        entry = self.provider(provider) or (self._seller(reference) if provider.lower() in {"litellm", ""} else None)
        if entry is None:
            return None
        dashed = _with_dashed_date(reference)
        return self._listed(entry, reference) or (self._listed(entry, dashed) if dashed != reference else None)

    def provider(self, name: str) -> ProviderEntry | None:
        """The provider that `name` means: its id, an alias, or what a provider's own rule recognises."""
        name = name.lower().strip()
        alias = self.aliases.get(name, name)
        if alias is None:
            return None
        if alias in self.providers:
            return self.providers[alias]
        return next((p for p in self.providers.values() if "match" in p and _matches(p["match"], alias)), None)

    def listed(self) -> Iterator[ListedModel]:
        """Every model of every provider, in the order in which they are tried."""
        for provider in self.providers.values():
            for model in self.models(provider):
                yield _listed_model(provider, model)

    def models(self, provider: ProviderEntry) -> Iterator[ModelEntry]:
        """The models of one provider, in the order in which they are tried."""
        for line in self._lines(provider):
            yield json.loads(line)

    def _seller(self, reference: str) -> ProviderEntry | None:
        providers = self.providers.values()
        return next((p for p in providers if "model_match" in p and _matches(p["model_match"], reference)), None)

    def _listed(self, provider: ProviderEntry, reference: str) -> ListedModel | None:
        if (model := self._named(provider, reference)) is not None:
            return _listed_model(provider, model)
        for other in provider.get("fallback", ()):
            if (model := self._named(self.providers[other], reference)) is not None:
                return _listed_model(provider, {**model, "variants": []})
        return None

    def _named(self, provider: ProviderEntry, reference: str) -> ModelEntry | None:
        by_id = b'{"id":%b%b' % (json.dumps(reference).encode(), _PRICES)
        for line in self._lines(provider):
            rule = line.partition(_PRICES)[0].partition(_MATCH)[2]  # the rest of the line is decoded only if it fits
            if _matches(json.loads(rule), reference) if rule else line.startswith(by_id):
                return cast("ModelEntry", json.loads(line))
        return None

    def _lines(self, provider: ProviderEntry) -> Iterator[bytes]:
        """The provider's models, verified, each as JSON."""
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.models_at + provider["at"])
                lines = file.read(provider["bytes"])
        except OSError as err:
            raise _unusable(self.path, f"the models of `{provider['id']}` cannot be read: {err}") from err
        sha256 = hashlib.sha256(lines).hexdigest()
        if sha256 != provider["sha256"]:
            why = f"the models of `{provider['id']}` have the SHA-256 `{sha256}`, expected `{provider['sha256']}`"
            raise _unusable(self.path, why)
        for line in io.BytesIO(lines):
            yield line.rstrip(b",\n")


@cache
def shipped() -> PriceBook:
    """The snapshot that this package ships; its head is read once."""
    return load(SNAPSHOT)


def load(path: Path) -> PriceBook:
    """Read and verify a snapshot's head.

    Raises:
        PriceBookError: The file is missing, is no snapshot of this schema, or does not match its own checksum.
    """
    try:
        with path.open("rb") as file:
            first = file.readline()
            lines = list(takewhile(lambda line: line != _MODELS, file))
        head = b"".join([*lines, _MODELS])
        raw: dict[str, Any] = json.loads(first + head + b"}}")
    except (OSError, ValueError) as err:
        raise _unusable(path, f"its head cannot be read as JSON: {err}") from err
    if raw.get("schema") != SCHEMA:
        raise _unusable(path, f"its schema is `{raw.get('schema')}`, expected `{SCHEMA}`")
    sha256 = hashlib.sha256(head).hexdigest()
    if raw.get("sha256") != sha256:
        raise _unusable(path, f"its head has the SHA-256 `{sha256}`, expected `{raw.get('sha256')}`")
    return PriceBook(
        path=path,
        models_at=len(first) + len(head),
        version=raw["version"],
        date=raw["date"],
        source=raw["source"],
        sha256=sha256,
        units=raw["units"],
        aliases=raw["aliases"],
        providers={provider["id"]: provider for provider in raw["providers"]},
    )


def steps(price: Price) -> list[tuple[int, Amount]]:
    """`(tokens, amount)` of a price, ascending: the last one with fewer `tokens` than the input holds; first `-1`."""
    if not isinstance(price, list):
        return [(-1, price)]
    return [(-1, price[0]), *((tokens, amount) for tokens, amount in price[1:])]


def day_ns(day: str) -> int:
    """Unix nanoseconds at which the ISO day `day` begins in UTC."""
    return (date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()) * NS_PER_DAY


def _unusable(path: Path, why: str) -> PriceBookError:
    hint = "reinstall worthwhile, or run `make gen` in a checkout"
    return PriceBookError(f"loading the price snapshot `{path}`: {why}", hint=hint)


def _listed_model(provider: ProviderEntry, model: ModelEntry) -> ListedModel:
    rows = model["prices"]
    return ListedModel(
        provider["id"], model["id"], rows if isinstance(rows, list) else [rows], model.get("variants", ())
    )


def _kinds(row: PriceRow) -> dict[str, Price]:
    return {kind: price for kind, price in row.items() if kind not in CONDITIONS}


def _is_active(row: PriceRow, at_ns: int) -> bool:
    if "since" in row:
        return at_ns >= day_ns(row["since"])
    if "daily" in row:
        begins, ends = (int(second) * NS_PER_SECOND for second in row["daily"])
        now = at_ns % NS_PER_DAY
        return begins <= now < ends if begins <= ends else now >= begins or now < ends
    return True


def _edges(row: PriceRow, at_ns: int) -> Iterator[int]:
    """Instants around `at_ns` at which `row` starts or stops to hold."""
    if "since" in row:
        yield day_ns(row["since"])
    midnight = at_ns - at_ns % NS_PER_DAY
    for second in row.get("daily", ()):
        for days in (-1, 0, 1):
            yield midnight + days * NS_PER_DAY + second * NS_PER_SECOND


def _matches(clause: Clause, text: str) -> bool:
    operation, *arguments = clause
    if operation == "any":
        return any(_matches(rule, text) for rule in arguments)
    if operation == "all":
        return all(_matches(rule, text) for rule in arguments)
    return _TESTS[operation](text, arguments)


_TESTS: Final[Mapping[str, Callable[[str, list[str]], bool]]] = {
    "equals": lambda text, wanted: text in wanted,
    "starts_with": lambda text, beginnings: text.startswith(tuple(beginnings)),
    "ends_with": lambda text, endings: text.endswith(tuple(endings)),
    "contains": lambda text, parts: any(part in text for part in parts),
    "regex": lambda text, patterns: any(re.search(pattern, text) for pattern in patterns),
}

_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


def _with_dashed_date(reference: str) -> str:
    """`gpt-5.2-20251211`, as gateways write it, in the spelling of the list: `gpt-5.2-2025-12-11`."""
    return _COMPACT_DATE.sub(_dashed, reference)


def _dashed(found: re.Match[str]) -> str:
    try:
        return f"-{date(*map(int, found.groups())).isoformat()}"
    except ValueError:
        return found.group(0)
