"""Which call stands in for which: the legs of a step whose first call failed or was not good enough.

Two kinds of evidence. Inside a task: a call failed, and the next call of the same operation went to another model or
server. And what the host declares with `ww.fallback` and `ww.route`: a `Scope` of the current context, so that it goes
wherever the context goes. Calls look for one only in a process that has ever entered one.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from opentelemetry import context as otel_context

from worthwhile import _identity
from worthwhile._context import current_run
from worthwhile._errors import error_type
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue

    from worthwhile._call_span import CallSpan
    from worthwhile._context import TaskRun

SCOPE_KEY: Final = otel_context.create_key("worthwhile-scope")

_has_scopes: bool = False
"""Whether this process has ever entered a scope."""

_MAX_REASON: Final = 200

# Words in an exception's name, and what they say about why the next leg was taken; the first that fits counts.
_KINDS: Final = (
    ("ratelimit", "rate_limit"),
    ("toomanyrequests", "rate_limit"),
    ("timeout", "timeout"),
    ("timedout", "timeout"),
    ("contextwindow", "context_length"),
    ("contextlength", "context_length"),
    ("contentpolicy", "content_filter"),
    ("contentfilter", "content_filter"),
    ("overloaded", "unavailable"),
    ("unavailable", "unavailable"),
    ("internalserver", "unavailable"),
    ("connect", "unavailable"),
)


class Failure(NamedTuple):
    """A call that failed or whose result was turned down, so that the next call may stand in for it.

    Attributes:
        operation: `gen_ai.operation.name` of the call; empty where no call was seen, and any may stand in.
        model: Model that it asked for, or the name of the leg.
        server: Address and port.
        tier: Where that model runs.
        reason: `error.type` of the failure, or why the result was turned down.
        number: The call's own number among the legs; 0 if it stood in for nothing.
        is_rejection: Whether it did answer, but not well enough.
    """

    operation: str
    model: str | None
    server: str | None
    tier: str | None
    reason: str
    number: int
    is_rejection: bool = False


class Leg(NamedTuple):
    """What one call is to the calls before it, and what the host declared around it.

    Attributes:
        before: What the call stands in for; `None` for a call that is no stand-in.
        open: The failure that the call found open, and closes if it succeeds.
        number: 1 for the first stand-in of a step, 2 for the next; 0 for none.
        model: Model that the call asked for.
        tier: Tier that the host declared; `None` leaves the endpoint's.
        declared: The leg of a `ww.fallback` that the call runs in.
        ledger: What the call is to be counted in besides its tasks, by whoever ends it.
    """

    before: Failure | None
    open: Failure | None
    number: int
    model: str | None
    tier: str | None
    declared: "DeclaredLeg | None"
    ledger: "Ledger | None" = None


class DeclaredLeg:
    """One leg of a `ww.fallback` while it runs, and afterwards for the calls that it began.

    Attributes:
        chain: Id of the run of the whole `ww.fallback`.
        number: As in `Leg`, for every call under this leg.
        before: What the leg stands in for; `None` for the first.
        task_id: The task around the chain.
        failed_leg: As in `TaskRun`, for calls under this leg.
        last: The call under this leg that started or failed last; its reason may be empty.
    """

    __slots__ = ("before", "chain", "failed_leg", "last", "number", "task_id")

    def __init__(self, chain: str, number: int, before: Failure | None, task_id: str | None) -> None:
        self.chain = chain
        self.number = number
        self.before = before
        self.task_id = task_id
        self.failed_leg: Failure | None = None
        self.last: Failure | None = None


class Ledger(Protocol):
    """Gathers the calls of a scope as they end."""

    def count(self, call: "CallSpan", /) -> None:
        """Take a call that has ended; from any thread, and also after the scope has been left."""
        ...


class Scope(NamedTuple):
    """What the host has declared about the calls of a context: where they go, and whose leg they are.

    Attributes:
        tier: As in `Leg`.
        declared: As in `Leg`.
        ledger: As in `Leg`.
        outer: The scope around this one.
    """

    tier: str | None
    declared: DeclaredLeg | None
    ledger: Ledger | None
    outer: "Scope | None"


def starting(
    task: "TaskRun | None", operation: str, model: str | None, server: str | None, tier: str | None
) -> Leg | None:
    """What a call that starts now is to those before it; `None` for the usual call, that stands in for nothing."""
    scope = current_scope() if _has_scopes else None
    if scope is None:
        found = None if task is None else task.failed_leg
        return None if found is None else _after(found, operation, model, server)
    declared = scope.declared
    holder = _holder(task, declared)
    found = None if holder is None else holder.failed_leg
    leg = Leg(None, None, 0, model, None, None) if found is None else _after(found, operation, model, server)
    if declared is not None:
        before = declared.before
        if leg.before is None and before is not None and before.operation in {operation, ""}:
            leg = leg._replace(before=before, number=declared.number)
        declared.last = Failure(operation, model, server, scope.tier or tier, "", leg.number)
    return leg._replace(tier=scope.tier, declared=declared, ledger=scope.ledger)


def failed(  # noqa: PLR0913, PLR0917 - the scalars of one call
    task: "TaskRun | None",
    leg: Leg | None,
    operation: str,
    model: str | None,
    server: str | None,
    tier: str | None,
    reason: str,
) -> None:
    """Note that a call failed, so that the next one may stand in for it. `reason` is its `error.type`."""
    declared = None if leg is None else leg.declared
    holder = _holder(task, declared)
    if holder is None:
        return
    if leg is not None and leg.tier is not None:
        tier = leg.tier
    failure = Failure(operation, model, server, tier, reason, 0 if leg is None else leg.number)
    holder.failed_leg = failure
    if declared is not None:
        declared.last = failure


def succeeded(task: "TaskRun | None", leg: Leg | None, operation: str) -> None:
    """Note that a call succeeded: the failure that it stood in for, or repeated, is no longer open."""
    if leg is None or leg.open is None or leg.open.operation != operation:
        return
    holder = _holder(task, leg.declared)
    if holder is not None and holder.failed_leg is leg.open:
        holder.failed_leg = None


def attributes(leg: Leg | None) -> "dict[str, AttributeValue]":
    """What the call's span says about its leg; where there is a tier, it takes the place of the endpoint's."""
    found: dict[str, AttributeValue] = {}
    if leg is None:
        return found
    if leg.tier is not None:
        found[names.TIER] = leg.tier
    if leg.ledger is not None:
        found[names.CACHE_MISS] = True
    if leg.declared is not None:
        found[names.FALLBACK_CHAIN] = leg.declared.chain
    before = leg.before
    if before is not None:
        found[names.FALLBACK_INDEX] = leg.number
        found[names.FALLBACK_REASON] = before.reason
        found[names.FALLBACK_KIND] = kind_of(before)
        found[names.FALLBACK_FROM] = before.model or "unknown"
        if before.tier is not None:
            found[names.FALLBACK_FROM_TIER] = before.tier
        if leg.model is not None:
            found[names.FALLBACK_TO] = leg.model
    return found


def kind_of(failure: Failure) -> str:
    """Why the next leg was taken, in one of few words."""
    if failure.is_rejection:
        return "quality"
    name = failure.reason.rpartition(".")[2].lower()
    return next((kind for word, kind in _KINDS if word in name), "error")


def current_scope() -> Scope | None:
    """What the host has declared about the calls of the current context."""
    return cast("Scope | None", otel_context.get_current().get(SCOPE_KEY))


def within(
    outer: Scope | None,
    *,
    tier: str | None = None,
    declared: DeclaredLeg | None = None,
    ledger: Ledger | None = None,
) -> Scope:
    """A scope in `outer`, whose declarations stand where there are no others."""
    if outer is not None:
        tier, declared, ledger = tier or outer.tier, declared or outer.declared, ledger or outer.ledger
    return Scope(tier, declared, ledger, outer)


class Entered:
    """Makes a scope current for a `with` block, and again for the next: what one block leaves is the next one's."""

    __slots__ = ("_inner", "_outer", "_scope")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._inner: Context | None = None
        self._outer: Context | None = None

    def __enter__(self) -> None:
        """Make the scope current."""
        global _has_scopes  # noqa: PLW0603 - it is about the process
        _has_scopes = True
        self._outer = outer = otel_context.get_current()
        otel_context.attach(self._inner or otel_context.set_value(SCOPE_KEY, self._scope, outer))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """Make what was current before current again, unless this runs where the scope was never current."""
        outer, self._outer = self._outer, None
        if outer is not None and self.is_current:
            self._inner = otel_context.get_current()
            otel_context.attach(outer)

    @property
    def is_current(self) -> bool:
        """Whether the scope, or one within it, is current."""
        scope = current_scope()
        while scope is not None and scope is not self._scope:
            scope = scope.outer
        return scope is self._scope


