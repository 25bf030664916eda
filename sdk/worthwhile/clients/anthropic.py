"""anthropic 2: messages and their beta twins, on every platform that the library reaches.

Patched: `SyncAPIClient.request` and `AsyncAPIClient.request` (why there: `_base.py`), one CLIENT span per call with the
request's scalars, the answer's id, model, stop reason, service tier and tokens; and `start_api_call_span`, so that the
library's own span of the same call does not count its tokens again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace

from worthwhile._context import current_call
from worthwhile._guard import Guard
from worthwhile._invocation import CallResponse
from worthwhile.clients._base import Api, Library, Patch, request_patches
from worthwhile.clients._fields import Attributes, field, items, scalars, text, whole_number
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as attr

_GUARD: Final = Guard("the library's own span of a message")

_REQUEST: Final = {
    "max_tokens": attr.REQUEST_MAX_TOKENS,
    "temperature": attr.REQUEST_TEMPERATURE,
    "top_p": attr.REQUEST_TOP_P,
}

_ADDED_INPUT: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def patches(module: Any, is_installed: Callable[[], bool]) -> list[Patch]:
    """What is wrapped in the loaded `anthropic` package."""
    library = Library(
        name="anthropic",
        apis={"v1/messages": Api("chat", _request, _response, _MessageCollector)},
        stream=module.Stream,
        async_stream=module.AsyncStream,
    )
    native = _native_span_wrapper(library, is_installed)
    return [
        *request_patches("anthropic._base_client", library, is_installed),
        # The library starts its own span of a call here, inside `request` and with the client's options resolved.
        Patch("anthropic._base_client", "start_api_call_span", native),
    ]


def _native_span_wrapper(library: Library, is_installed: Callable[[], bool]) -> Callable[..., Any]:
    """Puts our call span in the place of the library's own, which would carry the same tokens a second time.

    The stand-in does not record, so the library skips all it would write on it, but it has our span's context, so the
    requests carry the trace context that they would carry anyway. Spans of calls that are not ours stay as they are,
    and so does the user's client: whether it has spans is decided call by call, from the current context.
    """

    def start(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with _GUARD:
            # start_api_call_span(tracer, base_url, options, attributes, ...) from 2.0 to 2.12 at least.
            if is_installed() and current_call() is not None and library.api_of(args[2]) is not None:
                return _stand_in(args[0])
        return wrapped(*args, **kwargs)

    return start


def _stand_in(tracer: Any) -> trace.Span | None:
    if _is_nobodys(tracer):
        return None
    context = trace.get_current_span().get_span_context()
    return trace.NonRecordingSpan(context) if context.is_valid else None


def _is_nobodys(tracer: Any) -> bool:
    """Whether no OpenTelemetry SDK stands behind `tracer`: the library would send no trace context then."""
    if isinstance(tracer, trace.ProxyTracer):
        return isinstance(trace.get_tracer_provider(), (trace.ProxyTracerProvider, trace.NoOpTracerProvider))
    return isinstance(tracer, trace.NoOpTracer)


def _request(body: Mapping[str, Any]) -> Attributes:
    found = scalars(body, _REQUEST)
    config = body.get("output_config")
    effort = text(config, "effort")
    if effort is not None:
        found[attr.REQUEST_REASONING_LEVEL] = effort
    # `output_format` is the older place of `output_config.format`.
    formats = (field(config, "format"), body.get("output_format"))
    if any(field(wanted, "type") == "json_schema" for wanted in formats):
        found[attr.OUTPUT_TYPE] = "json"
    return found


def _response(message: Any) -> CallResponse:
    usage = field(message, "usage")
    return _call_response(message, text(message, "stop_reason"), usage, _usage(usage, usage))


def _call_response(message: Any, stop_reason: str | None, usage: Any, counted: Usage | None) -> CallResponse:
    is_fast = field(usage, "speed") == "fast"
    return CallResponse(
        id=text(message, "id"),
        model=text(message, "model"),
        finish_reasons=(stop_reason,) if stop_reason else (),
        usage=counted,
        service_tier="fast" if is_fast else text(usage, "service_tier"),
        reported_cost_usd=None,
        attributes={},
    )


def _usage(first: Any, last: Any) -> Usage | None:
    """Tokens of a message.

    Args:
        first: The usage that came first; only there are tools, tier and the lifetimes of cache writes certain.
        last: The usage that came last, whose counts are cumulative and final; None while a stream has not told it.
    """
    if first is None and last is None:
        return None
    sides = (last, first)
    # The service leaves what it summarised on its own account out of the totals, but bills it.
    extra = [entry for entry in items(last, "iterations") if field(entry, "type") == "compaction"]
    fresh = _newest(sides, "input_tokens")
    read, written = (_newest(sides, name) for name in _ADDED_INPUT)
    return Usage(
        input_tokens=None
        if fresh is None
        else fresh + (read or 0) + (written or 0) + _sum(extra, "input_tokens", *_ADDED_INPUT),
        # What `message_start` says about the output is a placeholder.
        output_tokens=_plus(whole_number(last, "output_tokens"), _sum(extra, "output_tokens")),
        cache_read_tokens=_plus(read, _sum(extra, "cache_read_input_tokens")),
        cache_write_tokens=_plus(written, _sum(extra, "cache_creation_input_tokens")),
        cache_write_1h_tokens=whole_number(field(first, "cache_creation"), "ephemeral_1h_input_tokens"),
        reasoning_tokens=whole_number(field(last, "output_tokens_details"), "thinking_tokens"),
        web_searches=_newest([field(side, "server_tool_use") for side in sides], "web_search_requests"),
    )


def _newest(sides: Any, name: str) -> int | None:
    return next((number for side in sides if (number := whole_number(side, name)) is not None), None)


def _sum(entries: list[Any], *names: str) -> int:
    return sum(whole_number(entry, name) or 0 for entry in entries for name in names)


def _plus(number: int | None, more: int) -> int | None:
    return None if number is None else number + more


class _MessageCollector:
    """Gathers a message from its events: `message_start` has its head, the last `message_delta` its final counts."""

    __slots__ = ("_last_usage", "_message", "_stop_reason", "is_complete")

    def __init__(self, hides_usage: bool) -> None:
        self._message: Any = None
        self._last_usage: Any = None
        self._stop_reason: str | None = None
        self.is_complete = False

    def see(self, event: Any, /) -> bool:
        """Keep what the event tells beside content."""
        kind = field(event, "type")
        if kind == "message_start":
            self._message = field(event, "message")
        elif kind == "message_delta":
            self._last_usage = field(event, "usage")
            self._stop_reason = text(field(event, "delta"), "stop_reason")
            self.is_complete = self._stop_reason is not None
        return False

    def response(self) -> CallResponse:
        """What the events have told."""
        first = field(self._message, "usage")
        return _call_response(self._message, self._stop_reason, first, _usage(first, self._last_usage))
