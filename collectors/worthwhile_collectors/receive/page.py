"""The local page and its data: values only, never SQL, nothing that a browser could use against its owner."""

from datetime import UTC, datetime
from typing import Final, Literal, Protocol

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from worthwhile_collectors.answers import WAITING_HEADER, Answers, ReportRequest, Settles, report, settle
from worthwhile_collectors.errors import RequestRejectedError, UsageError, WorthwhileError
from worthwhile_collectors.period import period
from worthwhile_collectors.receive.status import RETRY_SECONDS

PERIODS: Final = ("1d", "7d", "30d", "90d")
FLUSH_SECONDS: Final = 5.0
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Backlog(Protocol):
    """What waits for the store; the pipeline."""

    def flush(self, timeout_seconds: float) -> bool:
        """Waits until nothing does; False if that took longer."""

    def counts(self) -> dict[str, object]:
        """Counters, `waiting_bytes` among them."""


class PageStore(Answers, Settles, Protocol):
    """What the page needs of the store."""


class Page:
    """The report as a page and as JSON.

    Args:
        store: Where the figures are.
        backlog: What was acknowledged and is not in the store yet. A report waits for it, within bounds.
    """

    def __init__(self, store: PageStore, backlog: Backlog) -> None:
        self._store = store
        self._backlog = backlog
        self._limiter = anyio.CapacityLimiter(2)

    async def report_page(self, request: Request) -> Response:
        """GET /?since=30d."""
        from worthwhile_dashboards.report import CONTENT_SECURITY_POLICY

        answer = await self._report(request, "html")
        answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"
        return answer

    async def report_json(self, request: Request) -> Response:
        """GET /api/report.json?since=30d&until=...&workload=..."""
        return await self._report(request, "json")

    def refusal(self, error: RequestRejectedError) -> Response:
        """The answer to a reader who is not let in or asked for nothing that is here."""
        headers = dict(HEADERS)
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="worthwhile: any name, the token as password", charset="UTF-8"'
        if error.status in RETRY_SECONDS:
            headers["Retry-After"] = str(RETRY_SECONDS[error.status])
        return PlainTextResponse(f"{error}\n", error.status, headers)

    async def _report(self, request: Request, form: Literal["html", "json"]) -> Response:
        asked = request.query_params
        try:
            since, until = period(asked.get("since"), asked.get("until"), now=datetime.now(UTC))
        except UsageError as err:
            raise RequestRejectedError(400, err.message, hint=err.hint) from err
        wanted = ReportRequest(since, until, asked.get("workload"), form, periods=PERIODS)
        try:
            text, waiting_bytes = await anyio.to_thread.run_sync(
                self._answer, wanted, abandon_on_cancel=True, limiter=self._limiter
            )
        except WorthwhileError as err:
            raise RequestRejectedError(503, err.message, hint=err.hint, code=err.code) from err
        headers = HEADERS | ({WAITING_HEADER: str(waiting_bytes)} if waiting_bytes else {})
        return Response(text, headers=headers, media_type="text/html" if form == "html" else "application/json")

    def _answer(self, wanted: ReportRequest) -> tuple[str, object]:
        is_complete = self._backlog.flush(FLUSH_SECONDS)
        settle(self._store)
        return report(self._store.query, wanted), 0 if is_complete else self._backlog.counts()["waiting_bytes"]
