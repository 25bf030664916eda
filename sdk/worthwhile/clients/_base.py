# ruff: noqa: SLF001 - a call is filled in where it begins
# pyright: reportPrivateUsage=false
"""What the adaptors of HTTP clients share: one model call seen at the client's `request` method.

Clients made from an OpenAPI description (openai, anthropic) pass every call, however it was begun (`create`, `parse`,
`stream`, raw and streaming responses, copies made by `with_options`, methods bound long ago), exactly once through
`SyncAPIClient.request` or `AsyncAPIClient.request`. That is where a call is wrapped, so helpers that call each other
cannot count twice, and where the request is already the JSON that goes out.
"""

import copy
import functools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from worthwhile import _settings
from worthwhile._call import Facts, Format, Target
from worthwhile._context import attach
from worthwhile._endpoints import endpoint
from worthwhile._guard import Guard
from worthwhile._invocation import Invocation, begin
from worthwhile.clients._fields import ask, text_of

if TYPE_CHECKING:
    from worthwhile._streams import Collector

_GUARD: Final = Guard("the span of a model call")

_MAX_REMEMBERED: Final = 256

Remembered: TypeAlias = tuple[Any, object, Target]
"""A client's base URL and the settings, and where its calls go as long as both are these very objects."""

_NO_TARGET: Final[tuple[Any, object, Any]] = (None, None, None)


@dataclass(frozen=True, slots=True)
class Api:
    """How the calls of one endpoint are read.

    Attributes:
        format: What is made of what the others keep, where the span is read.
        asks: The fields of the request, the JSON that goes out, that are kept beside the model.
        take: The facts of an answer, of the client's object or of decoded JSON.
        collector: Makes what gathers a streamed answer. Its arguments are what was kept of the request, and whether our
            usage chunk is to be hidden.
        has_stream_options: Whether a stream may be asked for its usage with `stream_options.include_usage`.
    """

    format: Format
    asks: Collection[str]
    take: Callable[[Any], Facts]
    collector: "Callable[[Facts, bool], Collector] | None" = None
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
        by_url: What `api_of` has found so far.
        targets: What `target_of` has found so far, by the identity of the base URL.
    """

    name: str
    apis: Mapping[str, Api]
    stream: type
    async_stream: type
    takes_stream_usage: Callable[[Any, Mapping[str, Any]], bool] = lambda client, body: True
    by_url: dict[str, Api] = field(default_factory=dict[str, Api])
    targets: dict[int, Remembered] = field(default_factory=dict[int, Remembered])

    def api_of(self, url: str) -> Api | None:
        """The endpoint behind a path as the client writes it, if it is one that is counted."""
        api = self.apis.get(url.partition("?")[0].strip("/"))
        if api is not None and len(self.by_url) < _MAX_REMEMBERED:
            self.by_url[url] = api
        return api

    def target_of(self, client: Any, url: Any) -> Target:
        """Where the calls of `client`, whose base URL is the object `url`, go."""
        known = endpoint(str(client.base_url), self.name)
        target = Target(known, f"{known.address}:{known.port}")
        if len(self.targets) >= _MAX_REMEMBERED:
            self.targets.clear()
        self.targets[id(url)] = (url, _settings.current(), target)  # kept, so that no other object gets its id
        return target


@dataclass(frozen=True, slots=True)
class Patch:
    """One function of a library that is replaced.

    Attributes:
        module: Its module.
        name: Its name there.
        make: Makes the replacement from the original. Both are plain functions, the one around the other, because that
            costs a call half of what wrapt's proxies do, and is as much the same to `inspect` and to `pickle`.
    """

    module: str
    name: str
    make: Callable[[Callable[..., Any]], Callable[..., Any]]


def request_patches(module: str, library: Library, is_installed: Callable[[], bool]) -> list[Patch]:
    """The two methods that every call passes, sync and async; each call gets one CLIENT span."""
    return [
        Patch(module, "SyncAPIClient.request", request_wrapper(library, is_installed)),
        Patch(module, "AsyncAPIClient.request", async_request_wrapper(library, is_installed)),
    ]


# The one signature of `request` in every version of both libraries. Naming its parameters spares two objects a call.


def request_wrapper(library: Library, is_installed: Callable[[], bool]) -> Callable[..., Any]:
    """What makes the wrapper of `SyncAPIClient.request`."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def request(self: Any, cast_to: Any, options: Any, *, stream: Any = False, stream_cls: Any = None) -> Any:
            call = _begin(library, self, options, stream) if is_installed() else None
            if call is None:
                return original(self, cast_to, options, stream=stream, stream_cls=stream_cls)
            call.activate()
            try:
                result = original(self, cast_to, call.options, stream=stream, stream_cls=stream_cls)
            except BaseException as error:
                attach(call.outer)
                call.fail_with(error)
                raise
            attach(call.outer)
            call.settle(result)
            return result

        return request

    return make


