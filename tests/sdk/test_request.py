"""Encoded requests cut in halves: every item is in exactly one, with its resource, its scope and their schemas."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from worthwhile._request import fields, halves, items

Shape = list[list[int]]


def request(shape: Shape) -> ExportTraceServiceRequest:
    """A request with so many spans in each scope of each resource."""
    names = iter(range(1000))
    attribute = KeyValue(key="a", value=AnyValue(double_value=0.5))
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=[attribute], dropped_attributes_count=resource),
                schema_url="r" * resource,
                scope_spans=[
                    ScopeSpans(
                        scope=InstrumentationScope(name=f"scope {scope}"),
                        schema_url="s" * scope,
                        spans=[Span(name=str(next(names)), flags=256, start_time_unix_nano=7) for _ in range(count)],
                    )
                    for scope, count in enumerate(scopes)
                ],
            )
            for resource, scopes in enumerate(shape)
        ]
    )


def flat(body: bytes) -> list[tuple[bytes, str, bytes, str, bytes]]:
    return [
        (group.resource.SerializeToString(), group.schema_url, scope.scope.SerializeToString(), scope.schema_url, each)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for each in [span.SerializeToString() for span in scope.spans]
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=3), max_size=3))
def test_halves_hold_every_item_once_and_in_order(shape: Shape) -> None:
    body = request(shape).SerializeToString()
    count = sum(map(sum, shape))
    assert items(body) == count == len(flat(body))
    parts = halves(body)
    if count < 2:
        assert parts is None
    else:
        assert parts is not None
        assert [len(flat(part)) for part in parts] == [count // 2, count - count // 2]
        assert flat(parts[0]) + flat(parts[1]) == flat(body)
        for part in parts:
            groups = ExportTraceServiceRequest.FromString(part).resource_spans
            assert all(group.scope_spans and all(scope.spans for scope in group.scope_spans) for group in groups)


@pytest.mark.parametrize(
    "body",
    [b"\x0a", b"\x0a\x05abc", b"\xff" * 20, b"\x09abc", b"\x0b", b"\x0a\x02\x12\x7f", b"\x0d\x00", b"hello, world"],
    ids=repr,
)
def test_what_is_no_request_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match="protobuf"):
        items(body)


def test_fields_of_every_kind() -> None:
    span = Span(name="n", kind=Span.SPAN_KIND_CLIENT, flags=1, end_time_unix_nano=1 << 60, dropped_links_count=300)
    found = {field.number: field for field in fields(span.SerializeToString())}
    assert (found[5].content, found[6].value, found[14].value) == (b"n", 3, 300)
    assert b"".join(field.whole for field in found.values()) == span.SerializeToString()
