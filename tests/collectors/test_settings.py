"""Flag > environment > file > default; '' is unset; every problem is told at once, with where it comes from."""

import argparse

import pytest

from worthwhile_collectors.errors import SettingsError
from worthwhile_collectors.settings import Settings, add_flags, flag, load, variable, without_password


def read(*words: str, **environment: str):
    parser = argparse.ArgumentParser()
    add_flags(parser, *Settings.model_fields)
    return load(parser.parse_args(words), environment=environment)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_are_loopback_and_bounded():
    found = read()
    assert found.settings == Settings()
    assert (found.settings.host, found.settings.port, found.settings.token) == ("127.0.0.1", 4318, None)
    assert found.settings.max_body == 16 << 20
    assert {origin.text for origin in found.origins.values()} == {"default"}


def test_each_source_goes_over_the_next(tmp_path):
    (tmp_path / "worthwhile.toml").write_text('[collector]\nport = 1\nhost = "::1"\nmax_spans = 5\n')
    found = read("--port", "3", WORTHWHILE_PORT="2", WORTHWHILE_HOST="localhost")
    assert (found.settings.port, found.settings.host, found.settings.max_spans) == (3, "localhost", 5)
    assert found.origins["port"].text == "`--port`"
    assert found.origins["host"].text == "`WORTHWHILE_HOST`"
    assert found.origins["max_spans"].text == "`max_spans` in `worthwhile.toml`"


def test_another_file_may_be_named(tmp_path):
    (tmp_path / "other.toml").write_text("[collector]\nport = 7\n")
    assert read("--config", "other.toml").settings.port == 7
    assert read(WORTHWHILE_CONFIG="other.toml").settings.port == 7


def test_an_empty_value_is_unset():
    assert read("--token", "", WORTHWHILE_TOKEN="", WORTHWHILE_PORT="").settings == Settings()


@pytest.mark.parametrize("token", ["two words", "gr\u00fcn", "line\n"])
def test_a_token_must_fit_into_a_header(token):
    with pytest.raises(SettingsError, match=r"`WORTHWHILE_TOKEN`: found `\*\*\*`, expected ASCII") as refusal:
        read(WORTHWHILE_TOKEN=token)
    assert token not in refusal.value.message


def test_sizes_may_have_units():
    settings = read("--max-body", "1MiB", WORTHWHILE_SPOOL_QUOTA="2 GiB").settings
    assert (settings.max_body, settings.spool_quota) == (1 << 20, 2 << 30)


def test_every_problem_is_told_with_its_origin(tmp_path):
    (tmp_path / "worthwhile.toml").write_text('[collector]\nprot = 1\ndurability = "never"\n')
    with pytest.raises(SettingsError) as refusal:
        read("--port", "99999", "--clickhouse", "tcp://db:9000", WORTHWHILE_MAX_BODY="lots", WORTHWHILE_TOKEN="s3cret")
    message = refusal.value.message
    assert message.count("\n  - ") == 5
    assert "`prot` in `worthwhile.toml`: no such setting, perhaps `port`" in message
    assert "`durability` in `worthwhile.toml`: found `never`, input should be 'process', 'interval' or" in message
    assert "`--port`: found `99999`, input should be less than or equal to 65535" in message
    assert "`WORTHWHILE_MAX_BODY`: found `lots`, " in message
    assert "`--clickhouse`: found `tcp://db:9000`, expected the HTTP address of a ClickHouse server" in message
    assert "s3cret" not in message
    assert refusal.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [("port = ", "Invalid value"), ("collector = 1", "found `1`, expected a table"), (None, "No such file")],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, text, message):
    path = tmp_path / "named.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        read("--config", str(path))


def test_secrets_are_not_shown():
    found = read("--token", "s3cret", "--clickhouse", "https://user:pass@db:8443/worthwhile")
    shown = {name: value for name, value, _ in found.rows()}
    assert shown["token"] == "***"
    assert shown["clickhouse"] == "https://user:***@db:8443/worthwhile"
    assert "s3cret" not in repr(found)
    assert without_password("http://db:8123") == "http://db:8123"


def test_names_follow_from_the_setting():
    assert [(flag(name), variable(name)) for name in ("max_body", "data")] == [
        ("--max-body", "WORTHWHILE_MAX_BODY"),
        ("--data", "WORTHWHILE_DATA"),
    ]
    assert all(field.description for field in Settings.model_fields.values())
