"""Every setting of the SDK in one table: argument of `configure` > `WORTHWHILE_*` > `OTEL_*` > default.

The environment is read once, when the first setting is needed. `''` is unset. An invalid value costs one warning and
leaves the next source, or the default, in force.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from worthwhile import _guard

StreamUsage = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force; one attribute per row of `SETTINGS`, which says what each means."""

    enabled: bool
    endpoint: str
    traces_endpoint: str | None
    logs_endpoint: str | None
    headers: Mapping[str, str]
    service_name: str | None
    endpoints: Mapping[str, str]
    stream_usage: StreamUsage
    prices: str | None
    exit_timeout_s: float
    span_queue_size: int
    span_batch_size: int
    span_delay_ms: int
    signal_queue_size: int
    signal_batch_size: int
    signal_delay_ms: int
    origins: Mapping[str, str]

    @property
    def traces_url(self) -> str:
        """Where spans are posted."""
        return self.traces_endpoint or _signal_url(self.endpoint, "v1/traces")

    @property
    def delivery(self) -> tuple[object, ...]:
        """What a pipeline is built from: two settings that agree in this may share one."""
        spans = (self.traces_url, self.span_queue_size, self.span_batch_size, self.span_delay_ms)
        signals = (self.logs_url, self.signal_queue_size, self.signal_batch_size, self.signal_delay_ms)
        return self.enabled, self.service_name, self.origins["endpoint"], self.headers, *spans, *signals

    @property
    def logs_url(self) -> str:
        """Where signals are posted."""
        return self.logs_endpoint or _signal_url(self.endpoint, "v1/logs")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        name: Argument of `configure` and attribute of `Settings`.
        sources: Environment variables by falling precedence, each with the parser of its text.
        check: Parser of the argument's value; raises `ValueError` where it is not valid.
        default: Value without any source.
        meaning: One sentence for the documentation and `worthwhile doctor`.
        is_secret: Whether the value must not be shown.
    """

    name: str
    sources: tuple[tuple[str, Callable[[str], object]], ...]
    check: Callable[[Any], object]
    default: object
    meaning: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting as it is in force, for `worthwhile doctor`."""

    name: str
    value: object
    origin: str
    meaning: str
    variables: tuple[str, ...]


def current() -> Settings:
    """The settings in force; the first call reads the environment."""
    return _current or override({})


def override(arguments: Mapping[str, object]) -> Settings:
    """Put `arguments` over the environment and over earlier arguments; `None` leaves a setting as it was."""
    global _current  # noqa: PLW0603 - one configuration per process
    given = {name: value for name, value in arguments.items() if value is not None}
    _arguments.update(given)
    _current = _resolve(_arguments, os.environ)
    return _current


