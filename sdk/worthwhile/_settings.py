"""Every setting of the SDK in one table: argument of `configure` > `WORTHWHILE_*` > `OTEL_*` > default.

The environment is read once, when the first setting is needed. `''` is unset. An invalid value costs one warning and
leaves the next source, or the default, in force.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

from worthwhile import _guard, _setting, _wire
from worthwhile._setting import NONE, Setting, count, flag, folder, mapping, name, one_of, pairs, seconds, unless, url
from worthwhile._wire import Compression, Signal, Wire

StreamUsage = Literal["auto", "always", "never"]
Accounting = Literal["always", "sampled"]
Durability = Literal["process", "interval", "always"]


class Settings(NamedTuple):
    """The settings in force; one attribute per row of `SETTINGS`, which says what each means."""

    enabled: bool
    endpoint: str
    traces_endpoint: str | None
    logs_endpoint: str | None
    headers: Mapping[str, str]
    service_name: str | None
    endpoints: Mapping[str, str]
    stream_usage: StreamUsage
    accounting: Accounting
    prices: str | None
    exit_timeout_s: float
    capture_content: bool
    content_max_chars: int
    content_sample_ratio: float
    span_queue_size: int
    span_batch_size: int
    span_delay_ms: int
    signal_queue_size: int
    signal_batch_size: int
    signal_delay_ms: int
    spool: str | None
    spool_quota_mb: int
    spool_durability: Durability
    traces_headers: Mapping[str, str] | None
    logs_headers: Mapping[str, str] | None
    compression: Compression
    traces_compression: Compression | None
    logs_compression: Compression | None
    timeout_s: float
    traces_timeout_s: float | None
    logs_timeout_s: float | None
    certificate: str | None
    traces_certificate: str | None
    logs_certificate: str | None
    client_certificate: str | None
    traces_client_certificate: str | None
    logs_client_certificate: str | None
    client_key: str | None
    traces_client_key: str | None
    logs_client_key: str | None
    protocol: str
    traces_protocol: str | None
    logs_protocol: str | None
    credential_provider: str | None
    traces_credential_provider: str | None
    logs_credential_provider: str | None
    traces_exporter: tuple[str, ...]
    logs_exporter: tuple[str, ...]
    http_proxy: str | None
    https_proxy: str | None
    all_proxy: str | None
    no_proxy: str | None
    origins: Mapping[str, str]

    @property
    def traces_url(self) -> str:
        """Where spans are posted."""
        return self.traces_endpoint or _signal_url(self.endpoint, "v1/traces")

    @property
    def delivery(self) -> tuple[object, ...]:
        """What a pipeline is built from: two settings that agree in this may share one."""
        spans = (self.span_queue_size, self.span_batch_size, self.span_delay_ms)
        signals = (self.signal_queue_size, self.signal_batch_size, self.signal_delay_ms)
        wires = (self.wire("traces"), self.wire("logs"))
        spool = (self.spool, self.spool_quota_mb, self.spool_durability)
        return (
            self.enabled,
            self.accounting,
            self.service_name,
            self.origins["endpoint"],
            *wires,
            *spans,
            *signals,
            *spool,
        )

    @property
    def logs_url(self) -> str:
        """Where signals are posted."""
        return self.logs_endpoint or _signal_url(self.endpoint, "v1/logs")

    def wire(self, signal: Signal) -> Wire:
        """How the requests of one signal are sent."""

        def either(setting: str) -> Any:
            own = getattr(self, f"{signal}_{setting}")
            return getattr(self, setting) if own is None else own

        proxies = {"http": self.http_proxy or self.all_proxy, "https": self.https_proxy or self.all_proxy}
        return Wire(
            signal=signal,
            url=self.traces_url if signal == "traces" else self.logs_url,
            headers=either("headers"),
            compression=either("compression"),
            timeout_s=either("timeout_s"),
            certificate=either("certificate"),
            client_certificate=either("client_certificate"),
            client_key=either("client_key"),
            proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
            no_proxy=self.no_proxy or "",
            protocol=either("protocol"),
            exporters=self.traces_exporter if signal == "traces" else self.logs_exporter,
            credential_provider=self.credential_provider or either("credential_provider"),
        )


class Effective(NamedTuple):
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
    if "endpoint" in arguments:  # an OTLP/HTTP receiver; an argument beats every variable, the per-signal ones too
        for row in SETTINGS:
            if (
                row.name.endswith(("s_endpoint", "protocol", "_exporter", "credential_provider"))
                and row.name not in arguments
            ):
                values[row.name], origins[row.name] = row.default, "default"
    if "headers" in arguments:  # it goes over the variables name by name
        given = {key.lower(): value for key, value in values["headers"].items()}
        for row in SETTINGS:
            if row.name.endswith("headers"):
                variables = cast("Mapping[str, str] | None", _resolve_row(row, {}, environment)[0])
                values[row.name] = None if variables is None else MappingProxyType({**variables, **given})
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
    text = shown_url(value) if isinstance(value, str) and "://" in value else value
    shown = "(hidden)" if row.is_secret else f"`{text}`"
    _guard.warn_once(f"ignored {source} {shown}: expected {error}")


def _shown(row: Setting, value: object) -> object:
    if row.is_secret and value:
        return "(set)"
    if row.check in (url, _wire.proxy) and isinstance(value, str):
        return shown_url(value)
    return ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value


def _signal_url(base: str, path: str) -> str:
    stem = base.rstrip("/")
    return f"{stem.removesuffix('/v1/traces').removesuffix('/v1/logs')}/{path}"


SETTINGS: Final = (
    Setting(
        "enabled",
        (("WORTHWHILE_ENABLED", flag), ("OTEL_SDK_DISABLED", unless)),
        flag,
        default=True,
        meaning="Whether anything is recorded; when false, everything passes straight through",
    ),
    Setting(
        "endpoint",
        (("OTEL_EXPORTER_OTLP_ENDPOINT", url),),
        url,
        default="http://127.0.0.1:4318",
        meaning="Base URL of the OTLP/HTTP receiver",
    ),
    Setting(
        "traces_endpoint",
        (("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url),),
        url,
        default=None,
        meaning="Full URL for spans, where it differs from the base",
    ),
    Setting(
        "logs_endpoint",
        (("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", url),),
        url,
        default=None,
        meaning="Full URL for signals, where it differs from the base",
    ),
    Setting(
        "headers",
        (("OTEL_EXPORTER_OTLP_HEADERS", _wire.headers),),
        mapping,
        default=NONE,
        meaning="Headers of the requests to the receiver; an argument goes over the variable",
        is_secret=True,
    ),
    Setting(
        "service_name",
        (("OTEL_SERVICE_NAME", name),),
        name,
        default=None,
        meaning="Name of the service in every span and signal",
    ),
    Setting(
        "endpoints",
        (("WORTHWHILE_ENDPOINTS", pairs),),
        mapping,
        default=NONE,
        meaning="Which provider, and which tier, answers at a model server's host or host:port",
    ),
    Setting(
        "stream_usage",
        (("WORTHWHILE_STREAM_USAGE", one_of("auto", "always", "never")),),
        one_of("auto", "always", "never"),
        default="auto",
        meaning="Whether streams are asked for their usage: where the server is known to take it, always or never",
    ),
    Setting(
        "accounting",
        (("WORTHWHILE_ACCOUNTING", one_of("always", "sampled")),),
        one_of("always", "sampled"),
        default="always",
        meaning="Whether every task and call is kept, or those that `OTEL_TRACES_SAMPLER` takes, with their weight",
    ),
    Setting(
        "prices",
        (("WORTHWHILE_PRICES", name),),
        name,
        default=None,
        meaning="File of contract prices, which go before list prices; also how a server of one's own gets a price",
    ),
    Setting(
        "exit_timeout_s",
        (("WORTHWHILE_EXIT_TIMEOUT", seconds),),
        seconds,
        default=2.0,
        meaning="Longest delay of the interpreter's exit for the last spans and signals, in seconds",
    ),
    *_setting.CONTENT,
    Setting(
        "span_queue_size",
        (("OTEL_BSP_MAX_QUEUE_SIZE", count),),
        count,
        default=32768,
        meaning="Spans that may wait to be encoded and put into the spool; more are dropped and counted",
    ),
    Setting(
        "span_batch_size",
        (("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", count),),
        count,
        default=512,
        meaning="Spans in one request, where no more are waiting; a backlog goes in larger ones unless this is set",
    ),
    Setting(
        "span_delay_ms",
        (("OTEL_BSP_SCHEDULE_DELAY", count),),
        count,
        default=5000,
        meaning="Longest wait of a span for others to share its request, in milliseconds",
    ),
    Setting(
        "signal_queue_size",
        (("OTEL_BLRP_MAX_QUEUE_SIZE", count),),
        count,
        default=32768,
        meaning="Signals that may wait to be encoded and put into the spool; more are dropped and counted",
    ),
    Setting(
        "signal_batch_size",
        (("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", count),),
        count,
        default=512,
        meaning="Signals in one request, where no more are waiting; a backlog goes in larger ones unless this is set",
    ),
    Setting(
        "signal_delay_ms",
        (("OTEL_BLRP_SCHEDULE_DELAY", count),),
        count,
        default=1000,
        meaning="Longest wait of a signal for others to share its request, in milliseconds",
    ),
    Setting(
        "spool",
        (("WORTHWHILE_SPOOL", folder),),
        folder,
        default=None,
        meaning="Folder for what the receiver has not taken yet, by default in the user's state folder; or `off`",
    ),
    Setting(
        "spool_quota_mb",
        (("WORTHWHILE_SPOOL_QUOTA_MB", count),),
        count,
        default=1024,
        meaning="Megabytes that waiting spans may take on disk, and signals likewise; beyond it the oldest are dropped",
    ),
    Setting(
        "spool_durability",
        (("WORTHWHILE_SPOOL_DURABILITY", one_of("process", "interval", "always")),),
        one_of("process", "interval", "always"),
        default="process",
        meaning="What the spool survives: the end of the process; of the machine, but for half a second; or all",
    ),
    *_wire.ROWS,
)
"""Every setting, in the order in which `worthwhile doctor` shows them."""

_arguments: dict[str, object] = {}
_current: Settings | None = None
