"""`worthwhile ingest`: every form of file, twice is once, and what is wrong is told and costs nothing else."""

import gzip
import json

import pytest
from google.protobuf.json_format import MessageToDict

from worthwhile_collectors.frames import delimited


def hexadecimal(request) -> bytes:
    """OTLP/JSON of a trace request, on one line."""
    found = MessageToDict(request)
    spans = request.resource_spans[0].scope_spans[0].spans
    for written, span in zip(found["resourceSpans"][0]["scopeSpans"][0]["spans"], spans, strict=True):
        written.update(traceId=span.trace_id.hex(), spanId=span.span_id.hex())
    return json.dumps(found).encode()


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "closed"])
def test_a_file_twice_is_stored_once(
    worthwhile, worthwhile_process, collector, calls_of, signal_of, tmp_path, is_running
):
    data = str(collector.data if is_running else tmp_path / "data")
    run = worthwhile if is_running else worthwhile_process
    calls = calls_of("ingested", 7)
    traces, logs = tmp_path / "traces.pb", tmp_path / "logs.pb.gz"
    traces.write_bytes(calls.body())
    logs.write_bytes(gzip.compress(signal_of("ingested", "k").SerializeToString()))
    for _ in range(2):
        done = run("ingest", str(traces), str(logs), "--data", data)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "stored 7 spans and 1 log records of 2 requests\n"
    ids = ", ".join(f"'{span_id}'" for span_id in calls.span_ids)
    sql = f"SELECT count() AS n FROM otel_traces WHERE SpanId IN ({ids})"
    assert json.loads(run("query", sql, "--json", "--data", data).stdout) == [{"n": 7}]


def test_every_form_of_file_is_read(worthwhile, calls_of, tmp_path, collector):
    forms = {
        name: calls_of(f"file-{name}", 2) for name in ("single.pb", "many.pbs", "lines.jsonl", "one.json", "a.jsonl.gz")
    }
    body = {name: calls.body() for name, calls in forms.items()}
    lines = hexadecimal(forms["lines.jsonl"].request) + b"\n\n" + hexadecimal(calls_of("file-lines.jsonl", 1).request)
    written = {
        "single.pb": body["single.pb"],
        "many.pbs": b"".join([*delimited(body["many.pbs"]), *delimited(calls_of("file-many.pbs", 1).body())]),
        "lines.jsonl": lines,
        "one.json": json.dumps(json.loads(hexadecimal(forms["one.json"].request)), indent=2).encode(),
        "a.jsonl.gz": gzip.compress(hexadecimal(forms["a.jsonl.gz"].request)),
    }
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
    done = worthwhile("ingest", *(str(tmp_path / name) for name in written), "--json", "--data", str(collector.data))
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"requests": 7, "spans": 12, "log_records": 0, "problems": []},
    )
    rows = collector.rows(
        "SELECT workload AS w, count() AS n FROM calls_final WHERE w LIKE 'file-%' GROUP BY w ORDER BY w"
    )
    assert {row["w"]: row["n"] for row in rows} == {
        "file-a.jsonl.gz": 2,
        "file-lines.jsonl": 3,
        "file-many.pbs": 3,
        "file-one.json": 2,
        "file-single.pb": 2,
    }


def test_stdin_is_a_file(worthwhile_process, calls_of, collector):
    calls = calls_of("stdin", 2)
    done = worthwhile_process("ingest", "-", "--data", str(collector.data), stdin=hexadecimal(calls.request))
    assert done.stderr == "stored 2 spans and 0 log records of 1 requests\n"


def test_bad_lines_are_told_and_cost_nothing_else(worthwhile, calls_of, collector, tmp_path):
    good = hexadecimal(calls_of("among-bad-lines", 1).request)
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(b"\n".join([good, b"{broken", b'{"other": 1}', b'{"resourceMetrics": []}', good]))
    done = worthwhile("ingest", str(path), "--data", str(collector.data))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{path}, line 2: reading the request: found `")
    assert lines[1] == f"{path}, line 3: expected one of resourceSpans, resourceLogs, resourceMetrics"
    assert lines[2] == f"{path}, line 4: metrics are not stored"
    assert lines[3] == "stored 2 spans and 0 log records of 2 requests"


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (b"nonsense", [], "ServiceRequest in protobuf"),
        (b"\x7fabc", ["--format", "delimited"], "its length is `127` bytes"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], [], "Compressed file ended before the end-of-stream"),
        (b'{"resourceSpans": [', [], "found `"),
    ],
)
def test_a_file_that_is_no_otlp_is_told(worthwhile, collector, tmp_path, content, words, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    done = worthwhile("ingest", str(path), *words, "--data", str(collector.data))
    assert done.returncode in {1, 2}
    assert message in done.stderr
