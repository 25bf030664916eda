"""What has no cost in the store, why, and which listed names come near."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from worthwhile_collectors.store.tables import Tables

NO_PRICE: Final = "no price for the model"
NEAREST: Final = 3
_LIKENESS: Final = 0.6

_UNPRICED: Final = """
SELECT
  provider,
  model,
  service_tier,
  why,
  sum(calls) AS calls,
  sum(unpriced_calls.input_tokens) AS input_tokens,
  sum(unpriced_calls.output_tokens) AS output_tokens,
  min(first_seen) AS first_seen,
  max(last_seen) AS last_seen
FROM unpriced_calls
WHERE day >= toDate({since:String}) AND day <= toDate({until:String})
GROUP BY provider, model, service_tier, why
ORDER BY calls DESC, provider, model, service_tier, why
"""
_LISTED: Final = """
SELECT DISTINCT provider, model FROM prices WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists)
"""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Calls of one model without a cost, for one reason.

    Attributes:
        provider: Who answered.
        model: Model that answered, or the one asked for.
        service_tier: Applied service tier, empty if unknown.
        why: The reason.
        calls: How many.
        input_tokens: Their input, None if unknown for all.
        output_tokens: Their output, None if unknown for all.
        first_seen: When the first of them started.
        last_seen: When the last of them did.
        nearest: Names in the price list that look like the model's, where that has no price.
    """

    provider: str
    model: str
    service_tier: str
    why: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    first_seen: datetime
    last_seen: datetime
    nearest: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        times = {"first_seen": self.first_seen.isoformat(), "last_seen": self.last_seen.isoformat()}
        return asdict(self) | times | {"nearest": list(self.nearest)}


def unpriced(store: Tables, since: datetime, until: datetime) -> list[Unpriced]:
    """What has no cost on the days of a period, most calls first."""
    days = {"since": f"{since:%Y-%m-%d}", "until": f"{until:%Y-%m-%d}"}
    found: list[dict[str, Any]] = store.query(_UNPRICED, days)
    if not found:
        return []
    listed = [(str(row["provider"]), str(row["model"])) for row in store.query(_LISTED)]
    return [Unpriced(**row, nearest=_nearest(row, listed)) for row in found]


def _nearest(row: dict[str, Any], listed: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Names like the model's, of its provider if that has a list, else of all as `provider/model`."""
    if row["why"] != NO_PRICE:
        return ()
    model, names = row["model"].lower(), list(listed)
    own = [name for provider, name in names if provider == row["provider"].lower()]
    if own:
        return tuple(get_close_matches(model, own, NEAREST, _LIKENESS))
    sold = {name: f"{provider}/{name}" for provider, name in reversed(names)}
    return tuple(sold[name] for name in get_close_matches(model.rpartition("/")[2], sold, NEAREST, _LIKENESS))
