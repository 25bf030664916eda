"""What did each successful task really cost? `@ww.task` around the work, `ww.accept` and its kin for how it turned out.

>>> import worthwhile as ww
>>> @ww.task("ticket-reply", key="ticket_id")
... def answer(ticket_id, text):
...     return f"about {text}"
>>> answer("T-1", "refunds")
'about refunds'

Later, from any process: `ww.accept("T-1", workload="ticket-reply")`.
"""

from typing import TYPE_CHECKING

from worthwhile._setup import configure, flush, shutdown, stats
from worthwhile._stats import Stats
from worthwhile.fallback import FallbackBlock, FallbackLeg, Leg, fallback
from worthwhile.signals import accept, edit, escalate, fail, reject, score, void
from worthwhile.task import Task, TaskScope, current_task, task
from worthwhile.usage import Usage

if TYPE_CHECKING:
    from worthwhile.caching import CacheEntry, CacheStore, MemoryCache, cache_hit, cached
    from worthwhile.routing import Route, route

__all__ = [
    "CacheEntry",
    "CacheStore",
    "FallbackBlock",
    "FallbackLeg",
    "Leg",
    "MemoryCache",
    "Route",
    "Stats",
    "Task",
    "TaskScope",
    "Usage",
    "accept",
    "cache_hit",
    "cached",
    "configure",
    "current_task",
    "edit",
    "escalate",
    "fail",
    "fallback",
    "flush",
    "reject",
    "route",
    "score",
    "shutdown",
    "stats",
    "task",
    "void",
]

_SELDOM = {
    "CacheEntry": "caching",
    "CacheStore": "caching",
    "MemoryCache": "caching",
    "Route": "routing",
    "cache_hit": "caching",
    "cached": "caching",
    "route": "routing",
}
"""What few programs use, and where it is; it is loaded at its first use."""


def __getattr__(name: str) -> object:
    if name not in _SELDOM:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`", name=name)
    from importlib import import_module

    found: object = getattr(import_module(f"worthwhile.{_SELDOM[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
