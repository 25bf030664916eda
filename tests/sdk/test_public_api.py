"""The public surface: what is exported, that it is documented, and its signatures. A change here is one for users."""

import importlib
import inspect
from pathlib import Path

import pytest

import worthwhile as ww
from worthwhile import testing

SIGNAL = (
    "workload: str | None = None, task_id: str | uuid.UUID | None = None, id: str | None = None, "
    "revision: int | None = None, actor: str | None = None, source: Literal['human', 'automated', 'system'] = "
)
TASK = "(task: worthwhile._context.TaskRun | str | int | uuid.UUID | None = None, /, *, "


def test_what_is_exported() -> None:
    assert sorted(ww.__all__) == ww.__all__
    assert set(ww.__all__) == {
        *("task", "Task", "TaskScope", "current_task", "Usage"),
        *("accept", "reject", "edit", "escalate", "score", "fail", "void"),
        *("configure", "flush", "shutdown", "stats", "Stats"),
        *("fallback", "Leg", "FallbackBlock", "FallbackLeg", "route", "Route"),
        *("cached", "cache_hit", "CacheEntry", "CacheStore", "MemoryCache"),
    }
    assert set(testing.__all__) == {
        *("capture", "capturing", "swallowing_errors", "Captured", "SpanRecord", "EventRecord", "SignalRecord"),
    }


@pytest.mark.parametrize("name", ww.__all__)
def test_everything_public_is_documented(name: str) -> None:
    thing = getattr(ww, name)
    assert inspect.getdoc(thing)
    for attribute, member in vars(thing).items() if isinstance(thing, type) else ():
        if not attribute.startswith("_") and callable(member):
            assert inspect.getdoc(member), f"{name}.{attribute}"


@pytest.mark.parametrize(
    ("name", "own", "source"),
    [
        ("accept", "", "human"),
        ("reject", "", "human"),
        ("edit", "distance: float | None = None, ", "human"),
        ("escalate", "minutes: float | None = None, ", "human"),
        ("score", "value: float | None = None, name: str = 'score', passed: bool | None = None, ", "automated"),
        ("fail", "", "automated"),
        ("void", "", "human"),
    ],
)
def test_signatures_of_signals(name: str, own: str, source: str) -> None:
    text = str(inspect.signature(getattr(ww, name))).replace("typing.", "")
    assert text == f"{TASK}{own}{SIGNAL}'{source}', at: 'datetime | None' = None) -> str"
    method = inspect.signature(getattr(ww.Task, name)).parameters
    assert set(inspect.signature(getattr(ww, name)).parameters) - set(method) == {"task", "workload", "task_id"}


def test_signatures_of_the_rest() -> None:
    def names(thing: object) -> list[str]:
        return [str(parameter).partition(":")[0] for parameter in inspect.signature(thing).parameters.values()]  # type: ignore[arg-type]

    assert names(ww.task) == ["target", "key", "success", "capture_content"]
    assert names(ww.current_task) == []
    assert names(ww.fallback) == ["legs", "on", "when"]
    assert names(ww.Leg) == ["target", "model", "tier", "name"]
    assert names(ww.FallbackBlock.leg) == ["self", "name", "tier"]
    assert names(ww.FallbackLeg.reject) == ["self", "reason"]
    assert names(ww.route) == ["tier"]
    assert names(ww.cached) == ["target", "key", "store", "ttl_s"]
    assert names(ww.cache_hit) == ["kind", "model", "provider", "operation", "saved"]
    assert names(ww.MemoryCache) == ["max_entries"]
    assert ww.CacheEntry._fields == (
        *("value", "operation", "provider", "model", "response_model", "cost_basis", "saved_usd"),
    )
    assert names(ww.flush) == names(ww.shutdown) == ["timeout_s"]
    assert names(ww.configure) == [
        *("endpoint", "headers", "service_name", "endpoints", "stream_usage", "prices"),
        *("tracer_provider", "logger_provider", "exit_timeout_s", "spool", "enabled"),
        *("capture_content", "content_max_chars", "content_sample_ratio", "redact"),
    ]
    assert {parameter.kind for parameter in inspect.signature(ww.configure).parameters.values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(ww.__file__).with_name("py.typed").exists()


def test_what_few_programs_use_is_there_when_asked_for():
    for name in ww._SELDOM:
        vars(ww).pop(name, None)
    assert set(ww.__all__) <= set(dir(ww))
    assert ww.cached is importlib.import_module("worthwhile.caching").cached
    assert ww.Route is importlib.import_module("worthwhile.routing").Route
    with pytest.raises(AttributeError, match="no_such_name") as raised:
        ww.no_such_name  # noqa: B018 - it is looked up
    assert raised.value.name == "no_such_name"
