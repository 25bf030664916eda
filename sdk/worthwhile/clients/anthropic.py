"""anthropic 2: messages and their beta twins, on every platform that the library reaches.

Patched: `SyncAPIClient.request` and `AsyncAPIClient.request` (why there: `_base.py`), one CLIENT span per call with the
request's scalars, the answer's id, model, stop reason, service tier and tokens; and `start_api_call_span`, so that the
library's own span of the same call does not count its tokens again.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace

from worthwhile._call import CallResponse, Facts, Format
from worthwhile._context import current_call
from worthwhile._guard import Guard
from worthwhile.clients._base import Api, Installed, Library, Patch, reading, request_patches
from worthwhile.clients._fields import Attributes, fields, inner, number, scalars, text, texts
from worthwhile.usage import Counts, Usage
from worthwhile_schemas import attributes as attr

_GUARD: Final = Guard("the library's own span of a message")

_REQUEST: Final = {
    "max_tokens": attr.REQUEST_MAX_TOKENS,
    "temperature": attr.REQUEST_TEMPERATURE,
    "top_p": attr.REQUEST_TOP_P,
}


def patches(module: Any, installation: Installed) -> list[Patch]:
    """What is wrapped in the loaded `anthropic` package."""
    library = Library(
        name="anthropic",
        apis={
            "v1/messages": Api(
                Format("chat", _request, _response, _counted),
                asks=frozenset(_REQUEST),
                asks_inside=frozenset({"output_config", "output_format"}),
                take=_facts,
                reading=reading("_anthropic_streams", "message"),
            )
        },
        stream=module.Stream,
        async_stream=module.AsyncStream,
    )
    native = _native_span_wrapper(library, installation)
    return [
        *request_patches("anthropic._base_client", library, installation),
        # The library starts its own span of a call here, inside `request` and with the client's options resolved.
        Patch("anthropic._base_client", "start_api_call_span", native),
    ]


def _native_span_wrapper(library: Library, installation: Installed) -> Callable[..., Any]:
    """Puts our call span in the place of the library's own, which would carry the same tokens a second time.

    The stand-in does not record, so the library skips all it would write on it, but it has our span's context, so the
    requests carry the trace context that they would carry anyway. Spans of calls that are not ours stay as they are,
    and so does the user's client: whether it has spans is decided call by call, from the current context.
    """

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def start(*args: Any, **kwargs: Any) -> Any:
            with _GUARD:
                # start_api_call_span(tracer, base_url, options, attributes, ...) from 2.0 to 2.12 at least.
                if installation.is_on and current_call() is not None and _is_counted(library, args[2]):
                    return _stand_in(args[0])
            return original(*args, **kwargs)

        return start

    return make


def _is_counted(library: Library, options: Any) -> bool:
    return options.method.lower() == "post" and library.api_of(options.url) is not None


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


def _request(request: Mapping[str, Any]) -> Attributes:
    found = scalars(request, _REQUEST)
    config, older_format = request.get("output_config"), request.get("output_format")
    effort = text(inner(config, "effort"))
    if effort is not None:
        found[attr.REQUEST_REASONING_LEVEL] = effort
    # `output_format` is the older place of `output_config.format`.
    if any(inner(wanted, "type") == "json_schema" for wanted in (inner(config, "format"), older_format)):
        found[attr.OUTPUT_TYPE] = "json"
    return found


# Answers, while the host waits: (id, counts, model, service tier, stop reason). The counts are those of the usage that
# came first, those of the one that came last, and the sums of what was summarised on the way.

_COMPACTED: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_NO_COUNTS: Final = (None, None, None, None, None, None, None)


def _facts(message: Any) -> Facts:
    try:  # nearly always: what the library makes of an answer, in one of its later versions
        found = message.__dict__
        usage = found["usage"]
        of_usage = usage.__dict__
        has_rounds = "iterations" in of_usage and of_usage["iterations"] is not None
        if not has_rounds and not usage.__pydantic_extra__:
            counts = _plain_counts(of_usage)
            tier = "fast" if of_usage["speed"] == "fast" else of_usage["service_tier"]
            return (found["id"], (counts, counts, ()), found["model"], tier, found["stop_reason"])
    except (AttributeError, KeyError, TypeError):  # decoded JSON, or another version of the library
        pass
    get = fields(message).get
    usage = get("usage")
    return facts_of(get("id"), get("model"), get("stop_reason"), usage, usage)


def facts_of(id_: Any, model: Any, stop_reason: Any, first: Any, last: Any) -> Facts:
    """Facts of a message.

    Args:
        id_: Its id.
        model: Its model.
        stop_reason: Why it ended.
        first: The usage that came first; only there are tools, tier and the lifetimes of cache writes certain.
        last: The usage that came last, whose counts are cumulative and final; None while a stream has not told it.
    """
    if first is None and last is None:
        return (id_, None, model, None, stop_reason)
    get = fields(first).get
    ended = _NO_COUNTS if last is None else _counts(last)
    began = ended if last is first else _NO_COUNTS if first is None else _counts(first)
    # The service leaves what it summarised on its own account out of the totals, but bills it.
    rounds: Any = fields(last).get("iterations")
    extra = _compacted(rounds) if type(rounds) is list else ()  # pyright: ignore[reportUnknownArgumentType] - JSON
    return (id_, (began, ended, extra), model, "fast" if get("speed") == "fast" else get("service_tier"), stop_reason)


def _counts(usage: Any) -> Facts:
    """Fresh input, output, read from the cache, written to it, kept there for an hour, thinking, searches."""
    try:
        if not usage.__pydantic_extra__:
            return _plain_counts(usage.__dict__)
    except (AttributeError, KeyError, TypeError):
        pass
    get = fields(usage).get
    writes, details, tools = get("cache_creation"), get("output_tokens_details"), get("server_tool_use")
    return (
        get("input_tokens"),
        get("output_tokens"),
        get("cache_read_input_tokens"),
        get("cache_creation_input_tokens"),
        None if writes is None else fields(writes).get("ephemeral_1h_input_tokens"),
        None if details is None else fields(details).get("thinking_tokens"),
        None if tools is None else fields(tools).get("web_search_requests"),
    )


def _plain_counts(told: Mapping[str, Any]) -> Facts:
    """The same, of the fields of a usage that has them all; only that of a delta may lack what was written."""
    lasting = thought = searches = None
    if "cache_creation" in told:
        writes = told["cache_creation"]
        if writes is not None:
            lasting = writes.__dict__["ephemeral_1h_input_tokens"]
    details = told["output_tokens_details"]
    if details is not None:
        thought = details.__dict__["thinking_tokens"]
    tools = told["server_tool_use"]
    if tools is not None:
        searches = tools.__dict__["web_search_requests"]
    return (
        told["input_tokens"],
        told["output_tokens"],
        told["cache_read_input_tokens"],
        told["cache_creation_input_tokens"],
        lasting,
        thought,
        searches,
    )


def _compacted(rounds: list[Any]) -> Facts:
    found = [fields(each) for each in rounds]
    return tuple([tuple(map(each.get, _COMPACTED)) for each in found if each.get("type") == "compaction"])


# Answers, where the span is read.


def _response(facts: Facts) -> CallResponse:
    id_, counts, model, tier, stop_reason = facts
    usage = None if counts is None else Usage(*_usage(*counts))
    return CallResponse(text(id_), text(model), texts(stop_reason), usage, text(tier))


def _counted(counts: Facts) -> tuple[Counts, str | None]:
    return _usage(*counts), None


def _usage(first: Facts, last: Facts, extra: Facts) -> Counts:
    fresh, answered, read, written, lasting, thought, searches = last
    if (
        first is last
        and not extra
        and type(fresh) is int
        and type(answered) is int
        and (read is None or type(read) is int)
        and (written is None or type(written) is int)
        and (lasting is None or type(lasting) is int)
        and (thought is None or type(thought) is int)
        and (searches is None or type(searches) is int)
    ):
        total = fresh + (read or 0) + (written or 0)
        return (total, answered, read, written, lasting, thought, None, None, searches)
    return _summed_usage(first, last, extra)


def _summed_usage(first: Facts, last: Facts, extra: Facts) -> Usage:
    fresh, read, written, searches = (_newest(last[index], first[index]) for index in (0, 2, 3, 6))
    more, more_out, more_read, more_written = (sum(number(each[index]) or 0 for each in extra) for index in range(4))
    added = (read or 0) + (written or 0) + more + more_read + more_written
    return Usage(
        input_tokens=None if fresh is None else fresh + added,
        # What `message_start` says about the output is a placeholder.
        output_tokens=_plus(number(last[1]), more_out),
        cache_read_tokens=_plus(read, more_read),
        cache_write_tokens=_plus(written, more_written),
        cache_write_1h_tokens=number(first[4]),
        reasoning_tokens=number(last[5]),
        web_searches=searches,
    )


def _newest(last: Any, first: Any) -> int | None:
    count = number(last)
    return number(first) if count is None else count


def _plus(count: int | None, more: int) -> int | None:
    return None if count is None else count + more