class Chain:
    """One run of a `ww.fallback`: makes its legs, one after the other, and knows why each was left."""

    __slots__ = ("_current", "_failure", "_found", "_holder", "_id", "_is_left", "_name", "_outer", "_task_id", "_tier")

    def __init__(self) -> None:
        task = current_run()
        self._id = _identity.new_id()
        self._task_id = None if task is None else task.id
        self._outer = current_scope()
        self._holder = _holder(task, None if self._outer is None else self._outer.declared)
        self._found = None if self._holder is None else self._holder.failed_leg
        self._current: DeclaredLeg | None = None
        self._is_left = True
        self._failure: Failure | None = None
        self._name: str | None = None
        self._tier: str | None = None

    def leg(self, name: str | None, tier: str | None) -> Entered:
        """Begin the next leg; what it returns makes the leg current.

        A leg that nothing was said about gave an answer, but not one that was good enough, for there is a next one.
        """
        self.left("rejected", is_rejection=True)
        self._is_left = False
        outer = self._outer
        if self._failure is not None:
            declared = DeclaredLeg(self._id, self._failure.number + 1, self._failure, self._task_id)
        elif outer is not None and outer.declared is not None:  # the first of a chain within another chain's leg
            declared = DeclaredLeg(self._id, outer.declared.number, outer.declared.before, self._task_id)
        else:
            declared = DeclaredLeg(self._id, 0, None, self._task_id)
        if self._failure is None:
            declared.failed_leg = self._found
        self._current, self._name = declared, name
        self._tier = tier or (None if outer is None else outer.tier)
        return Entered(within(outer, tier=tier, declared=declared))

    def left(self, reason: str, *, is_rejection: bool) -> None:
        """Note why the leg that began last is left for the next one; the first reason counts."""
        declared = self._current
        if declared is None or self._is_left:
            return
        self._is_left = True
        reason = reason[:_MAX_REASON]
        last = declared.last
        if last is None:
            self._failure = Failure("", self._name, None, self._tier, reason, declared.number, is_rejection)
        else:
            number = max(declared.number, last.number)
            model = last.model or self._name
            self._failure = last._replace(model=model, reason=reason, number=number, is_rejection=is_rejection)

    def close(self, error: BaseException | None) -> None:
        """End the chain; a call after it may stand in for one that `error` left, as after any failed call."""
        holder, declared = self._holder, self._current
        if holder is None or declared is None or declared.last is None:
            return
        if isinstance(error, Exception):
            self.left(error_type(error), is_rejection=False)
            holder.failed_leg = self._failure
        elif error is None and holder.failed_leg is self._found:
            holder.failed_leg = None


def _holder(task: "TaskRun | None", declared: DeclaredLeg | None) -> "TaskRun | DeclaredLeg | None":
    """Where open failures are kept: the innermost of the task and the declared leg around the call."""
    if declared is None or (task is not None and declared.task_id != task.id):
        return task
    return declared


def _after(found: Failure, operation: str, model: str | None, server: str | None) -> Leg:
    if _is_elsewhere(found, operation, model, server):
        return Leg(found, found, found.number + 1, model, None, None)
    return Leg(None, found, found.number, model, None, None)


def _is_elsewhere(failure: Failure, operation: str, model: str | None, server: str | None) -> bool:
    """Whether a call may stand in for the failed one: an embedding never does for a chat."""
    return failure.operation == operation and (failure.model, failure.server) != (model, server)