def shown_url(url: str) -> str:
    """`url` without the credentials that it may hold."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def forget() -> None:
    """Drop every argument and read the environment again at the next use."""
    global _current  # noqa: PLW0603 - one configuration per process
    _arguments.clear()
    _current = None


def effective() -> list[Effective]:
    """Every setting with its value and origin, secrets masked."""
    settings = current()
    return [
        Effective(
            row.name,
            _shown(row, getattr(settings, row.name)),
            settings.origins[row.name],
            row.meaning,
            tuple(variable for variable, _ in row.sources),
        )
        for row in SETTINGS
    ]


def _resolve(arguments: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for row in SETTINGS:
        values[row.name], origins[row.name] = _resolve_row(row, arguments, environment)
    if "endpoint" in arguments:  # an argument beats every variable, the per-signal ones too
        values["traces_endpoint"] = values["logs_endpoint"] = None
    return Settings(**values, origins=MappingProxyType(origins))


def _resolve_row(row: Setting, arguments: Mapping[str, object], environment: Mapping[str, str]) -> tuple[object, str]:
    if row.name in arguments:
        try:
            return row.check(arguments[row.name]), "argument"
        except (TypeError, ValueError) as error:
            _warn(row, f"the argument {row.name}=", arguments[row.name], error)
    for variable, parse in row.sources:
        text = environment.get(variable, "").strip()
        if text:
            try:
                return parse(text), variable
            except ValueError as error:
                _warn(row, variable, text, error)
    return row.default, "default"


def _warn(row: Setting, source: str, value: object, error: Exception) -> None:
    shown = "(hidden)" if row.is_secret else f"`{value}`"
    _guard.warn_once(f"ignored {source} {shown}: expected {error}")


def _shown(row: Setting, value: object) -> object:
    if row.is_secret and value:
        return "(set)"
    return shown_url(value) if row.check is _url and isinstance(value, str) else value


def _signal_url(base: str, path: str) -> str:
    stem = base.rstrip("/")
    return f"{stem.removesuffix('/v1/traces').removesuffix('/v1/logs')}/{path}"


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return known[str(value).lower()]
    except KeyError:
        raise ValueError("`true` or `false`") from None


def _is_enabled_unless(text: str) -> bool:
    return not _flag(text)


def _url(value: object) -> str:
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return value
    raise ValueError("an http:// or https:// URL")


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("a name")


def _pairs(text: str) -> Mapping[str, str]:
    pairs = [item.split("=", 1) for item in text.split(",") if item.strip()]
    if not all(len(pair) == 2 and pair[0].strip() and pair[1].strip() for pair in pairs):
        raise ValueError("`name=value` pairs, separated by commas")
    return {key.strip(): value.strip() for key, value in pairs}


def _mapping(value: object) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        if all(isinstance(key, str) and isinstance(item, str) for key, item in items):
            return MappingProxyType(dict(cast("Mapping[str, str]", value)))
    raise ValueError("a mapping from text to text")


def _stream_usage(value: object) -> str:
    if value in ("auto", "always", "never"):
        return str(value)
    raise ValueError("`auto`, `always` or `never`")


def _seconds(value: object) -> float:
    try:
        seconds = float(cast("Any", value))
    except (TypeError, ValueError):
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    raise ValueError("seconds, 0 or more")


def _count(value: object) -> int:
    try:
        count = int(cast("Any", value))
    except (TypeError, ValueError):
        count = 0
    if count > 0:
        return count
    raise ValueError("a whole number above 0")


_NONE: Final[Mapping[str, str]] = MappingProxyType({})

SETTINGS: Final = (
    Setting(
        "enabled",
        (("WORTHWHILE_ENABLED", _flag), ("OTEL_SDK_DISABLED", _is_enabled_unless)),
        _flag,
        default=True,
        meaning="Whether anything is recorded; when false, everything passes straight through",
    ),
    Setting(
        "endpoint",
        (("OTEL_EXPORTER_OTLP_ENDPOINT", _url),),
        _url,
        default="http://127.0.0.1:4318",
        meaning="Base URL of the OTLP/HTTP receiver",
    ),
    Setting(
        "traces_endpoint",
        (("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", _url),),
        _url,
        default=None,
        meaning="Full URL for spans, where it differs from the base",
    ),
    Setting(
        "logs_endpoint",
        (("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", _url),),
        _url,
        default=None,
        meaning="Full URL for signals, where it differs from the base",
    ),
    Setting(
        "headers",
        (("OTEL_EXPORTER_OTLP_HEADERS", _pairs),),
        _mapping,
        default=_NONE,
        meaning="Headers of the requests to the receiver; an argument goes over the variable",
        is_secret=True,
    ),
    Setting(
        "service_name",
        (("OTEL_SERVICE_NAME", _name),),
        _name,
        default=None,
        meaning="Name of the service in every span and signal",
    ),
    Setting(
        "endpoints",
        (("WORTHWHILE_ENDPOINTS", _pairs),),
        _mapping,
        default=_NONE,
        meaning="Which provider, and which tier, answers at a model server's host or host:port",
    ),
    Setting(
        "stream_usage",
        (("WORTHWHILE_STREAM_USAGE", _stream_usage),),
        _stream_usage,
        default="auto",
        meaning="Whether streams are asked for their usage: where the server is known to take it, always or never",
    ),
    Setting(
        "prices",
        (("WORTHWHILE_PRICES", _name),),
        _name,
        default=None,
        meaning="File of contract prices, which go before list prices; also how a server of one's own gets a price",
    ),
    Setting(
        "exit_timeout_s",
        (("WORTHWHILE_EXIT_TIMEOUT", _seconds),),
        _seconds,
        default=2.0,
        meaning="Longest delay of the interpreter's exit for the last spans and signals, in seconds",
    ),
    Setting(
        "span_queue_size",
        (("OTEL_BSP_MAX_QUEUE_SIZE", _count),),
        _count,
        default=2048,
        meaning="Spans that may wait for delivery; more are dropped and counted",
    ),
    Setting(
        "span_batch_size",
        (("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _count),),
        _count,
        default=512,
        meaning="Spans in one request",
    ),
    Setting(
        "span_delay_ms",
        (("OTEL_BSP_SCHEDULE_DELAY", _count),),
        _count,
        default=5000,
        meaning="Longest wait of a span for others to share its request, in milliseconds",
    ),
    Setting(
        "signal_queue_size",
        (("OTEL_BLRP_MAX_QUEUE_SIZE", _count),),
        _count,
        default=2048,
        meaning="Signals that may wait for delivery; more are dropped and counted",
    ),
    Setting(
        "signal_batch_size",
        (("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", _count),),
        _count,
        default=512,
        meaning="Signals in one request",
    ),
    Setting(
        "signal_delay_ms",
        (("OTEL_BLRP_SCHEDULE_DELAY", _count),),
        _count,
        default=1000,
        meaning="Longest wait of a signal for others to share its request, in milliseconds",
    ),
)
"""Every setting, in the order in which `worthwhile doctor` shows them."""

_arguments: dict[str, object] = {}
_current: Settings | None = None
