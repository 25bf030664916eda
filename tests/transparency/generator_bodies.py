"""Bodies of generators with all their habits; each takes a list to write down what it sees."""

from collections.abc import Generator
from typing import Any


class HostError(Exception):
    """An exception of the host."""


def counting(log: list[Any]) -> Generator[Any, Any, Any]:
    try:
        got = yield "first"
        log.append(got)
        got = yield "second"
        log.append(got)
        return "returned"
    finally:
        log.append("finally")


def stubborn(log: list[Any]) -> Generator[Any, Any, Any]:
    """Takes exceptions as input."""
    while True:
        try:
            log.append((yield len(log)))
        except HostError as error:
            log.append(type(error))


def converting(log: list[Any]) -> Generator[Any, Any, Any]:
    """Raises another exception for the one that came in."""
    try:
        yield 1
    except HostError as error:
        raise KeyError("converted") from error


def ending_on_error(log: list[Any]) -> Generator[Any, Any, Any]:
    try:
        yield 1
    except HostError:
        return "ended"


def failing_at_once(log: list[Any]) -> Generator[Any, Any, Any]:
    raise HostError("before the first value")
    yield


def failing_later(log: list[Any]) -> Generator[Any, Any, Any]:
    yield 1
    raise HostError("after the first value")


def stopping(log: list[Any]) -> Generator[Any, Any, Any]:
    yield 1
    raise StopIteration("not allowed")


def closing_calmly(log: list[Any]) -> Generator[Any, Any, Any]:
    try:
        yield 1
    except GeneratorExit:
        log.append("closed")
        return "calm"


def closing_loudly(log: list[Any]) -> Generator[Any, Any, Any]:
    try:
        yield 1
    finally:
        raise HostError("in the finally")


def refusing_to_close(log: list[Any]) -> Generator[Any, Any, Any]:
    try:
        yield 1
    except GeneratorExit:
        yield 2


def delegating(log: list[Any]) -> Generator[Any, Any, Any]:
    inner = yield from counting(log)
    yield inner
    return "outer"


def delegating_to_a_list(log: list[Any]) -> Generator[Any, Any, Any]:
    yield from [1, 2]


def empty(log: list[Any]) -> Generator[Any, Any, Any]:
    return "nothing"
    yield


def yielding_exceptions(log: list[Any]) -> Generator[Any, Any, Any]:
    log.append((yield HostError("as a value")))
    yield GeneratorExit


BODIES = [
    counting,
    stubborn,
    converting,
    ending_on_error,
    failing_at_once,
    failing_later,
    stopping,
    closing_calmly,
    closing_loudly,
    refusing_to_close,
    delegating,
    delegating_to_a_list,
    empty,
    yielding_exceptions,
]
