"""Whatever part of us breaks, the host sees what it would see without us.

Every function of ours that an operation of the host runs through is made to raise, one after the other, wherever it is
called from: its code object is replaced. What the host saw before and sees then must be the same. Functions that hand
on what is the host's own cannot be replaced; `CARRIERS` names them, and `TRUSTED` the few that run unguarded.
"""

import ast
import asyncio
import contextvars
import fnmatch
import gc
import sys
import threading
import types
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.transparency.kinds import OURS
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _streams, testing

FAULT = "WorthwhileFaultError"

CARRIERS = (
    # The wrappers themselves: they call what is the host's.
    "_wrap_*.<locals>.run",
    "_wrap_*.<locals>.enter_run",
    "_wrap_*.<locals>.exit_run",
    "_finish_later",
    "*first_step",
    "*_wrapper.<locals>.make.<locals>.*",
    "_make_*send.<locals>.send",
    "*StreamTap.__*",
    "*BodyTap.__*iter__",
    "*BodyTap.*close",
    "*.<locals>.seen",
    # What the host calls by name, and what it would call then.
    "task",
    "TaskScope.__*",
    "accept",
    "current_task",
    # The guard.
    "Guard.__*",
    "_swallow",
    "_is_reraising",
    "_is_new",
    "_origin",
)

TRUSTED: dict[str, str] = {
    "Reading.forget": "reads one flag and calls one function, which guards itself",
    "active": "reads one flag; what it calls to build the pipeline is guarded",
    "current_run": "one look-up in a dictionary, on which putting back what was current depends",
}
"""Functions that run outside of every guard, with the reason why they cannot raise."""


ENOUGH = 3
"""In so many operations is a function broken; more would tell the same."""

tried: Counter[str] = Counter()


class WorthwhileFaultError(Exception):
    """What a broken part raises."""


def _raise(*args: Any, **kwargs: Any) -> Any:
    raise WorthwhileFaultError  # found among the built-ins, as this code runs in other modules


Operation = Callable[[str], Any]


def call_a_function(url: str) -> Any:
    return ww.task("t", key="a", success=lambda result: True)(lambda a: [a])("T-1")


def fail_in_a_function(url: str) -> Any:
    try:
        ww.task("t")(lambda: {}["x"])()
    except KeyError as error:
        return repr(error)
    return "nothing raised"


def run_a_coroutine(url: str) -> Any:
    @ww.task("t", key="a")
    async def work(a: int) -> int:
        await asyncio.sleep(0)
        return a

    return asyncio.run(work(1))


def run_a_generator(url: str) -> Any:
    @ww.task("t")
    def work() -> Any:
        got = yield 1
        return (yield got)

    generator = work()
    return [next(generator), generator.send("x"), next(generator, "end")]


def leave_a_generator(url: str) -> Any:
    @ww.task("t")
    def work() -> Any:
        yield 1

    generator = work()
    found = next(generator)
    generator.close()
    return found


def run_an_async_generator(url: str) -> Any:
    @ww.task("t")
    async def work() -> Any:
        yield 1
        yield 2

    async def main() -> Any:
        return [value async for value in work()]

    return asyncio.run(main())


def use_a_class(url: str) -> Any:
    @ww.task("t", key="a")
    class Desk:
        a = 1

        def work(self) -> Any:
            return self.inner()

        def inner(self) -> Any:
            return self.a

    @ww.task("t")
    class Block:
        def __enter__(self) -> Any:
            return 7

        def __exit__(self, *error: object) -> None:
            pass

    with Block() as entered:
        return [Desk().work(), entered]


def use_a_block(url: str) -> Any:
    with ww.task("t", key="T-1") as task:
        ww.accept(workload="t", key="T-2") if False else None
        return type(task).__name__


def call_openai(url: str) -> Any:
    with _openai().OpenAI(api_key="k", base_url=f"{url}/v1") as client:
        answer = client.chat.completions.create(model="m-wire", messages=MESSAGES)
        return [answer.usage and answer.usage.total_tokens, answer.model, type(answer).__name__]


