"""`@ww.task` and `with ww.task(...)`: what a successful piece of work is, as the host sees it."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar, cast, overload

from worthwhile import _guard, _identity, _lifecycle, _setup
from worthwhile._classes import wrap_class
from worthwhile._context import current_run
from worthwhile._lifecycle import Success, Task, current_task
from worthwhile._wrappers import Opener, find_key, wrap

__all__ = ["Task", "TaskScope", "current_task", "task"]

Target = TypeVar("Target", bound=Callable[..., Any])

_METHOD_KINDS: Final[dict[type[Any], Callable[[Any], Any]]] = {staticmethod: staticmethod, classmethod: classmethod}

_DECORATION: Final = _guard.Guard("the tasks of a decorated callable")
_BLOCK: Final = _guard.Guard("the key of a task")


@overload
def task(target: Target, /) -> Target: ...


@overload
def task(
    name: str | None = None,
    /,
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    success: Success | None = None,
) -> "TaskScope": ...


def task(
    target: Target | str | None = None,
    /,
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    success: Success | None = None,
) -> "Target | TaskScope":
    """Record each run of what is decorated, or of a `with` block, as one run of a task.

    Works bare (`@ww.task`) and with arguments, on functions, coroutine functions, generator functions, async generator
    functions and classes, and as `with ww.task("name", key="T-1") as t:` or `async with`. Nothing of what is decorated
    changes: signature, laziness, results and exceptions stay as they are. A return means completed, not successful.

    A generator is one run from its first step to its end; one left before its end is `abandoned`, one never started is
    no run, and a function that merely returns an iterator ends when it returns. A decorated class runs once per call of
    an instance, if it has `__call__`; else once per `with` block, if it is a context manager; else once per call of a
    public method. Calls between these within one instance are one run. What is done in other threads belongs to the
    run where the context goes along, as it does with `asyncio.to_thread` and `contextvars.copy_context().run`.

    Args:
        target: The task's kind, called workload everywhere else; by default the qualified name of what is decorated.
            Or, bare, what is decorated itself.
        key: The host's own key of the task, under which several runs add up and later signals find it. On a callable:
            the name of one of its arguments, or a callable that takes the arguments by name. On a class, where no
            argument has that name: an attribute of the instance. In a `with` block: the key itself.
        success: Judges the result, `True` for success, `False` for failure, `None` for no verdict; the verdict goes out
            as an automated signal. Gets what a generator returned, and the instance for a class with a `with` block.
    """
    if target is None or isinstance(target, str):
        return TaskScope(target, key, success)
    return TaskScope(None, key, success)(target)


class TaskScope:
    """What `ww.task(...)` returns: a decorator and a context manager, to be used any number of times."""

    __slots__ = ("_key", "_name", "_open", "_success")

    def __init__(
        self, name: str | None, key: str | Callable[[Mapping[str, Any]], object] | None, success: Success | None
    ) -> None:
        self._name = name
        self._key = key
        self._success = success
        self._open: list[Task] = []

    def __call__(self, target: Target, /) -> Target:
        """Decorate a function of any kind, or a class."""
        _setup.install_adaptors()
        with _DECORATION:
            return cast("Target", self._decorate(target))
        return target

    def __enter__(self) -> Task:
        """Begin a run and make it current."""
        _setup.install_adaptors()
        workload = self._name or "task"
        run = _lifecycle.begin(workload, self._block_key())
        if run is None:  # nothing is recorded, but the block still has its handle
            return Task(_identity.new_id(), workload, None, None)
        self._open.append(run)
        _lifecycle.enter(run)
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run; an exception of the block goes on its way."""
        run = self._take_innermost()
        if run is not None and error is not None:
            _lifecycle.interrupt(run, error)
        elif run is not None:
            _lifecycle.complete(run, None, None)

    async def __aenter__(self) -> Task:
        """Begin a run and make it current."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run; an exception of the block goes on its way."""
        self.__exit__(kind, error, trace)

    def _decorate(self, target: Any) -> Any:
        if isinstance(target, type):
            wrap_class(target, self._name or _name_of(target), self._key, self._success)
            return target
        kind = _METHOD_KINDS.get(target.__class__)
        if kind is not None:
            return kind(self._decorate_function(target.__func__))
        return self._decorate_function(target)

    def _decorate_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        finder = None if self._key is None else find_key(function, self._key)
        if self._key is not None and finder is None:
            _guard.misuse(
                f"key= of the task `{self._name or _name_of(function)}` is `{self._key}`, which is not one of its "
                "arguments; its runs have no key",
                hint="give the name of an argument, or a callable that takes the arguments by name",
            )
        return wrap(function, Opener(self._name or _name_of(function), finder, self._success))

    def _block_key(self) -> object:
        with _BLOCK:
            if self._success is not None or callable(self._key):
                _guard.misuse(
                    f"success= and a callable key= of the task `{self._name}` have no meaning in a with block",
                    hint="give the key itself, and call ww.accept() or ww.reject() in the block",
                )
        return None if callable(self._key) else self._key

    def _take_innermost(self) -> Task | None:
        """The innermost run that this scope has opened in the current context; the last where that is another's."""
        run = current_run()
        while run is not None:
            if isinstance(run, Task) and run in self._open:
                self._open.remove(run)
                return run
            run = run.parent
        return self._open.pop() if self._open else None


def _name_of(target: Callable[..., Any]) -> str:
    """Qualified name, from the innermost function on; the class's name for an instance."""
    name: str = getattr(target, "__qualname__", None) or type(target).__qualname__
    return name.rpartition("<locals>.")[2]
