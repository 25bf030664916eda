"""How many calls a sampled one stands for: the inverse of the probability with which its trace was kept.

Only what is certain counts. A trace's `th` in the W3C trace state says its probability whoever decided it. Without it,
the sampler of this process does, but only for traces that began here: what another process decided is not known.
"""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Span, SpanContext

_THRESHOLD_DIGITS: Final = 14
_ALL: Final = 1 << 56
_ID_MASK: Final = TraceIdRatioBased.TRACE_ID_LIMIT


def weight(
    context: SpanContext, sampler: Sampler | None, parent: SpanContext | None, *, began_here: bool | None = None
) -> float | None:
    """Calls that a sampled one stands for; `None` for one, or where it is not known.

    Args:
        context: The sampled span's own.
        sampler: That of the provider which decided about the span; `None` if nothing was sampled.
        parent: The context of the span above; `None` or invalid for the first of a trace.
        began_here: Whether the trace began in this process. `None` if that is not known: then it is taken to have begun
            here if the sampler would have kept it.
    """
    probability = _from_threshold(context)
    if probability is None and parent is not None:  # the SDK shows its samplers no trace state, so they drop it
        probability = _from_threshold(parent)
    if probability is None and sampler is not None:
        probability = _of(sampler, context, parent, began_here=began_here)
    return None if probability is None or not 0 < probability < 1 else 1 / probability


def began_here(above: Span | None) -> bool | None:
    """Whether the trace of a span under `above` began in this process; `None` if `above` does not tell."""
    if above is None or not above.get_span_context().is_valid:
        return True
    known = getattr(above, "_began_here", None)  # a span of ours, which was asked this when it began
    if known is not None or not isinstance(above, ReadableSpan):
        return known
    if above.parent is None:
        return True
    return False if above.parent.is_remote else None


def _from_threshold(context: SpanContext) -> float | None:
    """Probability by the trace state's `ot=th:...`, a rejection threshold in hexadecimal without zeros at its end."""
    state = context.trace_state.get("ot") if context.trace_state else None
    if state is None:
        return None
    for part in state.split(";"):
        name, _, digits = part.partition(":")
        if name == "th":
            try:
                threshold = int(digits.ljust(_THRESHOLD_DIGITS, "0"), 16)
            except ValueError:
                return None
            return (_ALL - threshold) / _ALL if len(digits) <= _THRESHOLD_DIGITS else None
    return None


def _of(sampler: Sampler, context: SpanContext, parent: SpanContext | None, *, began_here: bool | None) -> float | None:
    if isinstance(sampler, TraceIdRatioBased):
        return sampler.rate
    root: object = getattr(sampler, "_root", None) if isinstance(sampler, ParentBased) else None  # no public name
    if not isinstance(root, TraceIdRatioBased):
        return None
    if parent is None or not parent.is_valid:
        return root.rate
    if began_here is None:
        began_here = context.trace_id & _ID_MASK < root.bound
    return root.rate if began_here and not parent.is_remote else None
