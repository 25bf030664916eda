"""Drives sync and async clients with the same lines, so that no test is written twice."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


async def resolve(value: Any) -> Any:
    """`value`, awaited if it is awaitable."""
    return await value if inspect.isawaitable(value) else value


async def drain(stream: Any, limit: int | None = None) -> list[Any]:
    """The next `limit` elements of a sync or async iterable, or all that are left."""
    found: list[Any] = []
    is_async = hasattr(stream, "__aiter__")
    iterator = aiter(stream) if is_async else iter(stream)
    while limit is None or len(found) < limit:
        try:
            found.append(await anext(iterator) if is_async else next(iterator))
        except (StopIteration, StopAsyncIteration):
            break
    return found


@asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    """A sync or async context manager, entered."""
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


async def closed(stream: Any) -> None:
    """Close a sync or async stream."""
    await resolve(stream.close())
