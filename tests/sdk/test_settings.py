"""Settings: argument > `WORTHWHILE_*` > `OTEL_*` > default, one warning for what is not valid."""

from typing import Any

import pytest

import worthwhile as ww
from worthwhile import _settings
from worthwhile._settings import SETTINGS, current, effective, override


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None) -> None: ...


def test_defaults() -> None:
    settings = current()
    assert settings.traces_url == "http://127.0.0.1:4318/v1/traces"
    assert settings.logs_url == "http://127.0.0.1:4318/v1/logs"
    assert (settings.enabled, settings.stream_usage, settings.exit_timeout_s) == (True, "auto", 2.0)
    assert set(settings.origins.values()) == {"default"}


def test_every_row_is_an_attribute_and_has_a_meaning() -> None:
    settings = current()
    for row in SETTINGS:
        assert getattr(settings, row.name) == row.default
        assert len(row.meaning) > 15
    variables = [variable for row in SETTINGS for variable, _ in row.sources]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize(
    ("environment", "arguments", "name", "value", "origin"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, {}, "enabled", False, "OTEL_SDK_DISABLED"),
        ({"OTEL_SDK_DISABLED": "true", "WORTHWHILE_ENABLED": "yes"}, {}, "enabled", True, "WORTHWHILE_ENABLED"),
        ({"WORTHWHILE_ENABLED": "0"}, {"enabled": True}, "enabled", True, "argument"),
        ({"WORTHWHILE_ENABLED": ""}, {}, "enabled", True, "default"),
        ({"WORTHWHILE_ENABLED": "  "}, {"enabled": None}, "enabled", True, "default"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, {}, "endpoint", "http://c:1", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"},
            {"endpoint": "http://d:2"},
            "endpoint",
            "http://d:2",
            "argument",
        ),
        ({"OTEL_SERVICE_NAME": "shop"}, {}, "service_name", "shop", "OTEL_SERVICE_NAME"),
        ({"WORTHWHILE_EXIT_TIMEOUT": "0.5"}, {}, "exit_timeout_s", 0.5, "WORTHWHILE_EXIT_TIMEOUT"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "10"}, {}, "span_queue_size", 10, "OTEL_BSP_MAX_QUEUE_SIZE"),
        ({"OTEL_BLRP_SCHEDULE_DELAY": "10"}, {}, "signal_delay_ms", 10, "OTEL_BLRP_SCHEDULE_DELAY"),
        ({"WORTHWHILE_ENDPOINTS": "a:1=vllm"}, {}, "endpoints", {"a:1": "vllm"}, "WORTHWHILE_ENDPOINTS"),
        ({"WORTHWHILE_ENDPOINTS": "a:1=vllm"}, {"endpoints": {}}, "endpoints", {}, "argument"),
    ],
    ids=str,
)
def test_precedence(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: dict[str, Any],
    name: str,
    value: object,
    origin: str,
) -> None:
    for variable, text in environment.items():
        monkeypatch.setenv(variable, text)
    settings = override(arguments)
    assert getattr(settings, name) == value
    assert settings.origins[name] == origin


def test_per_signal_endpoints_are_taken_whole_and_yield_to_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://spans:1/in")
    assert current().traces_url == "http://spans:1/in"
    assert current().logs_url == "http://base:4318/v1/logs"
    ww.configure(endpoint="http://argument:2/prefix/")
    assert current().traces_url == "http://argument:2/prefix/v1/traces"
    assert current().logs_url == "http://argument:2/prefix/v1/logs"


def test_an_endpoint_with_a_signals_path_is_understood() -> None:
    settings = override({"endpoint": "http://h:4318/v1/traces"})
    assert settings.logs_url == "http://h:4318/v1/logs"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("WORTHWHILE_ENABLED", "perhaps", "`true` or `false`"),
        ("OTEL_SDK_DISABLED", "perhaps", "`true` or `false`"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "an http:// or https:// URL"),
        ("WORTHWHILE_STREAM_USAGE", "sometimes", "`auto`, `always` or `never`"),
        ("WORTHWHILE_EXIT_TIMEOUT", "soon", "seconds, 0 or more"),
        ("WORTHWHILE_EXIT_TIMEOUT", "-1", "seconds, 0 or more"),
        ("WORTHWHILE_EXIT_TIMEOUT", "inf", "seconds, 0 or more"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "a whole number above 0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "a whole number above 0"),
        ("WORTHWHILE_ENDPOINTS", "a:1", "`name=value` pairs, separated by commas"),
    ],
)
def test_an_invalid_variable_warns_once_and_the_default_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(variable, text)
    for _ in range(2):
        settings = override({})
    row = next(row for row in SETTINGS if variable in dict(row.sources))
    assert getattr(settings, row.name) == row.default
    assert [record.getMessage() for record in caplog.records] == [f"ignored {variable} `{text}`: expected {expected}"]


def test_an_invalid_variable_leaves_the_next_source_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORTHWHILE_ENABLED", "perhaps")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert current().enabled is False


@pytest.mark.parametrize(
    "arguments",
    [
        {"endpoint": 4318},
        {"endpoint": "collector"},
        {"headers": "a=b"},
        {"headers": {"a": 1}},
        {"endpoints": ["a"]},
        {"service_name": ""},
        {"stream_usage": True},
        {"exit_timeout_s": "x"},
        {"enabled": "perhaps"},
    ],
    ids=str,
)
def test_an_invalid_argument_warns_and_the_default_holds(
    caplog: pytest.LogCaptureFixture, arguments: dict[str, Any]
) -> None:
    ww.configure(**arguments)
    assert len(caplog.records) == 1
    (name,) = arguments
    assert f"ignored the argument {name}=" in caplog.text
    assert current().origins[name] == "default"


def test_configure_again_keeps_what_is_left_out() -> None:
    ww.configure(endpoint="http://a:1", service_name="shop")
    ww.configure(stream_usage="never")
    settings = current()
    assert (settings.endpoint, settings.service_name, settings.stream_usage) == ("http://a:1", "shop", "never")


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current().service_name is None
    monkeypatch.setenv("OTEL_SERVICE_NAME", "late")
    assert current().service_name is None


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:hunter2@host:4318/x")
    shown = {row.name: row for row in effective()}
    assert "hunter2" not in repr(shown)
    assert (shown["headers"].value, shown["headers"].origin) == ("(set)", "OTEL_EXPORTER_OTLP_HEADERS")
    assert shown["endpoint"].value == "https://host:4318/x"
    ww.configure(headers={"a": 5, "b": "hunter2"})  # type: ignore[dict-item]
    assert "hunter2" not in caplog.text


def test_effective_settings_tell_value_origin_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    row = next(row for row in effective() if row.name == "service_name")
    assert (row.value, row.origin, row.variables) == ("shop", "OTEL_SERVICE_NAME", ("OTEL_SERVICE_NAME",))
    assert [row.name for row in effective()] == [row.name for row in SETTINGS]
    assert _settings.shown_url("http://h/p@q") == "http://h/p@q"
