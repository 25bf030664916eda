"""What the SDK has done in this process, for `worthwhile.stats()` and `worthwhile doctor`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Stats(NamedTuple):
    """Counts since the process started.

    Attributes:
        tasks: Task runs that ended.
        calls: Model calls that ended.
        unpriced_calls: Calls with known tokens of a hosted model that has no known price.
        signals: Signals that were emitted.
        delivered: Spans and signals that the receiver acknowledged. Nothing is counted here, nor in the next three,
            while the host's own OpenTelemetry provider does the delivery.
        failed: Spans and signals that the receiver refused for good.
        dropped: Spans and signals that were lost before they could reach it; `lost` says why.
        waiting: Spans and signals on their way. What was recorded is always delivered, failed, dropped or waiting.
        internal_errors: Exceptions of worthwhile's own that were swallowed.
        spooled: Those waiting that are on disk and outlive this process.
        recovered: Spans and signals of processes that have ended, which this one delivered.
        lost: Failed and dropped ones by cause: `refused`, `queue_full`, `closed`, `encode_error`, `quota`, `disk`; and
            `earlier` for those of processes that have ended, which count nowhere else.
        contents: Calls whose content was recorded.
        contents_dropped: Calls whose content was to be recorded and was not: `redact=` raised, or too many waited.
    """

    tasks: int
    calls: int
    unpriced_calls: int
    signals: int
    delivered: int
    failed: int
    dropped: int
    waiting: int
    internal_errors: int
    spooled: int = 0
    recovered: int = 0
    lost: Mapping[str, int] = MappingProxyType({})
    contents: int = 0
    contents_dropped: int = 0


class Tally:
    """The counts that the recording side keeps."""

    __slots__ = ("calls", "contents", "contents_dropped", "signals", "tasks", "unpriced_calls")

    def __init__(self) -> None:
        self.tasks = 0
        self.calls = 0
        self.unpriced_calls = 0
        self.signals = 0
        self.contents = 0
        self.contents_dropped = 0


tally = Tally()
"""The counts of this process. Added to without a lock: exact under the interpreter lock, close without it."""
