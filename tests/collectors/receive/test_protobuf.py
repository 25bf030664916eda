"""The check in pieces gives the verdict of parsing it whole, in the memory of a piece."""

import subprocess
import sys

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from worthwhile_collectors.errors import RequestRejectedError
from worthwhile_collectors.receive import protobuf


@st.composite
def requests(draw) -> ExportTraceServiceRequest:
    """Small requests of every shape that matters to the walk."""
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        group = request.resource_spans.add()
        group.resource.attributes.add(key=draw(st.text(max_size=5))).value.int_value = draw(st.integers(-5, 2**40))
        for _ in range(draw(st.integers(0, 2))):
            scope = group.scope_spans.add()
            scope.scope.name = draw(st.text(max_size=10))
            for _ in range(draw(st.integers(0, 3))):
                span = scope.spans.add(trace_id=draw(st.binary(max_size=16)), name=draw(st.text(max_size=20)))
                span.start_time_unix_nano = draw(st.integers(0, 2**64 - 1))
                values = span.attributes.add(key="k").value.array_value.values
                values.add(string_value=draw(st.text(max_size=30)))
                values.add(double_value=draw(st.floats()))
                span.events.add(name=draw(st.text(max_size=5))).attributes.add(key="e")
    return request


def is_accepted(body: bytes) -> bool:
    try:
        protobuf.check("traces", body, max_items=100)
    except RequestRejectedError:
        return False
    return True


def is_message(body: bytes) -> bool:
    try:
        ExportTraceServiceRequest().ParseFromString(body)
    except DecodeError:
        return False
    return True


@pytest.fixture(params=[1, 16, 1 << 20], ids=["bytes", "fields", "whole"])
def _pieces(request, monkeypatch):
    monkeypatch.setattr(protobuf, "RUN_BYTES", request.param)


@pytest.mark.usefixtures("_pieces")
class TestVerdict:
    @given(requests())
    def test_what_is_a_request_is_accepted_and_counted(self, request):
        outline = protobuf.check("traces", request.SerializeToString(), max_items=100)
        scopes = [scope for group in request.resource_spans for scope in group.scope_spans]
        assert outline.items == sum(len(scope.spans) for scope in scopes)

    @given(requests(), st.data())
    def test_what_is_accepted_is_a_message(self, request, data):
        body = bytearray(request.SerializeToString())
        for _ in range(data.draw(st.integers(1, 3))):
            if body:
                body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        assert is_message(bytes(body)) or not is_accepted(bytes(body))

    @given(st.binary(max_size=60))
    def test_any_bytes_get_a_verdict(self, body):
        assert is_message(body) or not is_accepted(body)


MEASURED = """
import resource
from worthwhile_collectors.errors import RequestRejectedError
from worthwhile_collectors.frames import varint
from worthwhile_collectors.receive.protobuf import check

def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content

bodies = [field(1, field(2, field(2, empty * (500_000)))) for empty in (b"\\x5a\\x00", b"\\x4a\\x00", b"\\x6a\\x00")]
bodies.append(field(1, field(2, field(2, b"".join(field(11, b"\\x1a\\x00" * 100_000) for _ in range(80))))))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for body in bodies:
    check("traces", body, max_items=1000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_millions_of_empty_messages_take_the_memory_of_a_piece():
    """Parsed whole, the last body, 16 MiB of eight million empty attributes of events, takes 500 MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 100 << 20
