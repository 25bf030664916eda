"""The settings of the collector and of the commands that read its data: flag > environment > file > default.

Each field of `Settings` is one setting. `max_body` is the flag `--max-body`, the variable `WORTHWHILE_MAX_BODY` and the
key `max_body` of the table `[collector]` in `worthwhile.toml`. An empty value is unset.
"""

import argparse
import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

# Only commands import this module, so `import worthwhile` stays free of pydantic.
from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError  # noqa: TID253

from worthwhile_collectors.errors import SettingsError, UsageError
from worthwhile_collectors.store.retention import Retention
from worthwhile_schemas.cluster import Cluster

DEFAULT_FILE: Final = Path("worthwhile.toml")
FILE_VARIABLE: Final = "WORTHWHILE_CONFIG"
FILE_TABLE: Final = "collector"


def _server_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = "expected the HTTP address of a ClickHouse server, such as http://user:password@host:8123/worthwhile"
        raise ValueError(msg)
    return value


def _cluster_name(value: str) -> str:
    Cluster(value)
    return value


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        msg = "expected ASCII characters without spaces, because it goes into an HTTP header"
        raise ValueError(msg)
    return value


class Settings(BaseModel):
    """What a person may set. Every value is valid once an instance exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(Path(".worthwhile"), description="data folder: the database, the spool, the control socket")
    clickhouse: Annotated[str, AfterValidator(_server_url)] | None = Field(
        None, description="HTTP address of a ClickHouse server to use instead of the embedded engine"
    )
    cluster: Annotated[str, AfterValidator(_cluster_name)] | None = Field(
        None, description="cluster of that server: tables are made on all its nodes, replicated and sharded"
    )
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(4318, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        None,
        description="bearer token that senders and readers must show; needed beyond loopback, best set as a variable",
    )
    max_body: ByteSize = Field(
        ByteSize(16 << 20), ge=1 << 10, le=64 << 20, description="largest request after decompression"
    )
    max_spans: int = Field(65_536, ge=1, le=1 << 20, description="most spans or log records in one request")
    read_timeout: float = Field(10.0, gt=0, le=600, description="seconds a sender may take before it must keep a pace")
    durability: Literal["process", "interval", "always"] = Field(
        "interval", description="what an acknowledged request survives: a crash of the process, or of the machine"
    )
    spool_quota: ByteSize = Field(
        ByteSize(4 << 30), ge=1 << 20, description="most disk space for requests that wait for ClickHouse"
    )
    segment_bytes: ByteSize = Field(
        ByteSize(128 << 20), ge=1 << 16, le=256 << 20, description="most bytes of requests stored at a time"
    )
    segment_seconds: float = Field(
        1.0, gt=0, le=60, description="wait before storing what fills no segment; longer where inserts take long"
    )
    settle_seconds: float = Field(60.0, ge=0, le=3600, description="seconds between settlings of roll-ups; 0 is never")
    keep_spans_days: int = Field(30, ge=1, le=36_500, description="days that spans and log records are kept")
    keep_calls_days: int = Field(
        400, ge=2, le=36_500, description="days that calls, attempts, runs and signals are kept after their arrival"
    )
    keep_rollups_days: int = Field(760, ge=1, le=36_500, description="days that roll-ups by hour and day are kept")
    keep_content_days: int = Field(14, ge=1, le=36_500, description="days that prompts and answers are kept")

    def retention(self) -> Retention:
        """How long tables keep their rows."""
        return Retention(self.keep_spans_days, self.keep_calls_days, self.keep_rollups_days, self.keep_content_days)

    def served(self) -> Cluster | None:
        """The cluster with the database of the server's address; None for one server, or the embedded one.

        Raises:
            UsageError: A cluster without a server.
        """
        if self.cluster is None:
            return None
        if self.clickhouse is None:
            raise UsageError(
                f"opening the store on the cluster `{self.cluster}`: no server is named, the embedded one is alone",
                hint="--clickhouse http://user:password@host:8123/worthwhile names one of its nodes",
            )
        return Cluster(self.cluster, self.database())

    def database(self) -> str:
        """Name of the database in the server's address."""
        return unquote(urlsplit(self.clickhouse or "").path.strip("/")) or "worthwhile"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from, in words: "default", "`--port`", "`WORTHWHILE_PORT`", "`port` in `worthwhile.toml`"."""

    text: str
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """Valid settings and where each of them comes from."""

    settings: Settings
    origins: Mapping[str, Origin]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Name, value fit for showing, and origin of each setting, in the order of `Settings`."""
        for name in Settings.model_fields:
            yield name, _shown(getattr(self.settings, name)), self.origins[name].text


