"""How requests reach the receiver: the settings that OpenTelemetry defines for every OTLP exporter.

Each may be given for spans and signals alike, and again for one of them where it differs, as the specification says.
"""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from worthwhile import _guard, _setting
from worthwhile._setting import Setting

Signal = Literal["traces", "logs"]
Compression = Literal["none", "gzip", "deflate"]

OTLP_HTTP: Final = "http/protobuf"

_NOUNS: Final[Mapping[Signal, str]] = {"traces": "spans", "logs": "signals"}
_PAIRS: Final = "`name=value` pairs, percent-encoded, separated by commas"
_LEAST_MILLISECONDS: Final = 1000
_NOT_IN_NAMES: Final = frozenset('"(),/:;<=>?@[\\]{}')


class Wire(NamedTuple):
    """How one signal's requests are sent.

    Attributes:
        signal: "traces" or "logs".
        url: Where they are posted.
        headers: Extra headers, names in lower case.
        compression: Of the request's body.
        timeout_s: Longest time for one request, connecting included.
        certificate: File with the certificates of the authorities to trust; None trusts the system's.
        client_certificate: File with the certificate to show to the receiver.
        client_key: File with its key; None where the certificate's file has it too.
        proxies: Proxy's URL by the scheme of the receiver's URL.
        no_proxy: Hosts that are reached without a proxy, as `NO_PROXY` has them.
        protocol: "http/protobuf", "http/json" or "grpc".
        exporters: Names as in `OTEL_TRACES_EXPORTER`; empty for none.
        credential_provider: Plug-in of OpenTelemetry's own HTTP exporters that signs the requests.
    """

    signal: Signal
    url: str
    headers: Mapping[str, str]
    compression: Compression
    timeout_s: float
    certificate: str | None
    client_certificate: str | None
    client_key: str | None
    proxies: Mapping[str, str]
    no_proxy: str
    protocol: str
    exporters: tuple[str, ...]
    credential_provider: str | None

    @property
    def is_ours(self) -> bool:
        """Whether our own exporter does all that is asked for."""
        return self.exporters == ("otlp",) and self.is_plain

    @property
    def is_plain(self) -> bool:
        """Whether `otlp` means what our own exporter does."""
        return self.protocol == OTLP_HTTP and self.credential_provider is None


def headers(text: str) -> Mapping[str, str]:
    """`OTEL_EXPORTER_OTLP_HEADERS`: `name=value` pairs, percent-encoded as in W3C baggage, separated by commas.

    A pair that is none is left out with a warning, which does not show it: the rest may still let the request in.
    """
    from urllib.parse import unquote

    found: dict[str, str] = {}
    items = [item for item in text.split(",") if item.strip()]
    wrong = 0
    for item in items:
        key, equals, value = item.partition("=")
        key, value = unquote(key).strip().lower(), unquote(value).strip()
        if equals and is_header(key, value):
            found[key] = value
        else:
            wrong += 1
    if not found:
        raise ValueError(_PAIRS)
    if wrong:
        _guard.warn_once(f"{wrong} of {len(items)} headers for the OTLP receiver are not used: expected {_PAIRS}")
    return MappingProxyType(found)


def is_header(key: str, value: str) -> bool:
    """Whether the two may be sent as a header."""
    return (
        key != ""
        and all("!" <= letter <= "~" and letter not in _NOT_IN_NAMES for letter in key)
        and all(letter >= " " and letter != "\x7f" for letter in value)
    )


def timeout(value: object) -> float:
    """Seconds, as OpenTelemetry for Python reads it; 1000 or more must be milliseconds, as the specification has it."""
    number = _setting.seconds(value)
    if number == 0:
        raise ValueError("seconds above 0")
    return number if number < _LEAST_MILLISECONDS else number / 1000


def proxy(value: object) -> str:
    """URL of an HTTP proxy; the scheme may be missing."""
    text = value if isinstance(value, str) else ""
    whole = text if "://" in text else f"http://{text}"
    if text and whole.lower().startswith("http://"):
        return whole
    raise ValueError("an http:// proxy")


def _upper_case_proxy(text: str) -> str:
    if "REQUEST_METHOD" in os.environ:  # a CGI program: whoever sends the request sets HTTP_PROXY by a header
        raise ValueError("`http_proxy` in a CGI program")
    return proxy(text)


