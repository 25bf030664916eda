"""The span of one run of a task."""

from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue

from worthwhile._lean import LeanSpan
from worthwhile_schemas import attributes as names


class TaskSpan(LeanSpan):
    """One run of a task.

    Attributes:
        workload: The task's kind.
        labels: The run's identity, as on each of its calls.
        outcome: How the run ended.
        reason: `error.type` of what ended it, if it failed.
    """

    __slots__ = ("labels", "outcome", "reason", "workload")

    labels: Mapping[str, str]
    outcome: str | None
    reason: str | None
    workload: str

    def begin_at(self, start_ns: int) -> None:
        """Set what an origin does not."""
        self._start_time = start_ns
        self._end_time = self._parent = self._made_context = self._sampled = self._whole = self._written = None

    def end_at(self, end_ns: int) -> None:
        """End the span; its owner calls this once."""
        self._end_time = end_ns
        self._origin.end(self)

    def span_name(self) -> str:
        """The operation and the task's kind."""
        return f"invoke_workflow {self.workload}"

    def has_failed(self) -> bool:
        """Whether an exception ended the run."""
        return self.reason is not None

    def start_attributes(self) -> dict[str, AttributeValue]:
        """What the run is."""
        return {
            names.SPAN_TYPE: "task",
            names.OPERATION: "invoke_workflow",
            names.WORKFLOW_NAME: self.workload,
            **self.labels,
        }

    def end_attributes(self) -> Mapping[str, AttributeValue]:
        """How the run ended."""
        found: dict[str, AttributeValue] = {}
        if self.outcome is not None:
            found[names.TASK_STATUS] = self.outcome
        if self.reason is not None:
            found[names.ERROR_TYPE] = self.reason
        return found
