"""What the receiver answers: OTLP success, partial success, and `google.rpc.Status` for everything refused."""

import json
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from worthwhile_collectors.errors import RequestRejectedError
from worthwhile_collectors.frames import varint

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
RETRY_SECONDS: Final = {429: 1, 503: 5}

# Source: google/rpc/code.proto, the HTTP mapping in its comments.
_INVALID_ARGUMENT: Final = 3
_CODES: Final = {401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 421: 7, 429: 8, 500: 13, 503: 14}


@dataclass(frozen=True, slots=True)
class PartialSuccess:
    """How many items of an accepted request were not kept, and why."""

    field: str
    rejected: int
    message: str


def success(media_type: str, partial: PartialSuccess | None = None) -> Response:
    """The answer to a request that was kept, in the encoding of the request."""
    if media_type == JSON:
        told = {partial.field: str(partial.rejected), "errorMessage": partial.message} if partial else None
        return Response(json.dumps({"partialSuccess": told} if told else {}), media_type=JSON)
    if partial is None:
        return Response(b"", media_type=PROTOBUF)
    message = b"\x08" + varint(partial.rejected) + _text(2, partial.message)
    return Response(b"\x0a" + varint(len(message)) + message, media_type=PROTOBUF)


def refusal(error: RequestRejectedError, media_type: str) -> Response:
    """The answer to a request that was not kept, in the encoding of the request."""
    code = _CODES.get(error.status, _INVALID_ARGUMENT)
    headers = {}
    if error.status in RETRY_SECONDS:
        headers["Retry-After"] = str(RETRY_SECONDS[error.status])
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if media_type == PROTOBUF:
        return Response(b"\x08" + varint(code) + _text(2, str(error)), error.status, headers, PROTOBUF)
    return Response(json.dumps({"code": code, "message": str(error)}), error.status, headers, JSON)


def _text(number: int, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return varint(number << 3 | 2) + varint(len(data)) + data