def stream_openai(url: str) -> Any:
    with _openai().OpenAI(api_key="k", base_url=f"{url}/v1") as client, ww.task("t"):
        stream = client.chat.completions.create(model="m-wire", messages=MESSAGES, stream=True)
        chunks = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
        left = client.responses.create(model="m-wire", input="hi", stream=True)
        first = next(left).type
        left.close()
        return [chunks, type(stream).__name__, first]


def fail_in_openai(url: str) -> Any:
    openai = _openai()
    openai._base_client.INITIAL_RETRY_DELAY = 0.01
    with openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=1) as client:
        try:
            client.embeddings.create(model="m-wire@500", input="hi")
        except openai.InternalServerError as error:
            return error.status_code
    return "nothing raised"


def call_openai_async(url: str) -> Any:
    async def main() -> Any:
        async with _openai().AsyncOpenAI(api_key="k", base_url=f"{url}/v1") as client:
            answer = await client.chat.completions.create(model="m-wire", messages=MESSAGES)
            stream = await client.chat.completions.create(model="m-wire", messages=MESSAGES, stream=True)
            return [answer.model, len([chunk async for chunk in stream if chunk.choices])]

    return asyncio.run(main())


def call_anthropic(url: str) -> Any:
    anthropic = pytest.importorskip("anthropic")
    with anthropic.Anthropic(api_key="k", base_url=url) as client:
        answer = client.messages.create(model="m-wire", max_tokens=9, messages=MESSAGES)
        stream = client.messages.create(model="m-wire", max_tokens=9, messages=MESSAGES, stream=True)
        return [answer.usage.output_tokens, [event.type for event in stream]]


def read_the_raw_answer(url: str) -> Any:
    with _openai().OpenAI(api_key="k", base_url=f"{url}/v1") as client:
        raw = client.chat.completions.with_raw_response.create(model="m-wire", messages=MESSAGES)
        with client.chat.completions.with_streaming_response.create(
            model="m-wire", messages=MESSAGES, stream=True
        ) as response:
            return [raw.parse().model, b"".join(response.iter_bytes()).count(b"data:") > 3]


MESSAGES: Any = [{"role": "user", "content": "hello"}]

OPERATIONS: list[Operation] = [
    call_a_function,
    fail_in_a_function,
    run_a_coroutine,
    run_a_generator,
    leave_a_generator,
    run_an_async_generator,
    use_a_class,
    use_a_block,
    call_openai,
    stream_openai,
    fail_in_openai,
    call_openai_async,
    call_anthropic,
    read_the_raw_answer,
]


def _openai() -> Any:
    return pytest.importorskip("openai")


def _guards_itself(code: types.CodeType) -> bool:
    """Whether all that a function calls, it calls under a guard; raising in its stead would then tell nothing."""
    tree = ast.parse(Path(code.co_filename).read_text())
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name == code.co_name
        and code.co_firstlineno in (node.lineno, *(each.lineno for each in node.decorator_list))
    ]
    return len(found) == 1 and all(map(_is_quiet, found[0].body))


def _is_quiet(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.With):
        return all(ast.unparse(item.context_expr).strip("_").isupper() for item in statement.items)
    if isinstance(statement, ast.Try):
        handled = [ast.unparse(handler.type) for handler in statement.handlers if handler.type is not None]
        return "Exception" in handled and any(".caught(" in ast.unparse(handler) for handler in statement.handlers)
    if isinstance(statement, ast.If):
        return not _calls(statement.test) and all(map(_is_quiet, [*statement.body, *statement.orelse]))
    return not _calls(statement)


def _calls(node: ast.AST) -> bool:
    return any(
        isinstance(each, (ast.Call, ast.BinOp, ast.For, ast.While, ast.Await, ast.Yield)) for each in ast.walk(node)
    )


