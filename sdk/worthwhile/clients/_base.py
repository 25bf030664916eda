"""What the adaptors of HTTP clients share: one model call seen at the client's `request` method.

Clients made from an OpenAPI description (openai, anthropic) pass every call, however it was begun (`create`, `parse`,
`stream`, raw and streaming responses, copies made by `with_options`, methods bound long ago), exactly once through
`SyncAPIClient.request` or `AsyncAPIClient.request`. That is where a call is wrapped, so helpers that call each other
cannot count twice, and where the request is already the JSON that goes out.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from worthwhile import _invocation
from worthwhile._guard import Guard
from worthwhile._invocation import CallRequest, CallResponse
from worthwhile._sse import scanner
from worthwhile._streams import AsyncStreamTap, BodyTap, Collector, RawBodyTap, Reading, StreamTap
from worthwhile.clients._fields import Attributes, mapping, text

_GUARD: Final = Guard("the span of a model call")


@dataclass(frozen=True, slots=True)
class Api:
    """How the calls of one endpoint are read.

    Attributes:
        operation: `gen_ai.operation.name` of its calls.
        request: Attributes of the request, from the JSON that goes out.
        response: What the answer tells, from the client's object or from decoded JSON.
        collector: Makes what gathers a streamed answer; its argument says whether our usage chunk is to be hidden.
        has_stream_options: Whether a stream may be asked for its usage with `stream_options.include_usage`.
    """

    operation: str
    request: Callable[[Mapping[str, Any]], Attributes]
    response: Callable[[Any], CallResponse]
    collector: Callable[[bool], Collector] | None = None
    has_stream_options: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """One client library.

    Attributes:
        name: The client's name, as `endpoint()` knows it.
        apis: The endpoints that are counted, by path without slashes at its ends; all others pass untouched.
        stream: The library's public `Stream` class.
        async_stream: The library's public `AsyncStream` class.
        takes_stream_usage: Whether the client, beyond its endpoint, can be asked for a stream's usage.
    """

    name: str
    apis: Mapping[str, Api]
    stream: type
    async_stream: type
    takes_stream_usage: Callable[[Any, Mapping[str, Any]], bool] = lambda client, body: True

    def api_of(self, options: Any) -> Api | None:
        """The endpoint that a request with the client's final `options` goes to, if it is one that is counted."""
        return self.apis.get(options.url.partition("?")[0].strip("/")) if options.method.lower() == "post" else None


@dataclass(frozen=True, slots=True)
class Patch:
    """One function of a library that is wrapped: its module, its name there, and a wrapper as wrapt wants it."""

    module: str
    name: str
    wrapper: Callable[..., Any]


def request_patches(module: str, library: Library, is_installed: Callable[[], bool]) -> list[Patch]:
    """The two methods that every call passes, sync and async; each call gets one CLIENT span."""
    return [
        Patch(module, "SyncAPIClient.request", request_wrapper(library, is_installed)),
        Patch(module, "AsyncAPIClient.request", async_request_wrapper(library, is_installed)),
    ]