def exporters(value: object) -> tuple[str, ...]:
    """Names separated by commas; "none" is no exporter."""
    names = [part.strip().lower() for part in value.split(",")] if isinstance(value, str) else []
    named = tuple(dict.fromkeys(part for part in names if part))
    if named == ("none",):
        return ()
    if not named or "none" in named:
        raise ValueError("exporters' names, separated by commas, or `none` alone")
    return named


def _by_signal(
    setting: str,
    variable: str,
    check: Callable[[str], object],
    *,
    default: object,
    meaning: str,
    is_secret: bool = False,
) -> tuple[Setting, ...]:
    general = Setting(setting, ((f"OTEL_EXPORTER_OTLP_{variable}", check),), check, default, meaning, is_secret)
    return general, *_where_it_differs(setting, variable, check, meaning, is_secret=is_secret)


def _where_it_differs(
    setting: str, variable: str, check: Callable[[str], object], meaning: str, *, is_secret: bool = False
) -> tuple[Setting, ...]:
    return tuple(
        Setting(
            f"{signal}_{setting}",
            ((f"OTEL_EXPORTER_OTLP_{signal.upper()}_{variable}", check),),
            check,
            None,
            f"{meaning}; for {noun}, where it differs",
            is_secret,
        )
        for signal, noun in _NOUNS.items()
    )


_COMPRESSION = _setting.one_of("none", "gzip", "deflate")
_PROTOCOL = _setting.one_of("grpc", OTLP_HTTP, "http/json")

ROWS: Final = (
    *_where_it_differs("headers", "HEADERS", headers, "Headers of the requests to the receiver", is_secret=True),
    *_by_signal("compression", "COMPRESSION", _COMPRESSION, default="none", meaning="Compression of the requests"),
    *_by_signal("timeout_s", "TIMEOUT", timeout, default=10.0, meaning="Longest time for one request, in seconds"),
    *_by_signal(
        "certificate",
        "CERTIFICATE",
        _setting.name,
        default=None,
        meaning="File with the certificates of the authorities to trust, instead of the system's",
    ),
    *_by_signal(
        "client_certificate",
        "CLIENT_CERTIFICATE",
        _setting.name,
        default=None,
        meaning="File with the certificate to show to the receiver",
    ),
    *_by_signal(
        "client_key",
        "CLIENT_KEY",
        _setting.name,
        default=None,
        meaning="File with the key of the certificate to show to the receiver",
    ),
    *_by_signal(
        "protocol",
        "PROTOCOL",
        _PROTOCOL,
        default=OTLP_HTTP,
        meaning="Protocol: `http/protobuf`, or through OpenTelemetry's own exporters `grpc` and `http/json`",
    ),
    *(
        Setting(
            f"{signal}credential_provider",
            ((f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{signal.upper()}CREDENTIAL_PROVIDER", _setting.name),),
            _setting.name,
            default=None,
            meaning="Plug-in that signs the requests; needs, and brings in, OpenTelemetry's own exporter" + only,
        )
        for signal, only in (("", ""), ("traces_", "; for spans alone"), ("logs_", "; for signals alone"))
    ),
    Setting(
        "traces_exporter",
        (("OTEL_TRACES_EXPORTER", exporters),),
        exporters,
        default=("otlp",),
        meaning="Exporters of spans: `otlp`, `none`, or any that is installed",
    ),
    Setting(
        "logs_exporter",
        (("OTEL_LOGS_EXPORTER", exporters),),
        exporters,
        default=("otlp",),
        meaning="Exporters of signals, likewise",
    ),
    Setting(
        "http_proxy",
        (("http_proxy", proxy), ("HTTP_PROXY", _upper_case_proxy)),
        proxy,
        default=None,
        meaning="Proxy for a receiver at an http:// URL; never used for this machine's own addresses",
    ),
    Setting(
        "https_proxy",
        (("https_proxy", proxy), ("HTTPS_PROXY", proxy)),
        proxy,
        default=None,
        meaning="Proxy for a receiver at an https:// URL",
    ),
    Setting(
        "all_proxy",
        (("all_proxy", proxy), ("ALL_PROXY", proxy)),
        proxy,
        default=None,
        meaning="Proxy for a receiver at any URL",
    ),
    Setting(
        "no_proxy",
        (("no_proxy", _setting.name), ("NO_PROXY", _setting.name)),
        _setting.name,
        default=None,
        meaning="Hosts that are reached without a proxy",
    ),
)
"""The rows of the settings' table that are about the wire."""
