"""Configuration and life cycle: the pipeline is built at the first task or call and flushed at exit, within bounds."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from worthwhile import _clock, _guard
from worthwhile._losses import CAUSES
from worthwhile._stats import Stats, tally

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider

    from worthwhile._pipeline import Pipeline
    from worthwhile._settings import Settings

_BUILDING = _guard.Guard("everything: worthwhile could not be set up and is off")
_INSTALLING = _guard.Guard("model calls: the client adaptors could not be installed")

_OF_EXIT = 0.85
"""Part of the time at exit that is waited; the rest is for what else the interpreter does then."""

_lock = threading.RLock()  # building imports much, and what it imports may call us
_pipeline: "Pipeline | None" = None
_is_decided = False
_retired: "list[Pipeline]" = []
_providers: "tuple[TracerProvider | None, LoggerProvider | None]" = (None, None)
_stand_ins = 0
_is_outdated = False
_has_hooks = False
_are_adaptors_installed = False


def configure(  # noqa: PLR0913 - one keyword per setting
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    service_name: str | None = None,
    endpoints: Mapping[str, str] | None = None,
    stream_usage: Literal["auto", "always", "never"] | None = None,
    prices: str | os.PathLike[str] | None = None,
    tracer_provider: "TracerProvider | None" = None,
    logger_provider: "LoggerProvider | None" = None,
    exit_timeout_s: float | None = None,
    spool: str | os.PathLike[str] | None = None,
    enabled: bool | None = None,
    capture_content: bool | None = None,
    content_max_chars: int | None = None,
    content_sample_ratio: float | None = None,
    redact: Callable[[str], str | None] | None = None,
) -> None:
    """Set what the environment does not, or differently; without it the environment and the defaults hold.

    May be called at any time and again: an argument that is left out stays as it was. What was recorded before is
    still delivered where it was headed.

    Args:
        endpoint: Base URL of the OTLP/HTTP receiver; `OTEL_EXPORTER_OTLP_ENDPOINT` otherwise.
        headers: Headers of the requests to it, over those of `OTEL_EXPORTER_OTLP_HEADERS`.
        service_name: Name of this service; `OTEL_SERVICE_NAME` otherwise.
        endpoints: Which provider, and which tier, answers at a model server's host or host:port, such as
            `{"10.0.0.7:8000": "vllm/local"}`. A mapped endpoint is priced as its provider.
        stream_usage: Whether streams are asked for their usage: `auto` where the server is known to take it.
        prices: File of contract prices, which go before list prices; `worthwhile_schemas/prices/README.md` has the
            format. One that cannot be used costs one warning that lists every problem in it, and list prices go on.
        tracer_provider: Provider to make spans with, instead of the host's global one or a private one.
        logger_provider: Provider to emit signals with, likewise.
        exit_timeout_s: Longest delay of the interpreter's exit for the last spans and signals.
        spool: Folder, as an absolute path, for what the receiver has not acknowledged yet; by default one in the user's
            state folder. `off` keeps it in memory only.
        enabled: False lets everything pass straight through.
        capture_content: True records prompts and completions, each call's in a log record of its own; off by default.
        content_max_chars: Characters of content that are kept of one call; 65,536 by default.
        content_sample_ratio: Part of all traces whose content is recorded, from 0 to 1. Tokens and costs are of all.
        redact: Is given the text of each part of what was said, in a thread of ours, before anything of it is kept, and
            returns the text to record, or `None` for nothing. If it raises, that call's content is dropped and counted.
    """
    global _providers  # noqa: PLW0603 - one configuration per process
    from worthwhile import _settings

    with _guard.Guard("the call of configure()"):
        before = _settings.current()
        after = _settings.override(
            {
                "endpoint": endpoint,
                "headers": headers,
                "service_name": service_name,
                "endpoints": endpoints,
                "stream_usage": stream_usage,
                "prices": None if prices is None else os.fspath(prices),
                "exit_timeout_s": exit_timeout_s,
                "spool": None if spool is None else os.fspath(spool),
                "enabled": enabled,
                "capture_content": capture_content,
                "content_max_chars": content_max_chars,
                "content_sample_ratio": content_sample_ratio,
            }
        )
        _follow_content(after, redact)
        providers = (tracer_provider or _providers[0], logger_provider or _providers[1])
        if before.delivery != after.delivery or providers != _providers:
            _providers = providers
            _retire()
        if before.prices != after.prices:
            from worthwhile import pricing

            pricing.use_overrides(after.prices)
        if after.enabled:
            from worthwhile import _pipeline as pipelines  # loads the SDK now, not at the first task

            pipelines.load(after)
    install_adaptors()


def active() -> "Pipeline | None":
    """The pipeline, built at the first call; `None` while worthwhile is disabled."""
    return _pipeline if _is_decided else _decide()


def flush(timeout_s: float = 5.0) -> bool:
    """Deliver everything recorded so far; returns within `timeout_s` seconds.

    Returns:
        Whether the receiver acknowledged everything that was recorded before and nothing was lost since the last flush.
        What it did not take in time is kept and tried again. Where the host's own OpenTelemetry provider delivers, its
        answer.
    """
    with _guard.Guard("the call of flush()"):
        return _flush_built(timeout_s, with_hosts=True)
    return False


def shutdown(timeout_s: float = 2.0) -> bool:
    """Flush within `timeout_s` seconds and record nothing more in this process. The host's providers stay open.

    Does not wait for a receiver that is away once everything is in the spool, for the next process to deliver.

    Returns:
        What `flush` would have returned.
    """
    global _is_decided  # noqa: PLW0603 - one pipeline per process
    is_delivered = False
    with _guard.Guard("the call of shutdown()"):
        is_delivered = _flush_built(timeout_s, with_hosts=True, may_leave=True)
    _retire()
    _is_decided = True
    for pipeline in _retired:
        pipeline.close()
    return is_delivered


def stats() -> Stats:
    """What worthwhile has done in this process so far."""
    counts = [outbox.counts() for pipeline in _built() for outbox in pipeline.outboxes]
    losses: dict[str, int] = {cause: sum(count.losses[cause] for count in counts) for cause in CAUSES}
    losses["refused"] = sum(count.failed for count in counts)
    return Stats(
        tasks=tally.tasks,
        calls=tally.calls,
        unpriced_calls=tally.unpriced_calls,
        signals=tally.signals,
        delivered=sum(count.delivered for count in counts),
        failed=sum(count.failed for count in counts),
        dropped=sum(count.dropped for count in counts),
        waiting=sum(count.waiting for count in counts),
        internal_errors=_guard.internal_errors,
        spooled=sum(count.kept for count in counts),
        recovered=sum(count.recovered for count in counts),
        lost={cause: number for cause, number in losses.items() if number},
        contents=tally.contents,
        contents_dropped=tally.contents_dropped,
    )


def install_adaptors() -> None:
    """Watch for model clients to be imported, or patch those that are; only the first call does anything."""
    global _are_adaptors_installed  # noqa: PLW0603 - once per process
    if not _are_adaptors_installed:
        _are_adaptors_installed = True
        with _INSTALLING:
            from worthwhile import clients

            clients.install()


@contextmanager
def replaced(pipeline: "Pipeline") -> Generator[None]:
    """Another pipeline in force for a while, for `testing.capture`; `configure` does not replace it meanwhile."""
    global _pipeline, _is_decided, _stand_ins, _is_outdated  # noqa: PLW0603 - one pipeline per process
    before = (_pipeline, _is_decided)
    _pipeline, _is_decided = pipeline, True
    _stand_ins += 1
    try:
        yield
    finally:
        _stand_ins -= 1
        _pipeline, _is_decided = before
        if _is_outdated and not _stand_ins:
            _is_outdated = False
            _retire()


def _decide() -> "Pipeline | None":
    global _pipeline, _is_decided  # noqa: PLW0603 - one pipeline per process
    with _lock:
        if not _is_decided:
            with _BUILDING:
                _pipeline = _build()
            _is_decided = True
    return _pipeline


def _build() -> "Pipeline | None":
    from worthwhile import _settings

    settings = _settings.current()
    if not settings.enabled:
        return None
    from worthwhile import _pipeline as pipelines
    from worthwhile import pricing

    _add_hooks()
    _follow_content(settings)
    pricing.use_overrides(settings.prices)
    return pipelines.build(settings, *_providers)


def _follow_content(settings: "Settings", redact: Callable[[str], str | None] | None = None) -> None:
    """Record what the settings say of content; loads nothing for a program that never asks for any."""
    content = sys.modules.get("worthwhile._content")
    if content is not None or settings.capture_content or redact is not None:
        from worthwhile import _content

        _content.follow(settings, redact)


def _retire() -> None:
    """Build a new pipeline at the next use; the old one still takes and delivers what began under it."""
    global _pipeline, _is_decided, _is_outdated  # noqa: PLW0603 - one pipeline per process
    if _stand_ins:
        _is_outdated = True
        return
    with _lock:
        if _pipeline is not None:
            _retired.append(_pipeline)
        _pipeline, _is_decided = None, False


def _built() -> "list[Pipeline]":
    return [*_retired, *([] if _pipeline is None else [_pipeline])]


def _flush_built(timeout_s: float, *, with_hosts: bool, may_leave: bool = False) -> bool:
    deadline_ns = _clock.perf_ns() + int(timeout_s * 1e9)
    streams = sys.modules.get("worthwhile._streams")
    is_settled = streams is None or streams.settle_dropped(timeout_s)
    content = sys.modules.get("worthwhile._content")
    if content is not None:
        # Half of the time, so that what the host does to redact it never costs a span.
        is_settled = content.settle(timeout_s / 2) and is_settled
    waits = [
        wait
        for pipeline in _built()
        for wait in pipeline.start_flush(timeout_s, with_hosts=with_hosts, may_leave=may_leave)
    ]
    answers = [wait(max(0.0, (deadline_ns - _clock.perf_ns()) / 1e9)) for wait in waits]
    return is_settled and all(answers)


def _add_hooks() -> None:
    global _has_hooks  # noqa: PLW0603 - once per process
    if not _has_hooks:
        _has_hooks = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
        _flush_when_multiprocessing_ends()


def _at_exit() -> None:
    from worthwhile import _settings

    with _guard.Guard("the last spans and signals"):
        settings = _settings.current()
        if _flush_built(settings.exit_timeout_s * _OF_EXIT, with_hosts=False, may_leave=True):
            return
        count = stats()
        lost = count.failed + count.dropped + count.waiting - count.spooled
        outboxes = [outbox for pipeline in _built() for outbox in pipeline.outboxes]
        reason = next((f" ({outbox.reason})" for outbox in outboxes if outbox.reason), "")
        target = _settings.shown_url(settings.endpoint)
        why = (
            f"they could not be delivered to {target} before the process ended{reason}; "
            "is a collector (`worthwhile up`) running there?"
        )
        if lost:
            _guard.warn_once(f"{lost} spans and signals were lost: {why}")
        if count.spooled:
            _guard.warn_once(f"{count.spooled} spans and signals are kept for the next process to deliver: {why}")


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - the lock may have been held when the process was forked
    _lock = threading.RLock()
    for pipeline in _built():
        pipeline.after_fork()
    _flush_when_multiprocessing_ends()


def _flush_when_multiprocessing_ends() -> None:
    """A child of `multiprocessing` skips `atexit`: put the flush on its own list of things to do at its end."""
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return

    def finalize(at_exit: object) -> None:
        util.Finalize(None, at_exit, exitpriority=0)

    if sys.modules["multiprocessing.process"].parent_process() is not None:  # imported in the child
        finalize(_at_exit)
    else:  # forked just now: the child is about to empty the list, and then runs this
        util.register_after_fork(_at_exit, finalize)
