"""`@ww.task` and `with ww.task(...)`: what a successful piece of work is, as the host sees it."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar, cast, overload

from worthwhile import _guard, _identity, _lifecycle, _setup
from worthwhile._classes import wrap_class
from worthwhile._context import current_run
from worthwhile._lifecycle import Begin, Success, Task, current_task
from worthwhile._text import bounded
from worthwhile._wrappers import Opener, find_key, wrap

__all__ = ["Task", "TaskScope", "current_task", "task"]

Target = TypeVar("Target", bound=Callable[..., Any])

_METHOD_KINDS: Final[dict[type[Any], Callable[[Any], Any]]] = {staticmethod: staticmethod, classmethod: classmethod}

_DECORATION: Final = _guard.Guard("the tasks of a decorated callable")
_BLOCK: Final = _guard.Guard("the task of a with block")
_NAME: Final = _guard.Guard("the name of a task")

_NO_TASK: Final = Task("00000000-0000-0000-0000-000000000000", "task", None, None)


@overload
def task(target: Target, /) -> Target: ...


@overload
def task(
    name: str | None = None,
    /,
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    success: Success | None = None,
    capture_content: bool | None = None,
) -> "TaskScope": ...


def task(
    target: Target | str | None = None,
    /,
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    success: Success | None = None,
    capture_content: bool | None = None,
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
        capture_content: Whether prompts and completions of its calls are recorded, where it differs from the setting
            of that name. False holds for the tasks within it too, whatever they say.
    """
    if target is None or isinstance(target, str):
        return TaskScope(target, key, success, capture_content)
    return TaskScope(None, key, success, capture_content)(target)


class TaskScope:
    """What `ww.task(...)` returns: a decorator and a context manager, to be used any number of times."""

    __slots__ = ("_captures_content", "_key", "_name", "_open", "_success")

    def __init__(
        self,
        name: str | None,
        key: str | Callable[[Mapping[str, Any]], object] | None,
        success: Success | None,
        captures_content: bool | None = None,
    ) -> None:
        self._name: str | None = None
        self._key = key
        self._success = success
        self._captures_content = captures_content
        self._open: list[Task] = []
        if name is not None:
            with _NAME:
                self._name = bounded(str.__str__(name))  # a text may be of a class of the host's

    def __call__(self, target: Target, /) -> Target:
        """Decorate a function of any kind, or a class."""
        _setup.install_adaptors()
        with _DECORATION:
            return cast("Target", self._decorate(target))
        return target

    def __enter__(self) -> Task:
        """Begin a run and make it current."""
        _setup.install_adaptors()
        return self._begin() or _handle(self._name or "task")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run; an exception of the block goes on its way."""
        self._end(error)

    async def __aenter__(self) -> Task:
        """Begin a run and make it current."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run; an exception of the block goes on its way."""
        self.__exit__(kind, error, trace)

    def _begin(self) -> Task | None:
        """Begin a run and make it current; `None` where nothing is recorded."""
        try:
            begin = _lifecycle.begin if self._captures_content is None else self._how_to_begin()
            run = begin(self._name or "task", self._block_key(), None)
            if run is not None:
                self._open.append(run)
                _lifecycle.enter(run)
        except RecursionError:  # no room for us; there may be enough for the block
            return None
        except Exception as error:  # noqa: BLE001 - as `with _BLOCK`, but free where nothing is raised
            _BLOCK.caught(error)
            return None
        return run

    def _end(self, error: BaseException | None) -> None:
        """End the innermost run; none is open where nothing is recorded."""
        try:
            if not self._open:
                return
            above = current_run()
            while above is not None and above not in self._open:
                above = above.parent
            # The innermost of this scope in the current context; the last where there is none.
            run = above if isinstance(above, Task) else self._open[-1]
            self._open.remove(run)
            if error is not None:
                _lifecycle.interrupt(run, error)
            else:
                _lifecycle.complete(run, None, None)
        except Exception as ours:  # noqa: BLE001 - as `with _BLOCK`
            _BLOCK.caught(ours)

    def _decorate(self, target: Any) -> Any:
        if isinstance(target, type):
            wrap_class(target, self._name or _name_of(target), self._key, self._success, self._how_to_begin())
            return target
        kind = _method_kind(target)
        if kind is not None:
            return kind(self._decorate_function(target.__func__))
        if not callable(target):
            _guard.misuse(
                f"@ww.task stands over `{type(target).__qualname__}`, which cannot be called; it is not recorded",
                hint="put it over a function, a coroutine function, a generator function or a class",
            )
            return target
        return self._decorate_function(target)

    def _decorate_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        finder = None if self._key is None else find_key(function, self._key)
        if self._key is not None and finder is None:
            _guard.misuse(
                f"key= of the task `{self._name or _name_of(function)}` is `{self._key}`, which is not one of its "
                "arguments; its runs have no key",
                hint="give the name of an argument, or a callable that takes the arguments by name",
            )
        begin = self._how_to_begin()
        return wrap(function, Opener(self._name or _name_of(function), finder, self._success, begin=begin))

    def _how_to_begin(self) -> Begin:
        return _lifecycle.beginning(captures_content=self._captures_content)

    def _block_key(self) -> object:
        with _BLOCK:
            if self._success is not None or callable(self._key):
                _guard.misuse(
                    f"success= and a callable key= of the task `{self._name}` have no meaning in a with block",
                    hint="give the key itself, and call ww.accept() or ww.reject() in the block",
                )
        return None if callable(self._key) else self._key


def _handle(workload: str) -> Task:
    """What a block gets whose run is not recorded."""
    try:
        return Task(_identity.new_id(), workload, None, None)
    except Exception as error:  # noqa: BLE001 - as `with _BLOCK`
        _BLOCK.caught(error)
        return _NO_TASK


def _method_kind(target: object) -> Callable[[Any], Any] | None:
    return _METHOD_KINDS.get(type(target))


def _name_of(target: Callable[..., Any]) -> str:
    """Qualified name, from the innermost function on; the class's name for an instance."""
    name: object = getattr(target, "__qualname__", None)
    whole = name if isinstance(name, str) and name else type(target).__qualname__
    return whole.rpartition("<locals>.")[2]
