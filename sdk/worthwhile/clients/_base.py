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
import importlib
from collections.abc import Callable, Collection, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from worthwhile import _settings, _setup
from worthwhile._call import Facts, Format, Target
from worthwhile._context import MUST_HOLD, attach, put_current
from worthwhile._endpoints import endpoint
from worthwhile._guard import Guard
from worthwhile._invocation import Invocation, begin
from worthwhile.clients._fields import Selection, http_response, outgoing, text_of

if TYPE_CHECKING:
    from worthwhile._streams import Reading

_GUARD: Final = Guard("the span of a model call")


_MAX_REMEMBERED: Final = 256

Remembered: TypeAlias = tuple[Any, object, Target]
"""A client's base URL and the settings, and where its calls go as long as both are these very objects."""


@dataclass(frozen=True, slots=True)
class Api:
    """How the calls of one endpoint are read.

    Attributes:
        format: What is made of what the others keep, where the span is read; the request is given to it by name.
        asks: The fields of the request, the JSON that goes out, that are kept beside the model.
        asks_inside: Those that can be an object, of which a few inner fields are kept.
        take: The facts of an answer, of the client's object or of decoded JSON.
        reading: Makes what reads the streamed answer of a call; `None` where all come in one piece.
        has_stream_options: Whether a stream may be asked for its usage with `stream_options.include_usage`.
        selections: What `select` has found so far.
    """

    format: Format
    asks: Collection[str]
    asks_inside: Collection[str]
    take: Callable[[Any], Facts]
    reading: "Callable[[Call], Reading] | None" = None
    has_stream_options: bool = False
    selections: dict[tuple[Any, ...], Selection] = field(default_factory=dict[tuple[Any, ...], Selection])

    def select(self, fields: tuple[Any, ...]) -> Selection:
        """What is kept of requests with these fields."""
        if len(self.selections) >= _MAX_REMEMBERED:
            self.selections.clear()
        made = self.selections[fields] = Selection(fields, self.asks, self.asks_inside, self.format)
        return made


def reading(module: str, name: str) -> "Callable[[Call], Reading]":
    """What makes a reading of a stream, by a function of a sibling module that is loaded with the first one."""
    found: Any = None

    def make(call: "Call") -> "Reading":
        nonlocal found
        if found is None:
            found = getattr(importlib.import_module(f"worthwhile.clients.{module}"), name)
        made: Reading = found(call)
        return made

    return make


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

    def find(self, client: Any, options: Any) -> "tuple[Api, Selection, Target, dict[str, Any]] | None":
        """How a request is read, where it goes, and what goes out; `None` if its endpoint is none that is counted."""
        api = self.by_url.get(options.url) or self.api_of(options.url)
        if api is None or options.method.lower() != "post":
            return None
        body = outgoing(options)
        fields = tuple(body)
        return api, api.selections.get(fields) or api.select(fields), self.target_of(client), body

    def target_of(self, client: Any) -> Target:
        """Where the calls of `client` go."""
        url = getattr(client, "_base_url", None)
        _setup.active()  # which settles what the first call is made as
        known, settings, target = self.targets.get(id(url), (None, None, None))
        if target is not None and known is url and settings is _settings.current():
            return target
        found = endpoint(str(client.base_url), self.name)
        target = Target(found, f"{found.address}:{found.port}")
        if len(self.targets) >= _MAX_REMEMBERED:
            self.targets.clear()
        if url is not None:
            self.targets[id(url)] = (url, _settings.current(), target)  # kept, so that no other object gets its id
        return target


class Installed(Protocol):
    """The installation that a wrapper belongs to; an attribute, because a call of a function is dear here."""

    is_on: bool


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


def request_patches(module: str, library: Library, installation: Installed) -> list[Patch]:
    """The two methods that every call passes, sync and async; each call gets one CLIENT span."""
    return [
        Patch(module, "SyncAPIClient.request", request_wrapper(library, installation)),
        Patch(module, "AsyncAPIClient.request", async_request_wrapper(library, installation)),
    ]


# The one signature of `request` in every version of both libraries. Naming its parameters spares two objects a call.


def request_wrapper(library: Library, installation: Installed) -> Callable[..., Any]:
    """What makes the wrapper of `SyncAPIClient.request`."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def request(self: Any, cast_to: Any, options: Any, *, stream: Any = False, stream_cls: Any = None) -> Any:
            call = _begin(library, self, options, stream) if installation.is_on else None
            if call is None:
                return original(self, cast_to, options, stream=stream, stream_cls=stream_cls)
            outer = call.outer
            call.activate()
            try:
                result = original(self, cast_to, call.options, stream=stream, stream_cls=stream_cls)
            except BaseException as error:
                attach(outer)
                call.fail_with(error)
                raise
            try:  # as `attach`, without its call
                _held = copy_context() if MUST_HOLD else None
                put_current(outer)
            except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
                _GUARD.caught(error)
            call.settle(result)
            return result

        return request

    return make


def async_request_wrapper(library: Library, installation: Installed) -> Callable[..., Any]:
    """What makes the wrapper of `AsyncAPIClient.request`."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def request(self: Any, cast_to: Any, options: Any, *, stream: Any = False, stream_cls: Any = None) -> Any:
            call = _begin(library, self, options, stream) if installation.is_on else None
            if call is None:
                return await original(self, cast_to, options, stream=stream, stream_cls=stream_cls)
            outer = call.outer
            call.activate()
            try:
                result = await original(self, cast_to, call.options, stream=stream, stream_cls=stream_cls)
            except BaseException as error:
                call.deactivate(outer)
                call.fail_with(error)
                raise
            call.deactivate(outer)
            call.settle(result)
            return result

        return request

    return make


