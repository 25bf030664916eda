"""Every kind and size of OTLP value becomes the text that the OpenTelemetry Collector's exporter writes."""

import base64
import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from worthwhile_collectors.store import Store, framed


def string(text: str) -> AnyValue:
    return AnyValue(string_value=text)


def whole(number: int) -> AnyValue:
    return AnyValue(int_value=number)


def listed(*items: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=items))


TEXTS = ("", "a", "x" * 127, "x" * 128, "é" * 90, "x" * 16383, "x" * 16384, "x" * 2_100_000, 'quote " \\ / \n \x01 ü')
NUMBERS = (0, 1, 127, 128, 2**28 - 1, 2**28, 2**31, 2**35, 2**56, 2**63 - 1, -1, -(2**31), -(2**63))
SHORT_LISTS: tuple[tuple[str | int | float | bool, ...], ...] = (
    (),
    ("stop",),
    ('a "quoted" / \\ one',),
    ("stop", "length"),
    ("x" * 127, "y" * 128, "z" * 300, ""),
    (1, -1, 2**40),
    (0.5, True, False, "text"),
    tuple("abcdefghij" * 20),
)


def scalar(value: str | float | bool) -> AnyValue:
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    return AnyValue(**{kinds[type(value)]: value})


LONG_LIST = listed(*(string(f"item {number}") for number in range(400)))
NESTED = listed(listed(string("a"), whole(1)), string("b"))
NESTED_BASE64 = base64.b64encode(NESTED.array_value.values[0].array_value.SerializeToString()).decode()
MAPPING = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=string("v"))]))

VALUES: dict[str, tuple[AnyValue, str]] = {
    **{f"text {len(text)}": (string(text), text) for text in TEXTS},
    **{f"int {number}": (whole(number), str(number)) for number in NUMBERS},
    **{f"double {number}": (AnyValue(double_value=number), f"{number:g}") for number in (0.0, 1.0, -2.5, 0.001)},
    "true": (AnyValue(bool_value=True), "true"),
    "false": (AnyValue(bool_value=False), "false"),
    "nothing": (AnyValue(), ""),
    "bytes": (AnyValue(bytes_value=b"\x00\xff"), "AP8="),
    **{
        f"list {number}": (listed(*map(scalar, items)), json.dumps(items, separators=(",", ":"), ensure_ascii=False))
        for number, items in enumerate(SHORT_LISTS)
    },
    "list with nothing": (listed(AnyValue(), string("a")), '[null,"a"]'),
    "list with bytes": (listed(AnyValue(bytes_value=b"\x00\xff")), '["AP8="]'),
    "long list": (LONG_LIST, base64.b64encode(LONG_LIST.array_value.SerializeToString()).decode()),
    "nested list": (NESTED, f'["{NESTED_BASE64}","b"]'),
    "mapping": (MAPPING, base64.b64encode(MAPPING.kvlist_value.SerializeToString()).decode()),
}


@pytest.fixture
def values(migrated: Store) -> Store:
    """A store with one span that has every value as attribute, in its event, its link and its resource."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    span = resource.scope_spans.add().spans.add(name="all", trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano = span.end_time_unix_nano = 1_793_613_600_000_000_000
    places = (
        span.attributes,
        span.events.add(name="e").attributes,
        span.links.add().attributes,
        resource.resource.attributes,
    )
    for place in places:
        for name, (value, _) in VALUES.items():
            place.add(key=name).value.CopyFrom(value)
    span.events.add(name="bare")
    assert migrated.insert_protobuf("traces", framed([request.SerializeToString()]), "values") == ()
    return migrated


@pytest.mark.parametrize(
    "place", ["SpanAttributes", "Events.Attributes[1]", "Links.Attributes[1]", "ResourceAttributes"]
)
def test_every_value_is_written_as_the_exporter_writes_it(values: Store, place: str) -> None:
    [found] = values.query(f"SELECT mapKeys({place}) AS names, mapValues({place}) AS texts FROM otel_traces")
    expected = {name: text for name, (_, text) in VALUES.items()}
    assert dict(zip(found["names"], found["texts"], strict=True)) == expected


def test_an_event_without_attributes_has_an_empty_map(values: Store) -> None:
    sql = """
        SELECT `Events.Name` AS names, length(`Events.Attributes`[2]) AS size, length(`Links.TraceId`) AS links
        FROM otel_traces
    """
    assert values.query(sql) == [{"names": ["e", "bare"], "size": 0, "links": 1}]


def test_a_log_record_has_its_body_and_maps_apart(migrated: Store) -> None:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add(schema_url="r")
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scoped = resource.scope_logs.add(schema_url="s")
    scoped.scope.attributes.add(key="a").value.int_value = 1
    for body in (string("text"), listed(string("a"), whole(2)), AnyValue()):
        record = scoped.log_records.add(time_unix_nano=1_793_613_600_000_000_000)
        record.body.CopyFrom(body)
        record.attributes.add(key="b").value.bool_value = True
    migrated.insert_protobuf("logs", framed([request.SerializeToString()]), "logs")
    sql = """
        SELECT Body AS body, ServiceName AS service, ScopeAttributes['a'] AS a, LogAttributes['b'] AS b
        FROM otel_logs ORDER BY Body
    """
    common = {"service": "shop", "a": "1", "b": "true"}
    assert migrated.query(sql) == [{"body": body, **common} for body in ("", '["a",2]', "text")]
