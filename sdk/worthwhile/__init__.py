"""What did each successful task really cost? `@ww.task` around the work, `ww.accept` and its kin for how it turned out.

>>> import worthwhile as ww
>>> @ww.task("ticket-reply", key="ticket_id")
... def answer(ticket_id, text):
...     return f"about {text}"
>>> answer("T-1", "refunds")
'about refunds'

Later, from any process: `ww.accept("T-1", workload="ticket-reply")`.
"""

from worthwhile._setup import configure, flush, shutdown, stats
from worthwhile._stats import Stats
from worthwhile.signals import accept, edit, escalate, fail, reject, score, void
from worthwhile.task import Task, TaskScope, current_task, task
from worthwhile.usage import Usage

__all__ = [
    "Stats",
    "Task",
    "TaskScope",
    "Usage",
    "accept",
    "configure",
    "current_task",
    "edit",
    "escalate",
    "fail",
    "flush",
    "reject",
    "score",
    "shutdown",
    "stats",
    "task",
    "void",
]
