"""OTLP requests made on the spot."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_793_613_600_000_000_000  # 2026-11-02 10:00 UTC


def calls(*span_ids: int, scope: str = "worthwhile", **attributes: str | int | float | bool | list[str]) -> bytes:
    """One request with a call span for each id, with the same attributes; dots in names are written as `__`."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    service = resource.resource.attributes.add(key="service.name")
    service.value.string_value = "shop"
    scoped = resource.scope_spans.add()
    scoped.scope.name = scope
    for span_id in span_ids:
        span = scoped.spans.add(name="chat m", kind=3, trace_id=(1).to_bytes(16), span_id=span_id.to_bytes(8))
        span.start_time_unix_nano = START_NS + span_id * 1_000_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 250_000_000
        given = {"worthwhile.span.type": "call", "gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
        for name, value in (given | {key.replace("__", "."): value for key, value in attributes.items()}).items():
            _set(span.attributes.add(key=name).value, value)
    return request.SerializeToString()


def _set(target, value) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, list):
        for item in value:
            _set(target.array_value.values.add(), item)
    else:
        target.string_value = value
