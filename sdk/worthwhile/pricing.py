"""What one model call costs: tokens by kind times the prices in force at its instant, in integer picodollars.

The first call of a (provider, model, service tier, batch) compiles what the price book says into whole numbers; later
calls reuse them until the next instant at which a price can change. Nothing here reads a clock or the network.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, cast

from worthwhile import _guard
from worthwhile.usage import Counts, Usage

if TYPE_CHECKING:
    from worthwhile_schemas.price_book import Amount, Price, PriceBook, Prices
    from worthwhile_schemas.prices.overrides import Overrides

CostBasis: TypeAlias = Literal["list", "contract"]

generation: int = 0
"""Changes with the price list."""

MAX_COMPILED: Final = 1024
"""Compiled (provider, model, tier, batch) entries kept; a program that uses more compiles again, and stays right."""


class Cost(NamedTuple):
    """What a call costs, in picodollars. The five parts add up to `total` exactly.

    Attributes:
        total: The whole call.
        input: Input tokens that no cache had a part in.
        cache_read: Input tokens read from the provider's prompt cache.
        cache_write: Input tokens written to it, of every lifetime.
        output: Output tokens, reasoning included.
        server_tools: Searches that the provider ran, and its fee for a request.
        cache_saving: What the call would have cost more had its cached tokens been fresh input; negative when writing
            to the cache cost more than reading from it saved.
        price_version: Names the prices that were used.
        basis: Whether those are list or contract prices.
    """

    total: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    server_tools: int
    cache_saving: int
    price_version: str
    basis: CostBasis


def price_call(
    usage: Usage,
    *,
    provider: str,
    model: str,
    at_ns: int,
    service_tier: str | None = None,
    is_batch: bool = False,
) -> Cost | None:
    """Cost of a call, or `None` when it is unknown: no such model, no price for it, counts missing or contradictory.

    Args:
        usage: Tokens by kind, cached tokens included in the input.
        provider: Who answered, in the spelling of semantic conventions or of genai-prices.
        model: The model's name, as requested or as answered.
        at_ns: Unix nanoseconds of the call; its price is the one in force then.
        service_tier: Tier that the provider applied, such as `flex`. A tier without a price of its own costs the list
            price.
        is_batch: Whether the call was part of a batch job.
    """
    try:  # as `entry_at`, without its call
        since_ns, until_ns, tariff, rates = _compiled[provider, model, service_tier, is_batch]
        is_known = since_ns <= at_ns < until_ns
    except KeyError:
        is_known, tariff, rates = False, None, _NO_RATES
    if not is_known:
        _, _, tariff, rates = entry_at(at_ns, provider, model, service_tier, is_batch=is_batch)
    amounts = short_cost(rates, usage[:])  # a plain tuple is taken apart in a third of the time
    if amounts is not None:
        return _cost_of(amounts)
    return None if tariff is None or is_short(rates, usage) else _detailed_cost(usage, tariff)


def entry_at(at_ns: int, provider: str, model: str, service_tier: str | None, *, is_batch: bool = False) -> "Entry":
    """What is known about the prices of a model at `at_ns`; it holds until `generation` changes."""
    try:
        entry = _compiled[provider, model, service_tier, is_batch]
    except KeyError:
        entry = _remember((provider, model, service_tier, is_batch), at_ns)
    if not entry[0] <= at_ns < entry[1]:
        entry = _remember((provider, model, service_tier, is_batch), at_ns)
    return entry


def short_cost(rates: "Rates", counts: Counts) -> "Amounts | None":
    """What is in a `Cost` of a call with as few tokens as `rates` hold for; `None` if it has more or is unknown."""
    limit, rate, read_rate, read_saving, output_rate, tools, seldom, version, basis = rates
    fresh, answered, read, write, hour, _, _, _, searches = counts
    if fresh is None or answered is None or answered < 0 or fresh > limit:
        return None
    of_read = of_write = saving = 0
    total = of_output = answered * output_rate
    if read:
        fresh = fresh - read if read > 0 else -1  # below zero, the counts contradict each other
        of_read = read * read_rate
        saving = read * read_saving
        total += of_read
    if write or hour:
        write, hour = write or 0, hour or 0
        write_rate, hour_extra, _ = seldom
        fresh = fresh - write if 0 <= hour <= write else -1
        of_write = write * write_rate + hour * hour_extra
        saving += write * rate - of_write
        total += of_write
    if searches:
        fresh = fresh if searches > 0 else -1
        tools += searches * seldom[2]
    if fresh < 0:
        return None
    of_input = fresh * rate
    total += of_input
    if tools:
        total += tools
    return (total, of_input, of_read, of_write, of_output, tools, saving, version, basis)


def is_short(rates: "Rates", counts: Counts) -> bool:
    """Whether a call is one whose cost, if it is known at all, `short_cost` tells."""
    fresh, answered = counts[:2]
    return fresh is not None and answered is not None and answered >= 0 and fresh <= rates[0]


def use_overrides(path: str | Path | None) -> None:
    """Price by the contract prices in the file at `path` where one fits, else by list prices; `None` is list prices.

    A file that cannot be used is reported once, with every problem in it, and list prices go on.
    """
    global _overrides, generation  # noqa: PLW0603 -- one price list per process, like the snapshot itself
    generation += 1
    _overrides = None
    if path is not None:
        from worthwhile_schemas.price_book import PriceBookError
        from worthwhile_schemas.prices import overrides

        try:
            _overrides = overrides.load(Path(path))
        except PriceBookError as err:
            _guard.warn_once(f"contract prices ignored, calls get list prices: {err}")
    _compiled.clear()
    generation += 1


class _Tariff(NamedTuple):
    """Every price of a model that a call's usage can need.

    Attributes:
        steps: `(tokens, amounts by kind)`, ascending: the last one with fewer `tokens` than the input holds for the
            whole call. A kind without a price of its own has its parent's.
        own: Kinds with a price of their own.
        scale: Amounts are in picodollars / `scale`; 1 unless a list price is not a whole number of picodollars.
        version: Price version.
        basis: List or contract.
    """

    steps: tuple[tuple[int, Mapping[str, int]], ...]
    own: frozenset[str]
    scale: int
    version: str
    basis: CostBasis


_Key: TypeAlias = tuple[str, str, str | None, bool]
Rates: TypeAlias = tuple[int, int, int, int, int, int, tuple[int, int, int], str, CostBasis]
"""Most input tokens that these hold for; picodollars for a token of input, read from the cache and saved by that, of
output; for a request; for a token written to the cache and what keeping it an hour adds, for a search; version; basis.
"""
Amounts: TypeAlias = tuple[int, int, int, int, int, int, int, str, CostBasis]
"""What is in a `Cost`, in its order."""
Entry: TypeAlias = tuple[int, int, _Tariff | None, Rates]
"""From and until when, in Unix nanoseconds; the tariff, `None` for unknown prices; its short form."""

# `Cost` would be asked for its arguments by name or number; that takes a third of what pricing takes.
_new = cast("Any", tuple.__new__)  # pyright: ignore[reportUnknownMemberType] - of a tuple of anything
_cost_of: Final[Callable[[Amounts], Cost]] = partial(_new, Cost)

_FOREVER: Final = 1 << 63
_UNLIMITED: Final = (1 << 30) - 1
"""Tokens up to which the short way is taken; Python compares integers up to here fastest."""
_NO_RATES: Final[Rates] = (-1, 0, 0, 0, 0, 0, (0, 0, 0), "", "list")

_compiled: Final[dict[_Key, Entry]] = {}
_overrides: "Overrides | None" = None


def _detailed_cost(usage: Usage, tariff: _Tariff) -> Cost | None:
    """The same as the short way in `price_call`, for every context step, kind of token and fraction of a picodollar."""
    reached = [amounts for above, amounts in tariff.steps if (usage.input_tokens or 0) > above]
    amounts = reached[-1] if reached else tariff.steps[0][1]
    if (usage.input_tokens is None and amounts["input"]) or (usage.output_tokens is None and amounts["output"]):
        return None
    counts = _counts(usage, tariff.own)
    if counts is None or min(counts.values()) < 0:
        return None
    priced = {kind: count * amounts[kind] for kind, count in counts.items()}
    parts = (
        priced["input"] + priced["audio_input"],
        priced["cache_read"],
        priced["cache_write"] + priced["cache_write_1h"],
        priced["output"] + priced["reasoning"] + priced["audio_output"],
        priced["web_search"] + amounts["request"],
    )
    cached = counts["cache_read"] + counts["cache_write"] + counts["cache_write_1h"]
    total, saving = sum(parts), cached * amounts["input"] - parts[1] - parts[2]
    input_, read, write, output, tools = _shares(parts, tariff.scale)
    whole, saved = _rounded(total, tariff.scale), _rounded(saving, tariff.scale)
    return Cost(whole, input_, read, write, output, tools, saved, tariff.version, tariff.basis)


def _counts(usage: Usage, own: frozenset[str]) -> dict[str, int] | None:
    """Each counted token in exactly one kind; `None` when prices differ within a number that nobody split up."""
    read, write, hour = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0, usage.cache_write_1h_tokens or 0
    audio = (usage.audio_input_tokens or 0) if "audio_input" in own else 0
    if audio and read and "audio_cache_read" in own:
        return None  # how many of the cached tokens are audio?
    if audio and "cache_read" not in own:
        read = 0  # they cost what fresh ones do, and cached audio must not be taken off the text twice
    reasoning = (usage.reasoning_tokens or 0) if "reasoning" in own else 0
    spoken = (usage.audio_output_tokens or 0) if "audio_output" in own else 0
    return {
        "input": (usage.input_tokens or 0) - read - write - audio,
        "audio_input": audio,
        "cache_read": read,
        "cache_write": write - hour,
        "cache_write_1h": hour,
        "output": (usage.output_tokens or 0) - reasoning - spoken,
        "reasoning": reasoning,
        "audio_output": spoken,
        "web_search": usage.web_searches or 0,
    }


def _rounded(amount: int, scale: int) -> int:
    """`amount / scale`, rounded half to even."""
    whole, rest = divmod(amount, scale)
    return whole + (2 * rest > scale or (2 * rest == scale and whole % 2 == 1))


def _shares(parts: tuple[int, ...], scale: int) -> list[int]:
    """`parts / scale` in whole numbers that add up to their rounded sum: the largest remainders are rounded up."""
    shares = [part // scale for part in parts]
    missing = _rounded(sum(parts), scale) - sum(shares)
    for index in sorted(range(len(parts)), key=lambda index: -(parts[index] % scale))[:missing]:
        shares[index] += 1
    return shares


def _remember(key: _Key, at_ns: int) -> Entry:
    entry = _entry(key, at_ns)
    if len(_compiled) >= MAX_COMPILED:
        _compiled.clear()
    _compiled[key] = entry
    return entry


def _entry(key: _Key, at_ns: int) -> Entry:
    """What `key` costs at `at_ns`, and the interval around it in which that stays so."""
    from worthwhile_schemas.price_book import PriceBookError, shipped

    for is_last in (False, True):
        book = _book()
        if book is None:
            break
        try:
            return _entry_in(book, key, at_ns)
        except PriceBookError as err:  # an upgrade may have replaced the file since its head was read
            if is_last:
                _guard.warn_once(f"no call is priced that needs them: {err}")
            shipped.cache_clear()
            _book.cache_clear()
    return (-_FOREVER, _FOREVER, None, _NO_RATES)


def _entry_in(book: "PriceBook", key: _Key, at_ns: int) -> Entry:
    provider, model, service_tier, is_batch = key
    found: list[tuple[Prices, str, CostBasis]] = []
    if (listed := book.find(provider, model)) is not None:
        found.append((listed.prices_at(at_ns, _context(service_tier, is_batch)), book.version, "list"))
    if _overrides is not None:
        contract = _overrides.prices_at(book, provider, model, _tier(service_tier, is_batch), at_ns)
        found.append((contract, _overrides.version, "contract"))
    from_ns = max((prices.from_ns for prices, _, _ in found), default=-_FOREVER)
    until_ns = min((prices.until_ns for prices, _, _ in found), default=_FOREVER)
    tariffs = [_tariff(prices.by_kind, version, basis) for prices, version, basis in found if prices.by_kind]
    tariff = tariffs[-1] if tariffs else None
    return (from_ns, until_ns, tariff, _rates(tariff) if tariff else _NO_RATES)


@cache
def _book() -> "PriceBook | None":
    from worthwhile_schemas.price_book import PriceBookError, shipped

    try:
        return shipped()
    except PriceBookError as err:
        _guard.warn_once(f"no call is priced: {err}")
        return None


def _tier(service_tier: str | None, is_batch: bool) -> str:
    tier = "batch" if is_batch else (service_tier or "standard").lower()
    return "standard" if tier in ("default", "auto") else tier


def _context(service_tier: str | None, is_batch: bool) -> dict[str, str]:
    """The context by which genai-prices selects prices: fast mode is a tier at OpenAI and a speed at Anthropic."""
    context: dict[str, str] = {}
    if service_tier is not None:
        context["service_tier"] = service_tier.lower()
    if _tier(service_tier, is_batch) == "batch":
        context["processing"] = "batch"
    if context.get("service_tier") == "fast":
        context["speed"] = "fast"
    return context


def _tariff(prices: "Mapping[str, Price]", version: str, basis: CostBasis) -> _Tariff | None:
    """`prices` in whole numbers; `None` when none of them is for something that every call's usage counts."""
    from worthwhile_schemas import price_book

    if not prices.keys() & {"input", "output", "request"}:
        return None
    listed = {kind: dict(price_book.steps(price)) for kind, price in prices.items()}
    bounds = sorted({bound for amounts in listed.values() for bound in amounts})
    digits = max(len(str(amount).partition(".")[2]) for amounts in listed.values() for amount in amounts.values())
    steps = tuple(
        (bound, _complete({kind: _scaled(_amount_at(amounts, bound), digits) for kind, amounts in listed.items()}))
        for bound in bounds
    )
    return _Tariff(steps, frozenset(prices), 10**digits, version, basis)


