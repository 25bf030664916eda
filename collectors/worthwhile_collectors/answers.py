"""Answers from the store, the same whether the asking process owns it or a running collector does."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from worthwhile_collectors.store import StoreDenied, StoreReadOnly

Form = Literal["text", "html", "json"]
Query = Callable[[str, dict[str, object]], list[dict[str, object]]]

WAITING_HEADER: Final = "Worthwhile-Waiting-Bytes"
"""Of an answer that does not show everything acknowledged: how much of it is not in the database yet."""


class Answers(Protocol):
    """The part of the store that answers questions. May be called from several threads at once."""

    def query(self, sql: str, params: dict[str, object] | None = None) -> list[dict[str, object]]:
        """Rows as values."""

    def query_bytes(self, sql: str, output_format: str, params: dict[str, object] | None = None) -> bytes:
        """Rows in a ClickHouse format."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which report, and for what: a terminal of some width, a page, or a program."""

    since: datetime
    until: datetime
    workload: str | None = None
    form: Form = "text"
    color: bool = False
    width: int = 100
    periods: tuple[str, ...] = ()


class Settles(Protocol):
    """The part of the store that brings tasks up to date."""

    def settle_tasks(self) -> object:
        """Computes what was touched."""


def settle(store: Settles) -> None:
    """Bring tasks up to date before a report; a reader who may not write sees them as they were last settled."""
    with contextlib.suppress(StoreDenied, StoreReadOnly):
        store.settle_tasks()


def report(query: Query, request: ReportRequest) -> str:
    """The report in the form that was asked for."""
    from worthwhile_dashboards import report as reports

    built = reports.build(query, request.since, request.until, request.workload)
    match request.form:
        case "html":
            return reports.render_html(built, periods=request.periods)
        case "json":
            return json.dumps(reports.to_json(built), indent=2, ensure_ascii=False) + "\n"
        case "text":
            return reports.render_text(built, color=request.color, width=request.width)


def request_to_json(request: ReportRequest) -> str:
    """A report request as it goes through the socket."""
    fields = {name: getattr(request, name) for name in ReportRequest.__slots__}
    return json.dumps(fields | {"since": request.since.isoformat(), "until": request.until.isoformat()})


def request_from_json(fields: dict[str, Any]) -> ReportRequest:
    """The inverse of `request_to_json`."""
    times = {name: datetime.fromisoformat(fields[name]) for name in ("since", "until")}
    return ReportRequest(**{**fields, **times, "periods": tuple(fields["periods"])})