def request_wrapper(library: Library, is_installed: Callable[[], bool]) -> Callable[..., Any]:
    """The wrapper of `SyncAPIClient.request`, for wrapt."""

    def request(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(library, instance, args, kwargs) if is_installed() else None
        if call is None:
            return wrapped(*args, **kwargs)
        try:
            with call.invocation.activated():
                result = wrapped(*call.args, **call.kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        call.settle(result)
        return result

    return request


def async_request_wrapper(library: Library, is_installed: Callable[[], bool]) -> Callable[..., Any]:
    """The wrapper of `AsyncAPIClient.request`, for wrapt."""

    async def request(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(library, instance, args, kwargs) if is_installed() else None
        if call is None:
            return await wrapped(*args, **kwargs)
        try:
            with call.invocation.activated():
                result = await wrapped(*call.args, **call.kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        call.settle(result)
        return result

    return request


class Call:
    """One call on its way through the client's `request` method."""

    __slots__ = ("_answer", "_api", "_hides_usage", "_library", "args", "invocation", "kwargs")

    def __init__(self, library: Library, api: Api, invocation: _invocation.Invocation) -> None:
        self._library = library
        self._api = api
        self._hides_usage = False
        self._answer: Any = None
        self.invocation = invocation
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}

    def prepare(self, options: Any, *, asks_for_usage: bool) -> Any:
        """The options to call with: `options` itself, or a copy where something of it has to differ."""
        parse = options.post_parser
        if not (asks_for_usage or callable(parse)):
            return options
        options = copy.copy(options)
        if asks_for_usage:
            self._hides_usage = _ask_for_usage(options)
        if callable(parse):
            # The answer was billed even if the host's own parser rejects it, and only the parser gets to see it then.
            options.post_parser = self._seen_before(parse)
        return options

    def settle(self, result: Any) -> None:
        """Take note of what the client returns to the host. Never raises."""
        self.args, self.kwargs = (), {}  # they lead back here, by way of the parser
        with _GUARD:
            self._settle(result)
            return
        with _GUARD:
            self.invocation.finish(None)

    def fail(self, error: BaseException) -> None:
        """Take note that the client raised `error`. Never raises."""
        self.args, self.kwargs = (), {}
        with _GUARD:
            self.invocation.fail(error, None if self._answer is None else self._api.response(self._answer))

    def _settle(self, result: Any) -> None:
        if isinstance(result, self._library.stream):
            self._follow(result, StreamTap)
        elif isinstance(result, self._library.async_stream):
            self._follow(result, AsyncStreamTap)
        elif (response := _http_response(result)) is not None:
            self._settle_raw(response)
        else:
            self.invocation.finish(self._api.response(result))

    def _follow(self, stream: Any, tap: Callable[[Any, Reading], Any]) -> None:
        reading = Reading(self.invocation, self._collector())
        # Private in both libraries since their first versions, and the only place that sees chunks without delay.
        stream._iterator = tap(stream._iterator, reading)  # noqa: SLF001
        stream.response.stream = BodyTap(stream.response.stream, reading)

    def _settle_raw(self, response: Any) -> None:
        if response.is_closed:
            self.invocation.finish(self._api.response(_document(response)))
            return
        headers = response.headers
        content_type = headers.get("content-type", "")
        is_stream = content_type.startswith("text/event-stream")
        collector = self._collector() if is_stream else _Document(self._api.response)
        reading = Reading(self.invocation, collector)
        see = reading.see if is_stream else collector.see
        found = scanner(content_type, headers.get("content-encoding", ""), see, may_hide=self._hides_usage)
        body = response.stream
        response.stream = BodyTap(body, reading) if found is None else RawBodyTap(body, reading, found)

    def _collector(self) -> Collector:
        make = self._api.collector
        return _Document(self._api.response) if make is None else make(self._hides_usage)

    def _seen_before(self, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def seen(answer: Any) -> Any:
            self._answer = answer
            return parse(answer)

        return seen


class _Document:
    """Collects an answer that comes as one JSON document."""

    def __init__(self, read: Callable[[Any], CallResponse]) -> None:
        self._read = read
        self._document: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether the document has arrived."""
        return self._document is not None

    def see(self, chunk: Any, /) -> bool:
        """Keep the document; there is nothing to hide."""
        self._document = chunk
        return False

    def response(self) -> CallResponse:
        """What the document tells."""
        return self._read(self._document)


def _begin(library: Library, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    with _GUARD:
        # request(cast_to, options, *, stream=False, stream_cls=None) in every version of both libraries.
        api = library.api_of(args[1] if len(args) > 1 else kwargs["options"])
        return None if api is None else _start(library, api, client, args, kwargs)
    return None


def _start(library: Library, api: Api, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    options = args[1] if len(args) > 1 else kwargs["options"]
    body = _outgoing(options)
    is_stream = bool(kwargs.get("stream"))
    base_url = str(client.base_url)
    request = CallRequest(
        operation=api.operation,
        client=library.name,
        model=text(body, "model"),
        base_url=base_url,
        is_stream=is_stream,
        attributes=api.request(body),
    )
    invocation = _invocation.start(request)
    if invocation.is_ended:  # worthwhile is off, or instrumentation is suppressed
        return None
    call = Call(library, api, invocation)
    asks_for_usage = (
        is_stream
        and api.has_stream_options
        and _invocation.endpoint(base_url, library.name).takes_stream_usage
        and library.takes_stream_usage(client, body)
    )
    prepared = call.prepare(options, asks_for_usage=asks_for_usage)
    call.args, call.kwargs = args, kwargs
    if prepared is not options and len(args) > 1:
        call.args = (args[0], prepared, *args[2:])
    elif prepared is not options:
        call.kwargs = {**kwargs, "options": prepared}
    return call


def _outgoing(options: Any) -> Mapping[str, Any]:
    body, extra = mapping(options.json_data) or {}, mapping(options.extra_json)
    return {**body, **extra} if extra else body


def _ask_for_usage(options: Any) -> bool:
    """Add `include_usage` to our copy of the options, unless the host has decided about it itself."""
    place = "extra_json" if "stream_options" in (mapping(options.extra_json) or {}) else "json_data"
    body = mapping(getattr(options, place))
    if body is None:
        return False
    chosen = mapping(body.get("stream_options")) or {}
    if "include_usage" in chosen:
        return False
    setattr(options, place, {**body, "stream_options": {**chosen, "include_usage": True}})
    return True


def _http_response(result: Any) -> Any:
    # `APIResponse` and openai's `LegacyAPIResponse` hold it; it is the result itself where the host asked for that.
    response = getattr(result, "http_response", None)
    return result if response is None and hasattr(result, "iter_bytes") else response


def _document(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:  # an answer that is not JSON tells nothing
        return None