def _amount_at(amounts: "Mapping[int, Amount]", bound: int) -> "Amount":
    return amounts[max(start for start in amounts if start <= bound)]


def _scaled(amount: "Amount", digits: int) -> int:
    whole, _, decimals = str(amount).partition(".")
    return int(whole + decimals.ljust(digits, "0"))


def _complete(own: dict[str, int]) -> dict[str, int]:
    """Amounts for every kind that `_counts` makes: what has no price of its own costs what it is a part of."""
    input_, output = own.get("input", 0), own.get("output", 0)
    write = own.get("cache_write", input_)
    inherited = {
        "input": input_,
        "audio_input": input_,
        "cache_read": input_,
        "cache_write": write,
        "cache_write_1h": write,
        "output": output,
        "reasoning": output,
        "audio_output": output,
        "web_search": 0,
        "request": 0,
    }
    return inherited | own


def _rates(tariff: _Tariff) -> Rates:
    """The lowest step of a tariff, for the short way in `price_call`; no rates when every call needs the long one."""
    if tariff.scale != 1 or tariff.own & {"audio_input", "audio_output", "reasoning"}:
        return _NO_RATES
    amounts = tariff.steps[0][1]
    return (
        min(tariff.steps[1][0], _UNLIMITED) if len(tariff.steps) > 1 else _UNLIMITED,
        amounts["input"],
        amounts["cache_read"],
        amounts["input"] - amounts["cache_read"],
        amounts["output"],
        amounts["request"],
        (amounts["cache_write"], amounts["cache_write_1h"] - amounts["cache_write"], amounts["web_search"]),
        tariff.version,
        tariff.basis,
    )
