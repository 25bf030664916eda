"""The private side of a running collector: a UNIX socket that only the owner of the data folder may open.

The other commands use it, because a data folder has one process. It takes SQL; the public side never does.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worthwhile_collectors.answers import WAITING_HEADER, Answers, Settles, report, request_from_json, settle
from worthwhile_collectors.errors import WorthwhileError
from worthwhile_collectors.frames import requests
from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.settler import Settler

FLUSH_SECONDS: Final = 10.0


class ControlledStore(Answers, Settles, Protocol):
    """What the control socket needs of the store."""

    def migrate(self, *, dry_run: bool = False) -> Any:
        """Brings the schema up to date and returns the changes."""

    def insert_rows(self, table: str, data: bytes, *, token: str = "") -> None:
        """Inserts JSON objects, one a line."""


def build_control(
    store: ControlledStore, pipeline: Pipeline, settler: Settler, health: Callable[[], dict[str, object]]
) -> Starlette:
    """The application on the control socket."""
    limiter = anyio.CapacityLimiter(2)

    async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
        return await anyio.to_thread.run_sync(work, *arguments, abandon_on_cancel=True, limiter=limiter)

    async def answer(work: Callable[[], bytes]) -> Response:
        is_complete = await in_thread(pipeline.flush, FLUSH_SECONDS)
        headers = {} if is_complete else {WAITING_HEADER: str(pipeline.counts()["waiting_bytes"])}
        return Response(await in_thread(work), headers=headers, media_type="application/octet-stream")

    async def query(request: Request) -> Response:
        asked = await request.json()
        return await answer(lambda: store.query_bytes(asked["sql"], asked["output_format"], asked["params"]))

    async def make_report(request: Request) -> Response:
        wanted = request_from_json(await request.json())

        def settled() -> bytes:
            settle(store)
            return report(store.query, wanted).encode("utf-8")

        return await answer(settled)

    async def insert(request: Request) -> Response:
        asked = request.query_params
        body = await request.body()
        rejections = await in_thread(
            pipeline.insert, "logs" if asked["kind"] == "logs" else "traces", asked["token"], requests(body)
        )
        return JSONResponse([rejection.reason for rejection in rejections])

    async def migrate(request: Request) -> Response:
        asked = await request.json()
        changes = await in_thread(lambda: store.migrate(dry_run=asked["dry_run"]))
        return JSONResponse([{"kind": c.kind, "name": c.name, "action": c.action} for c in changes])

    async def settle_all(request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({"hours": await in_thread(lambda: settler.settle_now(everything=asked["everything"]))})

    async def insert_rows(request: Request) -> Response:
        asked = request.query_params
        body = await request.body()
        await in_thread(lambda: store.insert_rows(asked["table"], body, token=asked["token"]))
        return JSONResponse({})

    endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/query": query,
        "/report": make_report,
        "/insert": insert,
        "/migrate": migrate,
        "/settle": settle_all,
        "/rows": insert_rows,
        "/status": _status_of(health),
    }
    return Starlette(
        routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in endpoints.items()],
        exception_handlers={WorthwhileError: _tell},
    )


def _status_of(health: Callable[[], dict[str, object]]) -> Callable[[Request], Awaitable[Response]]:
    async def status(_request: Request) -> Response:
        return JSONResponse(health())

    return status


async def _tell(_request: Request, err: Exception) -> Response:
    assert isinstance(err, WorthwhileError)  # noqa: S101 - registered for this type only
    told = {"message": err.message, "hint": err.hint, "code": err.code, "exit_status": err.exit_status}
    return JSONResponse(told, status_code=422)