def flag(name: str) -> str:
    """The command line flag of a setting."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "WORTHWHILE_" + name.upper()


def add_flags(parser: argparse.ArgumentParser, *names: str) -> None:
    """Adds the flags of these settings, and `--config`, to a command."""
    for name in names:
        field = Settings.model_fields[name]
        default = "" if field.default is None else f" [{_shown(field.default)}]"
        parser.add_argument(flag(name), dest=name, metavar="VALUE", help=f"{field.description}{default}")
    parser.add_argument(
        "--config", metavar="FILE", help=f"settings file [{DEFAULT_FILE}, if there is one; or {FILE_VARIABLE}]"
    )


def load(arguments: argparse.Namespace, *, environment: Mapping[str, str] | None = None) -> Configuration:
    """Settings from the flags of a command, the environment, and a file.

    Raises:
        SettingsError: Lists every problem with its origin.
    """
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins = {name: Origin("default", is_default=True) for name in Settings.model_fields}
    sources = (
        _from_file(arguments, environment, problems),
        {name: (environment.get(variable(name)), Origin(f"`{variable(name)}`")) for name in Settings.model_fields},
        {name: (getattr(arguments, name, None), Origin(f"`{flag(name)}`")) for name in Settings.model_fields},
    )
    for source in sources:
        for name, (value, origin) in source.items():
            if value is not None and value != "":
                values[name], origins[name] = value, origin
    try:
        settings = Settings.model_validate(values)
    except ValidationError as err:
        problems += [_problem(values, origins, error) for error in err.errors()]
    if problems:
        raise SettingsError(
            "reading the settings:\n" + "\n".join(f"  - {problem}" for problem in problems),
            hint="`worthwhile up --help` lists the settings; `worthwhile doctor` shows where each value comes from",
        )
    return Configuration(settings, origins)


def without_password(url: str) -> str:
    """A server address that may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def _from_file(
    arguments: argparse.Namespace, environment: Mapping[str, str], problems: list[str]
) -> dict[str, tuple[Any, Origin]]:
    named = getattr(arguments, "config", None) or environment.get(FILE_VARIABLE)
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8")).get(FILE_TABLE, {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        problems.append(f"`{path}`: {err}, expected a TOML file with the table `[{FILE_TABLE}]`")
        return {}
    if not isinstance(table, dict):
        problems.append(f"`{FILE_TABLE}` in `{path}`: found `{table!r}`, expected a table")
        return {}
    for key in table.keys() - Settings.model_fields.keys():
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        problems.append(f"`{key}` in `{path}`: no such setting" + (f", perhaps `{near[0]}`" if near else ""))
    return {
        name: (value, Origin(f"`{name}` in `{path}`")) for name, value in table.items() if name in Settings.model_fields
    }


def _problem(values: Mapping[str, Any], origins: Mapping[str, Origin], error: Any) -> str:
    name = str(error["loc"][0])
    found = "***" if name == "token" else values.get(name)
    expected = str(error["msg"]).removeprefix("Value error, ")
    return f"{origins[name].text}: found `{found}`, {expected[:1].lower()}{expected[1:]}"


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, ByteSize):
        return value.human_readable(separator=" ")
    return without_password(value) if isinstance(value, str) and "://" in value else str(value)