class Call(Invocation):
    """One call on its way through the client's `request` method.

    Attributes:
        api: The endpoint that it goes to.
        hides_usage: Whether a chunk with the usage comes that the host has not asked for, and is not to see.
        library: The client library that it goes through.
        options: What the original is called with: the client's options, or a copy where something has to differ.
        selection: What is kept of its request.
    """

    __slots__ = ("_answer", "api", "hides_usage", "library", "options", "selection")

    api: Api
    hides_usage: bool
    library: Library
    options: Any
    selection: Selection
    _answer: Any

    def prepare(self, client: Any, *, is_stream: bool) -> None:
        """Have the original called with a copy of the options where something of them has to differ."""
        options = self.options
        said = options.__dict__
        parse = said["post_parser"]
        place = None
        if is_stream and self.api.has_stream_options and self.known.takes_stream_usage:
            place = _place_to_ask(said)
            if place is not None and not self.library.takes_stream_usage(client, outgoing(options)):
                place = None
        if place is None and not callable(parse):
            return
        self.options = changed = copy.copy(options)
        if place is not None:
            self.hides_usage = True
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

    def shown(self, see: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """What is to be shown each decoded value of an answer that the host reads raw, in place of `see`."""
        return see

    def _settle(self, result: Any, kind: type) -> None:
        is_sync, is_async = isinstance(result, self.library.stream), isinstance(result, self.library.async_stream)
        response = None if is_sync or is_async else http_response(result)
        if is_sync or is_async or response is not None:
            following = _following or _load_following()
            if response is None:
                following.follow_stream(self, result, is_async=is_async)
            else:
                following.follow_raw(self, response)
        else:
            if len(_documents) < _MAX_REMEMBERED:
                _documents.add(kind)
            self.finish(self.api.take(result))

    def _seen_before(self, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def seen(answer: Any) -> Any:
            self._answer = answer
            return parse(answer)

        return seen


_following: Any = None


def _load_following() -> Any:
    """The module that follows answers; few programs without streams need it, and an import statement is dear."""
    global _following  # noqa: PLW0603 - loaded once
    from worthwhile.clients import _following as found

    _following = found
    return found


_documents: Final[set[type[Any]]] = set()
"""The types of results that were neither streams nor raw responses."""


def _begin(library: Library, client: Any, options: Any, stream: Any) -> Call | None:
    # Indexing is the cheapest way to a value: a method's call costs twice as much, asking a model three times.
    try:
        said = options.__dict__
        body: dict[str, Any] = said["json_data"]
        try:
            api = library.by_url[said["url"]]
            selection = api.selections[tuple(body)]
            url = client._base_url  # `base_url` takes the clients of openai 3 longer than all else that happens here
            known, settings, target = library.targets[id(url)]
            is_usual = known is url and settings is _settings._current and said["method"] == "post"
        except (AttributeError, KeyError, TypeError):
            is_usual, api, selection, target = False, cast("Any", None), cast("Any", None), cast("Any", None)
        if not is_usual or said["extra_json"] or type(body) is not dict:
            found = library.find(client, options)
            if found is None:
                return None
            api, selection, target, body = found
        model: Any = body["model"] if "model" in body else None  # noqa: SIM401 - `get` costs more
        if type(model) is not str:
            model = text_of(model)
        is_stream = True if stream else False  # noqa: SIM210 - a call of `bool` costs more
        call = begin(_kind, selection.format, target, model, selection.take(body), is_stream)
        if call is None:  # worthwhile is off, or instrumentation is suppressed
            return None
        call.api = api
        call.library = library
        call.options = options
        call.selection = selection
        call._answer = None
        call.hides_usage = False
        if is_stream or callable(said["post_parser"]):
            call.prepare(client, is_stream=is_stream)
    except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
        _GUARD.caught(error)
        return None
    return call


_kind: type[Call] = Call
"""What a call is made as; another where its content is to be recorded, so that it costs nothing where it is not."""


def record_as(kind: type[Call] | None) -> None:
    """Make every call to come of `kind`; `None` is what they are without content."""
    global _kind  # noqa: PLW0603 - one way for all clients
    _kind = Call if kind is None else kind


def _place_to_ask(said: Mapping[str, Any]) -> str | None:
    """Which part of the request may be given `include_usage`; None where the host has decided about it itself."""
    extra = said["extra_json"]
    place = "extra_json" if isinstance(extra, dict) and "stream_options" in extra else "json_data"
    body = said[place]
    if not isinstance(body, dict) or "include_usage" in _chosen(body):
        return None
    return place


def _ask_for_usage(options: Any, place: str) -> None:
    body = getattr(options, place)
    setattr(options, place, {**body, "stream_options": {**_chosen(body), "include_usage": True}})


def _chosen(body: Any) -> Mapping[str, Any]:
    chosen = body.get("stream_options")
    return cast("dict[str, Any]", chosen) if isinstance(chosen, dict) else {}
