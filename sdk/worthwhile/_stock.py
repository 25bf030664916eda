"""Delivery through OpenTelemetry's own exporters, where the environment asks for what ours does not do.

That is `OTEL_EXPORTER_OTLP_PROTOCOL=grpc` or `http/json`, a credential provider, and any exporter but `otlp` in
`OTEL_TRACES_EXPORTER` or `OTEL_LOGS_EXPORTER`. Nothing is exchanged for something else: what is asked for and not
installed is not sent, and a warning says so.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from worthwhile import _guard
from worthwhile._settings import Settings
from worthwhile._transport import Answer
from worthwhile._wire import OTLP_HTTP, Signal, Wire

Item_contra = TypeVar("Item_contra", contravariant=True)

_BY_PROTOCOL: Final[Mapping[str, str]] = {
    "grpc": "otlp_proto_grpc",
    "http/json": "otlp_json_http",
    OTLP_HTTP: "otlp_proto_http",
}
_INSTALL: Final[Mapping[str, str]] = {
    "otlp_proto_grpc": "pip install 'worthwhile[grpc]'",
    "otlp_json_http": "pip install opentelemetry-exporter-otlp-json-http",
}
_NOUNS: Final[Mapping[Signal, str]] = {"traces": "spans", "logs": "signals"}


class Exporter(Protocol[Item_contra]):
    """OpenTelemetry's `SpanExporter` or `LogRecordExporter`."""

    def export(self, batch: Sequence[Item_contra], /) -> Any: ...
    def shutdown(self) -> object: ...


class StockSender(Generic[Item_contra]):
    """Hands spans or records to exporters, with the same answers as a `Sender` of bytes."""

    def __init__(self, wire: Wire, exporters: Mapping[str, Exporter[Item_contra]], problem: str = "") -> None:
        """Sender to `exporters`, by name.

        Args:
            wire: What the settings say.
            exporters: The exporters that could be made.
            problem: Why something that was asked for is not among them.
        """
        self._wire = wire
        self._exporters = dict(exporters)
        self._problem = problem

    @property
    def target(self) -> str:
        """Where the items go, for messages."""
        return " and ".join(f"the exporter `{name}`" for name in self._exporters) or "no exporter"

    def send(self, batch: Sequence[Item_contra], timeout_s: float | None = None) -> Answer:
        """Hand `batch` to each exporter.

        An exporter has its own time limit and tries again within it; `timeout_s` cannot shorten that. What one of
        several exporters did not take is not offered again, because the others would get it twice.
        """
        if not self._exporters and not self._problem:
            variable = f"OTEL_{self._wire.signal.upper()}_EXPORTER"
            return Answer("partial", f"not sent anywhere, as {variable} is `none`", rejected=len(batch))
        failures = [self._problem] if self._problem else []
        failures += [
            failure for name, exporter in self._exporters.items() if (failure := _export(name, exporter, batch))
        ]
        if not failures:
            return Answer("accepted")
        reason = "; ".join(failures)
        if self._problem and not self._exporters:
            return Answer("refused", reason)
        return (
            Answer("retry", reason)
            if len(self._exporters) == 1 and not self._problem
            else Answer("refused", reason, permanent=True)
        )

    def close(self) -> None:
        """Shut the exporters down, without waiting for them."""

        def shut_down() -> None:
            for name, exporter in self._exporters.items():
                with _guard.Guard(f"the end of the exporter `{name}`"):
                    exporter.shutdown()

        with _guard.Guard("the end of the exporters"):
            threading.Thread(target=shut_down, name="worthwhile-shutdown", daemon=True).start()


def is_asked_for(settings: Settings, signal: Signal) -> bool:
    """Whether the settings ask for something that our own exporter does not do."""
    return not settings.wire(signal).is_ours


def make_stock_sender(settings: Settings, signal: Signal) -> StockSender[Any]:
    """The sender for what the settings name, in place of `_transport.make_sender`; it takes spans or records.

    An exporter that cannot be had costs one warning, which names what to install.
    """
    wire = settings.wire(signal)
    headers = settings.headers if settings.origins["headers"] == "argument" else None
    made: dict[str, Exporter[Any]] = {}
    problems: list[str] = []
    for name in wire.exporters:
        try:
            made[name] = _make(name, wire, headers)
        except Exception as error:  # noqa: BLE001 - foreign code, which may raise anything, and must not reach the host
            problems.append(f"the exporter `{name}` cannot be used: {error}")
    problem = "; ".join(problems)
    if problem:
        left = f"only {' and '.join(made)} gets them" if made else "they are not sent"
        _guard.warn_once(f"{_NOUNS[signal]}: {left}, because {problem}")
    return StockSender(wire, made, problem)


def _make(name: str, wire: Wire, headers: Mapping[str, str] | None) -> Exporter[Any]:
    if name == "otlp" and wire.is_plain:
        from worthwhile import otlp

        if wire.signal == "traces":
            return otlp.SpanExporter(endpoint=wire.url, headers=wire.headers)
        return otlp.LogExporter(endpoint=wire.url, headers=wire.headers)
    found = _BY_PROTOCOL[wire.protocol] if name == "otlp" else name
    maker = _entry_point(found, wire.signal)
    return maker(headers=dict(headers)) if headers and name == "otlp" else maker()


def _entry_point(name: str, signal: Signal) -> Callable[..., Exporter[Any]]:
    for entry in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
        return cast("Callable[..., Exporter[Any]]", entry.load())
    how = f"`{_INSTALL[name]}` installs it" if name in _INSTALL else "no installed package provides it"
    raise LookupError(f"`{name}` is not installed; {how}")


def _export(name: str, exporter: Exporter[Item_contra], batch: Sequence[Item_contra]) -> str:
    """Why the exporter did not take `batch`; empty if it did."""
    try:
        result = exporter.export(batch)
    except Exception as error:  # noqa: BLE001 - foreign code
        return f"the exporter `{name}` raised `{type(error).__name__}`"
    return "" if result.name == "SUCCESS" else f"the exporter `{name}` reported a failure"