def _ours(operation: Operation, url: str) -> set[types.CodeType]:
    """The code of ours that an operation runs, in whatever thread."""
    found: set[types.CodeType] = set()

    def note(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            found.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        operation(url)
        assert _streams.settle_dropped(20)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return {
        code
        for code in found
        if not code.co_name.startswith("<") and code.co_filename.rpartition("/")[2] not in ("testing.py", "_clock.py")
    }


def _functions_of_ours() -> dict[types.CodeType, list[weakref.ref[types.FunctionType]]]:
    """The functions of ours that there are, by their code: one look through all objects, of which there are many."""
    found: dict[types.CodeType, list[weakref.ref[types.FunctionType]]] = defaultdict(list)
    for function in gc.get_objects():
        if type(function) is types.FunctionType and function.__code__.co_filename.startswith(OURS):
            found[function.__code__].append(weakref.ref(function))
    return found


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[types.CodeType | None], bool]]:
    """Makes every function with that code raise, until the end of the test or the next one."""
    monkeypatch.setattr("builtins.WorthwhileFaultError", WorthwhileFaultError, raising=False)
    gc.unfreeze()  # what is frozen is not found
    replaced: list[tuple[types.FunctionType, types.CodeType]] = []
    living: dict[types.CodeType, list[weakref.ref[types.FunctionType]]] = {}

    def mend() -> None:
        while replaced:
            function, code = replaced.pop()
            function.__code__ = code

    def break_(code: types.CodeType | None) -> bool:
        """Whether there is a function with that code; one that is made anew in each call has none between calls."""
        mend()
        living.update({} if living else _functions_of_ours())
        for function in [found() for found in living.get(code, ())] if code is not None else ():
            if function is not None and function.__code__ is code:
                raiser = _raise.__code__.replace(co_freevars=code.co_freevars, co_name=code.co_name)
                function.__code__ = raiser
                replaced.append((function, code))
        return bool(replaced)

    yield break_
    mend()
    gc.collect()
    gc.freeze()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_whatever_breaks_the_host_sees_the_same(
    operation: Operation, provider: Provider, production: None, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: complaints.append(args.exc_value))

    def seen() -> Any:
        """What the operation brings, what it leaves current, and what Python complains about."""
        complaints.clear()
        try:
            return [operation(provider.url), ww.current_task(), *map(repr, complaints)]
        except BaseException as error:
            return f"{type(error).__name__} in the host"

    with testing.capture(fixed=False) as captured:
        expected = contextvars.copy_context().run(seen)
        assert captured.spans
        harmful = []
        for code in sorted(_ours(operation, provider.url), key=lambda code: (code.co_filename, code.co_firstlineno)):
            if any(fnmatch.fnmatch(code.co_qualname, name) for name in (*CARRIERS, *TRUSTED)) or _guards_itself(code):
                continue
            if tried[code.co_qualname] == ENOUGH:
                continue
            if not broken(code):
                continue
            tried[code.co_qualname] += 1
            brought = contextvars.copy_context().run(seen)
            broken(None)
            if brought != expected:
                harmful.append(f"{code.co_filename.removeprefix(OURS)}: {code.co_qualname}: {str(brought)[:99]}")
        assert contextvars.copy_context().run(seen) == expected
    assert tried.total() > 3
    assert not harmful, "\n".join(harmful)


def test_the_lists_of_exceptions_name_what_there_is() -> None:
    import worthwhile.clients.openai  # noqa: F401

    gc.unfreeze()
    codes = [code for code in gc.get_objects() if type(code) is types.FunctionType]
    waiting = [code.__code__ for code in codes if code.__code__.co_filename.startswith(OURS)]
    names = set()
    while waiting:
        code = waiting.pop()
        names.add(code.co_qualname)
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    stale = [name for name in (*CARRIERS, *TRUSTED) if not fnmatch.filter(names, name)]
    assert stale == []
