"""A decorated class: each entry point of an instance is a run of the task.

The entry points are `__call__` if the class has one; else its `with` block, if it is a context manager; else the public
methods of its own body. An entry point that is called from within another one of the same instance joins its run.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, TracebackType
from typing import Any, Final

from worthwhile import _guard
from worthwhile._lifecycle import Begin, Success, Task, begin, complete, enter, interrupt
from worthwhile._wrappers import KeyFinder, Opener, find_key, wrap

Key = str | Callable[[Mapping[str, Any]], object]

_BLOCK: Final = _guard.Guard("the task of a with block")


def wrap_class(cls: type, workload: str, key: Key | None, success: Success | None, begin: Begin = begin) -> None:
    """Wrap the entry points of `cls` in place."""
    if _has_method(cls, "__call__"):
        _wrap_methods(cls, ("__call__",), workload, key, success, begin)
        return
    finder = None if key is None else _attribute_finder(key)
    opener = Opener(workload, finder, success, is_entry_point=True, begin=begin)
    is_block, is_async_block = _has_method(cls, "__enter__", "__exit__"), _has_method(cls, "__aenter__", "__aexit__")
    if is_block:
        _wrap_block(cls, opener)
    if is_async_block:
        _wrap_async_block(cls, opener)
    if not is_block and not is_async_block:
        public = [name for name, member in vars(cls).items() if _is_public_method(name, member)]
        _wrap_methods(cls, public, workload, key, success, begin)


class _OpenBlocks:
    """Runs of the `with` blocks that are open, per instance, innermost last; `None` for a block that joined a run."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._runs: dict[int, list[Task | None]] = {}

    def open(self, instance: object) -> None:
        try:
            task = self._opener.begin((instance,), {})
            self._runs.setdefault(id(instance), []).append(task)
            if task is not None:
                enter(task)
        except Exception as error:  # noqa: BLE001 - as `with _BLOCK`, but free where nothing is raised
            _BLOCK.caught(error)

    def close(self, instance: object, error: BaseException | None) -> None:
        try:
            runs = self._runs.get(id(instance))
            if not runs:
                return
            task = runs.pop()
            if not runs:
                del self._runs[id(instance)]
            if task is not None and error is not None:
                interrupt(task, error)
            elif task is not None:
                complete(task, instance, self._opener.success)
        except Exception as ours:  # noqa: BLE001 - as `with _BLOCK`
            _BLOCK.caught(ours)


def _wrap_block(cls: Any, opener: Opener) -> None:
    enter_block, exit_block = cls.__enter__, cls.__exit__
    blocks = _OpenBlocks(opener)

    @functools.wraps(enter_block)
    def enter_run(self: object) -> Any:
        blocks.open(self)
        try:
            return enter_block(self)
        except BaseException as error:
            blocks.close(self, error)
            raise

    @functools.wraps(exit_block)
    def exit_run(
        self: object, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        try:
            is_swallowed = exit_block(self, kind, error, trace)
        except BaseException as raised:
            blocks.close(self, raised)
            raise
        blocks.close(self, None if is_swallowed else error)
        return is_swallowed

    cls.__enter__, cls.__exit__ = enter_run, exit_run


def _wrap_async_block(cls: Any, opener: Opener) -> None:
    enter_block, exit_block = cls.__aenter__, cls.__aexit__
    blocks = _OpenBlocks(opener)

    @functools.wraps(enter_block)
    async def enter_run(self: object) -> Any:
        blocks.open(self)
        try:
            return await enter_block(self)
        except BaseException as error:
            blocks.close(self, error)
            raise

    @functools.wraps(exit_block)
    async def exit_run(
        self: object, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        try:
            is_swallowed = await exit_block(self, kind, error, trace)
        except BaseException as raised:
            blocks.close(self, raised)
            raise
        blocks.close(self, None if is_swallowed else error)
        return is_swallowed

    cls.__aenter__, cls.__aexit__ = enter_run, exit_run


def _wrap_methods(
    cls: type, method_names: Iterable[str], workload: str, key: Key | None, success: Success | None, begin: Begin
) -> None:
    if not method_names:
        _guard.misuse(
            f"@ww.task on the class `{cls.__qualname__}` found no entry point; nothing of it is recorded",
            hint="define __call__, a with block or a public method in the class itself",
        )
    for name in method_names:
        method: Callable[..., Any] = getattr(cls, name)
        finder = None if key is None else find_key(method, key) or _attribute_finder(key)
        setattr(cls, name, wrap(method, Opener(workload, finder, success, is_entry_point=True, begin=begin)))


def _attribute_finder(key: Key) -> KeyFinder:
    """The key as an attribute of the instance."""
    if isinstance(key, str):
        return lambda args, kwargs: getattr(args[0], key)
    return lambda args, kwargs: key({"self": args[0]})


def _has_method(cls: type, *method_names: str) -> bool:
    """Whether `cls` or a base of it defines all of these, `object` apart."""
    bases = cls.__mro__[:-1]
    return all(any(isinstance(vars(base).get(name), FunctionType) for base in bases) for name in method_names)


def _is_public_method(name: str, member: object) -> bool:
    return isinstance(member, FunctionType) and not name.startswith("_")