def async_request_wrapper(library: Library, is_installed: Callable[[], bool]) -> Callable[..., Any]:
    """What makes the wrapper of `AsyncAPIClient.request`."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def request(self: Any, cast_to: Any, options: Any, *, stream: Any = False, stream_cls: Any = None) -> Any:
            call = _begin(library, self, options, stream) if is_installed() else None
            if call is None:
                return await original(self, cast_to, options, stream=stream, stream_cls=stream_cls)
            call.activate()
            try:
                result = await original(self, cast_to, call.options, stream=stream, stream_cls=stream_cls)
            except BaseException as error:
                call.deactivate()
                call.fail_with(error)
                raise
            call.deactivate()
            call.settle(result)
            return result

        return request

    return make


class Call(Invocation):
    """One call on its way through the client's `request` method.

    Attributes:
        api: The endpoint that it goes to.
        library: The client library that it goes through.
        options: What the original is called with: the client's options, or a copy where something has to differ.
    """

    __slots__ = ("_answer", "_hides_usage", "api", "library", "options")

    api: Api
    library: Library
    options: Any
    _hides_usage: bool
    _answer: Any

    def prepare(self, client: Any, *, is_stream: bool) -> None:
        """Have the original called with a copy of the options where something of them has to differ."""
        options = self.options
        parse = options.post_parser
        place = None
        if is_stream and self.api.has_stream_options and self.known.takes_stream_usage:
            place = _place_to_ask(options)
            if place is not None and not self.library.takes_stream_usage(client, _outgoing(options)):
                place = None
        if place is None and not callable(parse):
            return
        self.options = changed = copy.copy(options)
        if place is not None:
            self._hides_usage = True
            _ask_for_usage(changed, place)
        if callable(parse):
            # The answer was billed even if the host's own parser rejects it, and only the parser gets to see it then.
            changed.post_parser = self._seen_before(parse)

    def settle(self, result: Any) -> None:
        """Take note of what the client returns to the host. Never raises."""
        self.options = None  # they may lead back here, by way of the parser
        try:
            kind: type[Any] = type(result)  # pyright: ignore[reportUnknownVariableType] - a client's object
            if kind in _documents:
                self.finish(self.api.take(result))
            else:
                self._settle(result, kind)
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            self.finish(None)
            _GUARD.caught(error)

    def fail_with(self, error: BaseException) -> None:
        """Take note that the client raised `error`. Never raises."""
        self.options = None
        with _GUARD:
            self.fail(error, None if self._answer is None else self.api.take(self._answer))

    def _settle(self, result: Any, kind: type) -> None:
        if isinstance(result, self.library.stream):
            self._follow(result, is_async=False)
        elif isinstance(result, self.library.async_stream):
            self._follow(result, is_async=True)
        elif (response := _http_response(result)) is not None:
            self._settle_raw(response)
        else:
            if len(_documents) < _MAX_REMEMBERED:
                _documents.add(kind)
            self.finish(self.api.take(result))

    def _follow(self, stream: Any, *, is_async: bool) -> None:
        from worthwhile import _streams, _taps  # few programs without streams need these

        reading = _streams.Reading(self, self._collector())
        tap: Any = _taps.AsyncStreamTap if is_async else _taps.stream_tap
        # Private in both libraries since their first versions, and the only place that sees chunks without delay.
        stream._iterator = tap(stream._iterator, reading)
        stream.response.stream = _taps.BodyTap(stream.response.stream, reading)

    def _settle_raw(self, response: Any) -> None:
        if response.is_closed:
            self.finish(self.api.take(_document(response)))
            return
        from worthwhile import _sse, _streams, _taps

        headers = response.headers
        content_type = headers.get("content-type", "")
        is_stream = content_type.startswith("text/event-stream")
        collector = self._collector() if is_stream else _Document(self.api.take)
        reading = _streams.Reading(self, collector)
        see = reading.see if is_stream else collector.see
        found = _sse.scanner(content_type, headers.get("content-encoding", ""), see, may_hide=self._hides_usage)
        body = response.stream
        response.stream = _taps.BodyTap(body, reading) if found is None else _taps.RawBodyTap(body, reading, found)

    def _collector(self) -> "Collector":
        make = self.api.collector
        return _Document(self.api.take) if make is None else make(self.asked, self._hides_usage)

    def _seen_before(self, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def seen(answer: Any) -> Any:
            self._answer = answer
            return parse(answer)

        return seen


class _Document:
    """Collects an answer that comes as one JSON document."""

    sees_all = True
    hides = None

    def __init__(self, take_facts: Callable[[Any], Facts]) -> None:
        self._take_facts = take_facts
        self._document: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether the document has arrived."""
        return self._document is not None

    def see(self, chunk: Any, /) -> bool:
        """Keep the document; there is nothing to hide."""
        self._document = chunk
        return False

    def see_ends(self, first: Any, last: Sequence[Any]) -> None:
        """Keep the last, which is the whole."""
        self._document = last[-1]

    def facts(self) -> Facts:
        """What the document tells."""
        return self._take_facts(self._document)


