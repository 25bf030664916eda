"""The public side of the collector: OTLP in, acknowledged once it is safe; the page; its own health."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worthwhile_collectors.errors import RequestRejectedError, SpoolError
from worthwhile_collectors.receive import otlp_json
from worthwhile_collectors.receive.access import Gate
from worthwhile_collectors.receive.body import Budget, read_body
from worthwhile_collectors.receive.page import Page
from worthwhile_collectors.receive.protobuf import check
from worthwhile_collectors.receive.status import JSON, PROTOBUF, PartialSuccess, refusal, success
from worthwhile_collectors.spool import Kind

OFF_LOOP_BYTES: Final = 256 << 10
BODIES_IN_FLIGHT: Final = 4

Endpoint = Callable[[Request], Awaitable[Response]]


class Inbox(Protocol):
    """Where checked requests go; the pipeline."""

    def accept(self, kind: Kind, body: bytes) -> None:
        """Keeps one request.

        Raises:
            SpoolError: It was not kept.
        """

    def counts(self) -> dict[str, object]:
        """Counters for people."""


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """Bounds of one request."""

    body_bytes: int
    items: int
    timeout_seconds: float


class Receiver:
    """The OTLP endpoints.

    Attributes:
        accepted: Acknowledged items by signal.
        refused: Refused requests by HTTP status.
    """

    def __init__(self, inbox: Inbox, limits: ReceiverLimits) -> None:
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._inbox = inbox
        self._limits = limits
        self._budget = Budget(limits.body_bytes * BODIES_IN_FLIGHT)
        self._off_loop = anyio.CapacityLimiter(2)

    async def traces(self, request: Request) -> Response:
        """POST /v1/traces."""
        return await self._export("traces", request)

    async def logs(self, request: Request) -> Response:
        """POST /v1/logs."""
        return await self._export("logs", request)

    async def metrics(self, request: Request) -> Response:
        """POST /v1/metrics: read and checked like the others, then told that nothing of it is kept."""
        media_type = _media_type(request)
        with self._budget.share() as share:
            body = await read_body(
                request,
                share,
                limit_bytes=self._limits.body_bytes,
                timeout_seconds=self._limits.timeout_seconds,
            )
            _, items = await self._off_loop_if_large(self._decode, "metrics", media_type, body)
        if items == 0:
            return success(media_type)
        self.refused["metrics"] += items
        message = "metrics are not stored here; set OTEL_METRICS_EXPORTER=none, or send them to another collector"
        return success(media_type, PartialSuccess("rejectedDataPoints", items, message))

    async def _export(self, kind: Kind, request: Request) -> Response:
        media_type = _media_type(request)
        with self._budget.share() as share:
            body = await read_body(
                request,
                share,
                limit_bytes=self._limits.body_bytes,
                timeout_seconds=self._limits.timeout_seconds,
            )
            items = await self._off_loop_if_large(self._keep, kind, media_type, body)
        self.accepted[kind] += items
        return success(media_type)

    async def _off_loop_if_large(self, work: Callable[..., Any], signal: str, media_type: str, body: bytes) -> Any:
        if len(body) < OFF_LOOP_BYTES:
            return work(signal, media_type, body)
        return await anyio.to_thread.run_sync(work, signal, media_type, body, limiter=self._off_loop)

    def _decode(self, signal: str, media_type: str, body: bytes) -> tuple[bytes, int]:
        if media_type == JSON:
            body = otlp_json.to_protobuf(signal, body)
        return body, check(signal, body, max_items=self._limits.items).items

    def _keep(self, kind: Kind, media_type: str, body: bytes) -> int:
        body, items = self._decode(kind, media_type, body)
        if items:
            try:
                self._inbox.accept(kind, body)
            except SpoolError as err:
                raise RequestRejectedError(503, err.message, hint=err.hint, code=err.code) from err
        return items


def build_app(receiver: Receiver, inbox: Inbox, page: Page, gate: Gate, *, version: str) -> Starlette:
    """The application on the public address."""

    async def health(request: Request) -> Response:
        body: dict[str, object] = {"status": "ok", "version": version}
        try:
            gate.check(request)
        except RequestRejectedError as err:
            if err.status != 401:
                raise
            return JSONResponse(body)
        counts = inbox.counts()
        return JSONResponse({**body, "accepted": receiver.accepted, "refused": receiver.refused, "writer": counts})

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def check_first(request: Request) -> Response:
            gate.check(request)
            return await endpoint(request)

        return check_first

    async def refuse(request: Request, err: Exception) -> Response:
        assert isinstance(err, RequestRejectedError)  # noqa: S101 - registered for this type only
        receiver.refused[str(err.status)] += 1
        if not request.url.path.startswith("/v1/"):
            return page.refusal(err)
        return refusal(err, _declared_type(request))

    async def refuse_route(request: Request, err: Exception) -> Response:
        status = err.status_code if isinstance(err, HTTPException) else 500
        reason = f"`{request.method} {request.url.path[:128]}` is nothing this collector answers"
        hint = "POST /v1/traces, /v1/logs; GET /, /api/report.json, /healthz"
        return await refuse(request, RequestRejectedError(status, reason, hint=hint))

    async def refuse_by_mistake(request: Request, err: Exception) -> Response:
        reason = f"handling the request: `{type(err).__name__}`, a mistake in the collector"
        return await refuse(request, RequestRejectedError(500, reason, hint="its stderr has the details"))

    return Starlette(
        routes=[
            Route("/v1/traces", guarded(receiver.traces), methods=["POST"]),
            Route("/v1/logs", guarded(receiver.logs), methods=["POST"]),
            Route("/v1/metrics", guarded(receiver.metrics), methods=["POST"]),
            Route("/healthz", health, methods=["GET"]),
            Route("/api/report.json", guarded(page.report_json), methods=["GET"]),
            Route("/", guarded(page.report_page), methods=["GET"]),
            Route("/favicon.ico", _no_icon, methods=["GET"]),
        ],
        exception_handlers={
            RequestRejectedError: refuse,
            HTTPException: refuse_route,
            ClientDisconnect: _nobody_listens,
            Exception: refuse_by_mistake,
        },
    )


async def _no_icon(_request: Request) -> Response:
    return Response(status_code=204)


async def _nobody_listens(_request: Request, _err: Exception) -> Response:
    return Response(status_code=400)


def _declared_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _media_type(request: Request) -> str:
    declared = _declared_type(request)
    if declared not in {PROTOBUF, JSON}:
        raise RequestRejectedError(
            415,
            f"reading the request: its Content-Type is `{declared[:64]}`, expected {PROTOBUF} or {JSON}",
            hint="set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf in the sender",
        )
    return declared
