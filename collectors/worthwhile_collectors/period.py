"""Periods as people write them: `30d`, `12h`, `2026-01-01`, `2026-01-01T08:00`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from worthwhile_collectors.errors import UsageError

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")


def moment(text: str, *, now: datetime, name: str) -> datetime:
    """The moment that a text means, in UTC: so long before `now`, or a date, or a date and time.

    Args:
        text: What a person wrote. Without a zone it is UTC.
        now: What a length of time counts back from.
        name: What the text was given for, such as `--since`.

    Raises:
        UsageError: The text means no moment.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return now - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as err:
        raise UsageError(
            f"reading {name}: found `{text[:64]}`, expected a length such as 30d or 12h, or a date such as 2026-01-31",
            hint=f"{name} 30d",
        ) from err


def period(since: str | None, until: str | None, *, now: datetime) -> tuple[datetime, datetime]:
    """The half-open period of a report; 30 days up to now unless said otherwise.

    Raises:
        UsageError: A text means no moment, or the period is empty.
    """
    end = moment(until, now=now, name="--until") if until else now
    start = moment(since or "30d", now=now, name="--since")
    if start >= end:
        raise UsageError(
            f"reading the period: it begins at `{start:%Y-%m-%d %H:%M}` and ends at `{end:%Y-%m-%d %H:%M}`, "
            "expected a beginning before the end",
            hint="--since 30d counts back from now, not from --until",
        )
    return start, end
