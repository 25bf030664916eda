"""Every way in which a host may write one piece of work, and how each is run to its end.

A kind makes from a body `(*args, **kwargs) -> result` a plain callable that runs it, once bare and once watched, so
that the two can be held against each other. Nothing here knows how the watching is done.
"""

import functools
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import worthwhile as ww

Body = Callable[..., Any]
Decorate = Callable[[Any], Any]

OURS = str(Path(ww.__file__).parent)


def bare(target: Any) -> Any:
    """No watching."""
    return target


def watched(target: Any) -> Any:
    """The usual watching."""
    return ww.task("work")(target)


def judged(target: Any) -> Any:
    """Watching with everything on: a key from the arguments, and a verdict on the result."""
    return ww.task("work", key=lambda arguments: "K", success=lambda result: True)(target)


@dataclass(frozen=True)
class Kind:
    """One way of writing it; `make(body, decorate)` returns a callable that runs the work to its end."""

    name: str
    make: Callable[[Body, Decorate], Body]


@types.coroutine
def suspend() -> Generator[None, Any, Any]:
    """Something to await that really suspends."""
    return (yield)


def drive(awaitable: Awaitable[Any]) -> Any:
    """Run a coroutine to its end without an event loop."""
    steps = awaitable.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def exhaust(generator: Generator[Any, Any, Any]) -> Any:
    """Run a generator to its end; what it returned."""
    try:
        while True:
            next(generator)
    except StopIteration as stop:
        return stop.value


def last(generator: AsyncGenerator[Any, Any]) -> Any:
    """Run an async generator to its end; the last thing that it yielded."""

    async def consume() -> Any:
        found = [item async for item in generator]
        return found.pop()

    return drive(consume())


def _function(body: Body, decorate: Decorate) -> Body:
    @decorate
    def work(*args: Any, **kwargs: Any) -> Any:
        return body(*args, **kwargs)

    return work


def _coroutine(body: Body, decorate: Decorate) -> Body:
    @decorate
    async def work(*args: Any, **kwargs: Any) -> Any:
        await suspend()
        return body(*args, **kwargs)

    return lambda *args, **kwargs: drive(work(*args, **kwargs))


def _generator(body: Body, decorate: Decorate) -> Body:
    @decorate
    def work(*args: Any, **kwargs: Any) -> Any:
        yield 1
        return body(*args, **kwargs)

    return lambda *args, **kwargs: exhaust(work(*args, **kwargs))


def _async_generator(body: Body, decorate: Decorate) -> Body:
    @decorate
    async def work(*args: Any, **kwargs: Any) -> Any:
        yield 1
        await suspend()
        yield body(*args, **kwargs)

    return lambda *args, **kwargs: last(work(*args, **kwargs))


def _method(body: Body, decorate: Decorate) -> Body:
    class Desk:
        @decorate
        def work(self, *args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    return lambda *args, **kwargs: Desk().work(*args, **kwargs)


def _class_method(body: Body, decorate: Decorate) -> Body:
    class Desk:
        @decorate
        @classmethod
        def work(cls, *args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    found: Body = Desk.work
    return found


def _static_method(body: Body, decorate: Decorate) -> Body:
    class Desk:
        @staticmethod
        @decorate
        def work(*args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    return lambda *args, **kwargs: Desk().work(*args, **kwargs)


def _callable_class(body: Body, decorate: Decorate) -> Body:
    @decorate
    class Desk:
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    return lambda *args, **kwargs: Desk()(*args, **kwargs)  # noqa: PLW0108 - a new instance each time


def _class_with_methods(body: Body, decorate: Decorate) -> Body:
    @decorate
    class Desk:
        def work(self, *args: Any, **kwargs: Any) -> Any:
            return self.inner(*args, **kwargs)

        def inner(self, *args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    return lambda *args, **kwargs: Desk().work(*args, **kwargs)


def _class_with_coroutines(body: Body, decorate: Decorate) -> Body:
    @decorate
    class Desk:
        async def work(self, *args: Any, **kwargs: Any) -> Any:
            await suspend()
            return body(*args, **kwargs)

    return lambda *args, **kwargs: drive(Desk().work(*args, **kwargs))


def _block_class(body: Body, decorate: Decorate) -> Body:
    @decorate
    class Desk:
        def __enter__(self) -> Any:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            return None

    def run(*args: Any, **kwargs: Any) -> Any:
        with Desk():
            return body(*args, **kwargs)

    return run


def _async_block_class(body: Body, decorate: Decorate) -> Body:
    @decorate
    class Desk:
        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            return None

    async def run(*args: Any, **kwargs: Any) -> Any:
        async with Desk():
            await suspend()
            return body(*args, **kwargs)

    return lambda *args, **kwargs: drive(run(*args, **kwargs))


def _block(body: Body, decorate: Decorate) -> Body:
    def run(*args: Any, **kwargs: Any) -> Any:
        with nullcontext() if decorate is bare else ww.task("work"):
            return body(*args, **kwargs)

    return run


def _async_block(body: Body, decorate: Decorate) -> Body:
    async def run(*args: Any, **kwargs: Any) -> Any:
        async with nullcontext() if decorate is bare else ww.task("work"):
            await suspend()
            return body(*args, **kwargs)

    return lambda *args, **kwargs: drive(run(*args, **kwargs))


def _partial(body: Body, decorate: Decorate) -> Body:
    result: Body = decorate(functools.partial(body))
    return result


def _callable_instance(body: Body, decorate: Decorate) -> Body:
    class Desk:
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    result: Body = decorate(Desk())
    return result


def _nested(body: Body, decorate: Decorate) -> Body:
    return _function(_function(_function(body, decorate), decorate), decorate)


KINDS = [
    Kind(name.removeprefix("_"), make)
    for name, make in {
        "function": _function,
        "coroutine": _coroutine,
        "generator": _generator,
        "async generator": _async_generator,
        "method": _method,
        "class method": _class_method,
        "static method": _static_method,
        "callable class": _callable_class,
        "class with methods": _class_with_methods,
        "class with coroutines": _class_with_coroutines,
        "block class": _block_class,
        "async block class": _async_block_class,
        "block": _block,
        "async block": _async_block,
        "partial": _partial,
        "callable instance": _callable_instance,
        "nested": _nested,
    }.items()
]

GENERATORS = [kind for kind in KINDS if "generator" in kind.name or "corout" in kind.name]
"""Kinds that turn a `StopIteration` of the body into a `RuntimeError`, watched or not."""


@dataclass
class Outcome:
    """How one run ended, as its caller sees it."""

    value: Any = None
    error: BaseException | None = None
    frames: list[str] = field(default_factory=list)

    @property
    def story(self) -> Any:
        """All of it that can be compared by value."""
        return self.frames, _told(self.error)


def outcome(run: Body, *args: Any, **kwargs: Any) -> Outcome:
    """Run it."""
    try:
        return Outcome(run(*args, **kwargs))
    except BaseException as error:
        return Outcome(None, error, frames_of(error))


def frames_of(error: BaseException) -> list[str]:
    """The functions in the traceback, ours left out, from the outermost to where it was raised."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(OURS):
            found.append(f"{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found


def _told(error: BaseException | None, depth: int = 0) -> Any:
    """What an exception says, its causes and contexts included."""
    if error is None or depth > 8:
        return None
    return (
        type(error),
        len(BaseException.args.__get__(error)),  # type: ignore[attr-defined]  # its own may raise
        error.__suppress_context__,
        getattr(error, "__notes__", None),
        frames_of(error) if depth else None,
        _told(error.__cause__, depth + 1),
        _told(error.__context__, depth + 1),
    )
