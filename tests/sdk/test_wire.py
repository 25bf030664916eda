"""The settings of the wire: the specification's variables, for both kinds of requests and for one of them."""

import pytest

import worthwhile as ww
from worthwhile import _settings
from worthwhile._settings import current, effective


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_defaults() -> None:
    wire = current().wire("traces")
    assert (wire.url, dict(wire.headers)) == ("http://127.0.0.1:4318/v1/traces", {})
    assert (wire.compression, wire.timeout_s, wire.protocol, wire.exporters) == (
        "none",
        10.0,
        "http/protobuf",
        ("otlp",),
    )
    assert (wire.certificate, wire.client_certificate, wire.client_key, wire.proxies) == (None, None, None, {})
    assert current().wire("logs").url == "http://127.0.0.1:4318/v1/logs"


@pytest.mark.parametrize(
    ("variable", "attribute", "general", "own", "parsed"),
    [
        ("COMPRESSION", "compression", "gzip", "none", ("gzip", "none")),
        ("TIMEOUT", "timeout_s", "3", "0.5", (3.0, 0.5)),
        ("CERTIFICATE", "certificate", "/a", "/b", ("/a", "/b")),
        ("CLIENT_CERTIFICATE", "client_certificate", "/a", "/b", ("/a", "/b")),
        ("CLIENT_KEY", "client_key", "/a", "/b", ("/a", "/b")),
        ("PROTOCOL", "protocol", "grpc", "http/protobuf", ("grpc", "http/protobuf")),
        ("HEADERS", "headers", "a=b", "c=d", ({"a": "b"}, {"c": "d"})),
        ("ENDPOINT", "url", "http://a", "http://b/c", ("http://a/v1/{}", "http://b/c")),
    ],
)
@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_a_variable_for_one_kind_of_requests_goes_before_the_one_for_all(
    monkeypatch: pytest.MonkeyPatch,
    signal: str,
    variable: str,
    attribute: str,
    general: str,
    own: str,
    parsed: tuple[object, object],
) -> None:
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{variable}", general)
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{variable}", own)
    other = "logs" if signal == "traces" else "traces"
    both = getattr(current().wire(signal), attribute), getattr(current().wire(other), attribute)  # type: ignore[arg-type]
    expected = (parsed[1], parsed[0].format(other) if isinstance(parsed[0], str) else parsed[0])
    assert both == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", {"a": "b"}),
        (" A = b , c=d ", {"a": "b", "c": "d"}),
        ("authorization=Bearer%20x%2Cy%3D%3D", {"authorization": "Bearer x,y=="}),
        ("authorization=Bearer x==", {"authorization": "Bearer x=="}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=1,,b=2,", {"a": "1", "b": "2"}),
    ],
)
def test_headers_are_read_as_the_specification_writes_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str, expected: dict[str, str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", text)
    assert dict(current().headers) == expected
    assert caplog.records == []


@pytest.mark.parametrize("wrong", ["hunter2", "=hunter2", "b%0D%0Ac=hunter2", "b=hunter2%0D%0Ac: d", "b c=hunter2"])
def test_a_header_that_is_none_is_left_out_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"a=b,{wrong}")
    assert dict(current().headers) == {"a": "b"}
    assert "1 of 2 headers for the OTLP receiver are not used" in caplog.text
    _settings.forget()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", wrong)
    assert dict(current().headers) == {}
    assert "ignored OTEL_EXPORTER_OTLP_HEADERS (hidden): expected `name=value` pairs" in caplog.text
    assert "hunter2" not in caplog.text


def test_headers_as_an_argument_go_over_the_variables_name_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "c=3")
    ww.configure(headers={"A": "9"})
    assert dict(current().wire("logs").headers) == {"a": "9", "b": "2"}
    assert dict(current().wire("traces").headers) == {"a": "9", "c": "3"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10.0), ("0.25", 0.25), ("999", 999.0), ("10000", 10.0), ("1000", 1.0)]
)
def test_a_timeout_in_milliseconds_is_recognised(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", text)
    assert current().timeout_s == seconds


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "`none`, `gzip` or `deflate`"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd", "`none`, `gzip` or `deflate`"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "seconds above 0"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "seconds, 0 or more"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http", "`grpc`, `http/protobuf` or `http/json`"),
        ("OTEL_TRACES_EXPORTER", "none,otlp", "exporters' names, separated by commas, or `none` alone"),
        ("OTEL_TRACES_EXPORTER", ",", "exporters' names, separated by commas, or `none` alone"),
        ("https_proxy", "socks5://me:hunter2@proxy:1080", "an http:// proxy"),
    ],
)
def test_an_invalid_variable_warns_and_the_default_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(variable, text)
    row = next(row for row in _settings.SETTINGS if variable in dict(row.sources))
    assert getattr(current(), row.name) == row.default
    (record,) = caplog.records
    assert record.getMessage().startswith(f"ignored {variable} `{text[:4]}")
    assert record.getMessage().endswith(f": expected {expected}")
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("text", "exporters"),
    [("console", ("console",)), ("OTLP, console,otlp", ("otlp", "console")), ("none", ()), ("", ("otlp",))],
)
def test_exporters(monkeypatch: pytest.MonkeyPatch, text: str, exporters: tuple[str, ...]) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", text)
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "console")
    assert current().wire("traces").exporters == exporters
    assert current().wire("logs").exporters == ("console",)


def test_an_endpoint_as_an_argument_is_an_http_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "console",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json",
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "cloud",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }.items():
        monkeypatch.setenv(variable, text)
    assert (current().protocol, current().wire("traces").exporters) == ("grpc", ())
    ww.configure(endpoint="http://127.0.0.1:9")
    for signal in ("traces", "logs"):
        wire = current().wire(signal)  # type: ignore[arg-type]
        assert (wire.is_ours, wire.compression) == (True, "gzip")


def test_a_proxy_that_a_cgi_client_could_set_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://evil:1")
    assert current().http_proxy == "http://evil:1"
    _settings.forget()
    monkeypatch.setenv("REQUEST_METHOD", "POST")
    assert current().http_proxy is None
    assert "`http_proxy` in a CGI program" in caplog.text


def test_doctor_shows_values_and_origins_but_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in {
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "authorization=hunter2",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
        "https_proxy": "http://me:hunter2@proxy:3128",
        "OTEL_TRACES_EXPORTER": "otlp,console",
    }.items():
        monkeypatch.setenv(variable, text)
    shown = {row.name: (row.value, row.origin) for row in effective()}
    assert shown["logs_headers"] == ("(set)", "OTEL_EXPORTER_OTLP_LOGS_HEADERS")
    assert shown["traces_compression"] == ("gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION")
    assert shown["https_proxy"] == ("http://proxy:3128", "https_proxy")
    assert shown["traces_exporter"] == ("otlp,console", "OTEL_TRACES_EXPORTER")
    assert "hunter2" not in repr(shown)
