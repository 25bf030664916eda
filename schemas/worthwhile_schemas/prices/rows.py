"""The price list as rows of the store: `prices`, one row a set of prices, and `model_match`, one row a rule for names.

A row of `prices` holds for one model, tier, span of days, part of the day and amount of input: whatever `price_book`
would answer for a call there. `model_match` says which model a name means, in the order in which rules are tried.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from worthwhile_schemas.price_book import (
    CONDITIONS,
    NS_PER_SECOND,
    Clause,
    ListedModel,
    Price,
    PriceBook,
    PriceBookError,
    PriceRow,
    ProviderEntry,
    day_ns,
    steps,
)

Row: TypeAlias = dict[str, Any]
Atom: TypeAlias = tuple[str, str]

COUNTED: Final = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "audio_cache_read",
    "reasoning",
    "audio_output",
    "web_search",
    "request",
)
"""Kinds of price that a call's usage counts; each is a column of `prices` and of `price_overrides`."""

ALWAYS: Final = "1970-01-01"
FOREVER: Final = "2299-12-31"
SECONDS_A_DAY: Final = 86_400

PROVIDERS: Final = ""
"""Scope of the rules that tell which provider a name means."""
SELLERS: Final = "*"
"""Scope of the rules that tell which provider a model's name belongs to, for gateways that do not say."""


def price_rows(book: PriceBook) -> Iterator[Row]:
    """Rows of `prices`, amounts as decimal text of picodollars for one unit."""
    for model in book.listed():
        for tier in ("", *_tiers(model)):
            for row in _rows_of(model, tier):
                yield {"version": book.version, "provider": model.provider, "model": model.model} | row


def match_rows(book: PriceBook) -> Iterator[Row]:
    """Rows of `model_match`."""
    for row in _match_rows(book):
        yield {"version": book.version} | row


def context_of(tier: str) -> dict[str, str]:
    """The context by which the list selects prices for a service tier, as `worthwhile.pricing` makes it."""
    context = {"service_tier": tier} if tier else {}
    if tier == "batch":
        context["processing"] = "batch"
    if tier == "fast":
        context["speed"] = "fast"
    return context


def _tiers(model: ListedModel) -> list[str]:
    """Service tiers that have prices of their own."""
    values = {value for variant in model.variants for value in variant.get("when", {}).values()}
    return sorted(
        tier for tier in values if any(v.get("when", {}).items() <= context_of(tier).items() for v in model.variants)
    )


def _rows_of(model: ListedModel, tier: str) -> Iterator[Row]:
    """Rows for every day, part of the day and step of input that any price of the model tells apart."""
    conditions = (*model.rows, *model.variants)
    days = sorted({row["since"] for row in conditions if "since" in row} - {ALWAYS})
    starts = sorted({0, *(int(second) for row in conditions for second in row.get("daily", ()))})
    bounds = sorted({-1} | {bound for row in conditions for price in _prices(row) for bound, _ in steps(price)})
    for since, until in zip((ALWAYS, *days), (*days, FOREVER), strict=True):
        for begins, ends in zip(starts, (*starts[1:], SECONDS_A_DAY), strict=True):
            at_ns = day_ns(since) + begins * NS_PER_SECOND
            by_kind = model.prices_at(at_ns, context_of(tier)).by_kind
            held = {"service_tier": tier, "since": since, "until": until, "day_from": begins, "day_until": ends}
            for bound in bounds:
                yield held | {"input_from": bound + 1} | _amounts(by_kind, bound)


def _prices(row: PriceRow) -> list[Price]:
    return [price for kind, price in row.items() if kind not in CONDITIONS]


def _amounts(by_kind: Mapping[str, Price], bound: int) -> Row:
    at = {
        kind: str([amount for start, amount in steps(price) if start <= bound][-1]) for kind, price in by_kind.items()
    }
    counted: Row = {f"{kind}_price": at.get(kind) for kind in COUNTED}
    return counted | {"other_prices": {kind: amount for kind, amount in at.items() if kind not in COUNTED}}


def _match_rows(book: PriceBook) -> Iterator[Row]:
    names = (*book.providers, *book.aliases)
    for position, name in enumerate(names):
        entry = book.provider(name)
        yield _rule(PROVIDERS, position, [("equals", name)], entry["id"] if entry else "", "")
    for position, provider in enumerate(book.providers.values(), start=len(names)):
        for atoms in _alternatives(provider.get("match", ["any"])):
            yield _rule(PROVIDERS, position, atoms, provider["id"], "")
        for atoms in _alternatives(provider.get("model_match", ["any"])):
            yield _rule(SELLERS, position, atoms, provider["id"], "")
        yield from _models_of(book, provider)


def _models_of(book: PriceBook, provider: ProviderEntry) -> Iterator[Row]:
    """Rules for the models that a provider sells: its own, then those of others at their list price, without tiers."""
    others = [book.providers[other] for other in provider.get("fallback", ())]
    sold = [(entry, model) for entry in (provider, *others) for model in book.models(entry)]
    for position, (entry, model) in enumerate(sold):
        for atoms in _alternatives(model.get("match", ["equals", model["id"]])):
            yield _rule(provider["id"], position, atoms, entry["id"], model["id"]) | {"has_tiers": entry is provider}


def _rule(scope: str, position: int, atoms: list[Atom], provider: str, model: str) -> Row:
    return {
        "scope": scope,
        "position": position,
        "operations": [operation for operation, _ in atoms],
        "texts": [text for _, text in atoms],
        "provider": provider,
        "model": model,
        "has_tiers": True,
    }


def _alternatives(clause: Clause) -> list[list[Atom]]:
    """The clause as alternatives, in each of which every atom must hold; an empty `any` has none."""
    operation, *arguments = clause
    if operation == "any":
        return [atoms for argument in arguments for atoms in _alternatives(argument)]
    if operation == "all":
        joined: list[list[Atom]] = [[]]
        for argument in arguments:
            joined = [[*left, *right] for left in joined for right in _alternatives(argument)]
        return joined
    return [_atoms(operation, str(text)) for text in arguments]


_UNLESS: Final = re.compile(r"\^\(\?!((?:[^()\\]|\\.|\((?:\?:)?(?:[^()\\]|\\.)*\))*)\)(.*)")
"""`^(?!x)y`: a name that begins with y, and not with x."""


def _atoms(operation: str, text: str) -> list[Atom]:
    """What ClickHouse can check, all of which must hold: its regular expressions have no look-around."""
    if operation != "regex":
        return [(operation, text)]
    unless, rest = "", text
    if found := _UNLESS.fullmatch(text):
        unless, rest = f"^(?:{found[1]})", f"^{found[2]}"
    if re.search(r"\(\?(?!:)|\\[1-9]", unless + rest):
        raise PriceBookError(
            f"reading the price list's rule `{text}`: found a look-around or a back-reference, which ClickHouse lacks",
            hint="write the rule as `^(?!x)y`, or without it",
        )
    return [("not_regex", unless), *([("regex", rest)] if rest != "^" else [])] if unless else [("regex", rest)]
