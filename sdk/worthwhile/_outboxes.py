"""The two ways out of the process that are ours: one for spans, one for signals, each with its queue and backlog."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from worthwhile import _guard
from worthwhile._backlog import Kept, Piece, Ring
from worthwhile._courier import Courier, Freight
from worthwhile._delivery import Drainer, Encode, Encoded, Outbox, Pause
from worthwhile._losses import Cause, Losses
from worthwhile._settings import Settings, shown_url

if TYPE_CHECKING:
    from worthwhile._emitter import SignalRecord
    from worthwhile._lean import LeanSpan
    from worthwhile._spool import Spool
    from worthwhile._transport import Sender
    from worthwhile._wire import Signal, Wire

Item = TypeVar("Item")

RING_BYTES: Final = 16 << 20
"""What may wait in memory where there is no disk, encoded."""

SEGMENT_BYTES: Final = 8 << 20

RING_ITEMS: Final = 16_384
"""The same, not encoded, for exporters that take spans."""


class Lane(NamedTuple, Generic[Item]):
    """One way out.

    Attributes:
        signal: Its name in the settings.
        kind: What goes along it, in messages.
        encode: Makes a request of items.
        convert: Makes of items what OpenTelemetry's own exporters take.
        size: Most items that may wait to be encoded.
        batch: Most items in one request.
        delay_s: Longest wait for company in a request.
        may_merge: Whether a backlog may go in larger requests.
    """

    signal: "Signal"
    kind: str
    encode: Encode[Item, bytes]
    convert: Callable[[Sequence[Item]], list[Any]]
    size: int
    batch: int
    delay_s: float
    may_merge: bool


def spans(settings: Settings) -> "Lane[LeanSpan]":
    """The way of spans."""
    from worthwhile._encode import spans_request

    def encode(items: "Sequence[LeanSpan]", pause: Pause | None = None) -> Encoded[bytes]:
        return Encoded(*spans_request(items, pause))

    return Lane(
        "traces",
        "spans",
        encode=encode,
        convert=_sdk_spans,
        size=settings.span_queue_size,
        batch=min(settings.span_batch_size, settings.span_queue_size),
        delay_s=settings.span_delay_ms / 1000,
        may_merge=settings.origins["span_batch_size"] == "default",
    )


def signals(settings: Settings) -> "Lane[SignalRecord]":
    """The way of signals."""
    from worthwhile._encode import logs_request

    def encode(items: "Sequence[SignalRecord]", pause: Pause | None = None) -> Encoded[bytes]:
        return Encoded(*logs_request(items, pause))

    def convert(items: "Sequence[SignalRecord]") -> list[Any]:
        return [item.readable() for item in items]

    return Lane(
        "logs",
        "signals",
        encode=encode,
        convert=convert,
        size=settings.signal_queue_size,
        batch=min(settings.signal_batch_size, settings.signal_queue_size),
        delay_s=settings.signal_delay_ms / 1000,
        may_merge=settings.origins["signal_batch_size"] == "default",
    )


def _sdk_spans(items: "Sequence[LeanSpan]") -> list[Any]:
    from worthwhile._hosted import as_sdk_span

    return [as_sdk_span(item) for item in items]


def outbox(
    lane: Lane[Item], settings: Settings, service: str, drainer: Drainer, on_progress: Callable[[], None]
) -> "Outbox[Item, bytes] | Outbox[Item, list[Any]]":
    """The queue, the backlog and the sender of a lane, nothing of it started yet.

    Args:
        lane: Which.
        settings: Where to, and how.
        service: Name of the service: what one has left behind is no other's to deliver.
        drainer: Encodes what is in the queue.
        on_progress: Called in the sending thread after the receiver has taken something.
    """
    if settings.wire(lane.signal).is_ours:
        return _encoded(lane, settings, service, drainer, on_progress)
    return _as_they_are(lane, settings, drainer, on_progress)


def _encoded(
    lane: Lane[Item], settings: Settings, service: str, drainer: Drainer, on_progress: Callable[[], None]
) -> Outbox[Item, bytes]:
    losses = Losses()
    wire = settings.wire(lane.signal)
    spool = _spool(settings, wire, service, losses.add)
    cause: Cause = "queue_full" if spool is None else "disk"
    ring: Ring[bytes] = Ring(RING_BYTES, len, lambda lost: losses.add(cause, lost))
    freight = Freight(
        lane.kind,
        shown_url(wire.url),
        make_sender=lambda: _otlp_sender(settings, lane.signal),
        join=b"".join,
        halve=_halve_request,
        batch=lane.batch,
        delay_s=lane.delay_s,
        may_merge=lane.may_merge,
    )
    backlog = ring if spool is None else Kept(spool, ring)
    courier = Courier(backlog, freight, losses, on_progress=on_progress)
    return Outbox(lane.encode, backlog, courier, drainer, size=lane.size, slice_size=lane.batch)


def _as_they_are(
    lane: Lane[Item], settings: Settings, drainer: Drainer, on_progress: Callable[[], None]
) -> Outbox[Item, list[Any]]:
    """Through OpenTelemetry's own exporters, which take spans and not bytes; so there is nothing to put on disk."""
    from worthwhile._stock import make_stock_sender

    def encode(items: Sequence[Item], pause: Pause | None = None) -> Encoded[list[Any]]:
        return Encoded(lane.convert(items), len(items), 0)

    losses = Losses()
    ring: Ring[list[Any]] = Ring(RING_ITEMS, len, lambda lost: losses.add("queue_full", lost))
    freight = Freight(
        lane.kind,
        "the configured exporter",
        make_sender=lambda: make_stock_sender(settings, lane.signal),
        join=_join_lists,
        halve=_halve_list,
        batch=lane.batch,
        delay_s=lane.delay_s,
        may_merge=False,
    )
    courier = Courier(ring, freight, losses, on_progress=on_progress)
    return Outbox(encode, ring, courier, drainer, size=lane.size, slice_size=lane.batch)


def _otlp_sender(settings: Settings, signal: "Signal") -> "Sender":
    from worthwhile._transport import make_sender

    return make_sender(settings, signal)


def _halve_request(body: bytes) -> list[Piece[bytes]] | None:
    from worthwhile._request import halves, items

    both = halves(body)
    return both and [Piece(half, items(half)) for half in both]


def _join_lists(bodies: Sequence[list[Any]]) -> list[Any]:
    return [item for body in bodies for item in body]


def _halve_list(body: list[Any]) -> list[Piece[list[Any]]] | None:
    middle = len(body) // 2
    return [Piece(half, len(half)) for half in (body[:middle], body[middle:])] if middle else None


def _spool(settings: Settings, wire: "Wire", service: str, on_loss: Callable[[Cause, int], None]) -> "Spool | None":
    if settings.spool == "off":
        return None
    try:
        from worthwhile import _spool as spools

        root = spools.default_root() if settings.spool is None else Path(settings.spool)
    except (ImportError, OSError) as error:
        _guard.warn_once(f"there is no spool ({error}); what cannot be delivered waits in memory, up to a bound")
        return None
    quota = settings.spool_quota_mb << 20
    limits = spools.SpoolLimits(quota, settings.spool_durability, min(SEGMENT_BYTES, quota // 16))
    return spools.Spool(spools.folder_for(root, wire, service), limits, on_loss)