_documents: Final[set[type[Any]]] = set()
"""The types of results that were neither streams nor raw responses."""


def _begin(library: Library, client: Any, options: Any, stream: Any) -> Call | None:
    try:
        said = options.__dict__  # asking a model for each costs several times as much
        api = library.by_url.get(said["url"]) or library.api_of(said["url"])
        if api is None or (said["method"] != "post" and said["method"].lower() != "post"):
            return None
        body: dict[str, Any] = said["json_data"]
        if said.get("extra_json") or type(body) is not dict:
            body = _outgoing(options)
        is_stream = True if stream else False  # noqa: SIM210 - a call of `bool` costs more
        model: Any = body.get("model")
        if type(model) is not str:
            model = text_of(model)
        # The same object as `base_url`, which takes the clients of openai 3 longer than all else that happens here.
        url = client.__dict__.get("_base_url", client)
        known = library.targets.get(id(url), _NO_TARGET)
        target: Any = (
            known[2] if known[0] is url and known[1] is _settings.current() else library.target_of(client, url)
        )
        call = begin(Call, api.format, target, model, ask(body, api.asks), is_stream)
        if call is None:  # worthwhile is off, or instrumentation is suppressed
            return None
        call.api = api
        call.library = library
        call.options = options
        call._answer = None
        call._hides_usage = False
        if is_stream or callable(said["post_parser"]):
            call.prepare(client, is_stream=is_stream)
    except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
        _GUARD.caught(error)
        return None
    return call


def _outgoing(options: Any) -> dict[str, Any]:
    body, extra = options.json_data, options.extra_json
    found = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    return {**found, **extra} if extra and isinstance(extra, dict) else found


def _place_to_ask(options: Any) -> str | None:
    """Which part of the request may be given `include_usage`; None where the host has decided about it itself."""
    extra = options.extra_json
    place = "extra_json" if isinstance(extra, dict) and "stream_options" in extra else "json_data"
    body = getattr(options, place)
    if not isinstance(body, dict) or "include_usage" in _chosen(body):
        return None
    return place


def _ask_for_usage(options: Any, place: str) -> None:
    body = getattr(options, place)
    setattr(options, place, {**body, "stream_options": {**_chosen(body), "include_usage": True}})


def _chosen(body: Any) -> Mapping[str, Any]:
    chosen = body.get("stream_options")
    return cast("dict[str, Any]", chosen) if isinstance(chosen, dict) else {}


def _http_response(result: Any) -> Any:
    # `APIResponse` and openai's `LegacyAPIResponse` hold it; it is the result itself where the host asked for that.
    response = getattr(result, "http_response", None)
    return result if response is None and hasattr(result, "iter_bytes") else response


def _document(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:  # an answer that is not JSON tells nothing
        return None
