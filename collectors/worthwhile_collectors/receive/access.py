"""Who may talk to the receiver: the token, the Host header, and which addresses may be listened on."""

import base64
import binascii
import hmac
import ipaddress
from typing import Final

from starlette.requests import Request

from worthwhile_collectors.errors import BindError, RequestRejectedError

LOCAL_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower().rstrip(".") in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_bind(host: str, token: str | None) -> None:
    """Refuses to offer the data to a network without a token.

    Raises:
        BindError: The address is not loopback and there is no token.
    """
    if not is_loopback(host) and not token:
        raise BindError(
            f"listening on `{host}`: other machines could reach it, expected a token",
            hint="set WORTHWHILE_TOKEN (senders then need OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer <token>'), "
            "or listen on 127.0.0.1",
            code="token_required",
        )


class Gate:
    """Decides about each request before its body is read.

    Args:
        token: What senders and readers must show; None lets everybody in who can reach the address.
        is_local: The address is loopback. Then the Host header must name this machine, or a page of a stranger could
            reach it through a browser (DNS rebinding).
    """

    def __init__(self, token: str | None, *, is_local: bool) -> None:
        self._token = token.encode("ascii") if token else None
        self._is_local = is_local

    def check(self, request: Request) -> None:
        """Lets a request in or not.

        Raises:
            RequestRejectedError: 401 or 421.
        """
        if self._is_local:
            _check_host(request)
        if self._token is not None and not hmac.compare_digest(_shown(request), self._token):
            raise RequestRejectedError(
                401,
                "checking the credentials: the token is missing or wrong, expected `Authorization: Bearer <token>`",
                hint="set OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer <token>' in the sender",
            )


def _check_host(request: Request) -> None:
    header = request.headers.get("host", "")
    name = header.rpartition(":")[0] if header.rpartition(":")[2].isdecimal() else header
    if not is_loopback(name.strip("[]")):
        raise RequestRejectedError(
            421,
            f"checking the Host header: found `{header[:128]}`, expected localhost or a loopback address",
            hint="use the address that `worthwhile up` printed",
        )


def _shown(request: Request) -> bytes:
    """The token in a request: `Bearer <token>`, or the password of `Basic` when a page is read in a browser."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")
    if scheme.lower() == "basic" and request.method in {"GET", "HEAD"}:
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
