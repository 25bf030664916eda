"""Tell what is configured and from where, what is reachable, and what was lost."""

import argparse
import json
import platform
import sys
import urllib.error
import urllib.request
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from worthwhile_collectors import installed_version
from worthwhile_collectors.answers import ReportRequest
from worthwhile_collectors.database import ask, open_database, running_collector
from worthwhile_collectors.errors import WorthwhileError
from worthwhile_collectors.folder import MIN_FREE_BYTES, DataFolder
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.settings import Configuration, Settings, add_flags, load
from worthwhile_collectors.terminal import has_color

PACKAGES: Final = (
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    "wrapt",
    "chdb",
    "chdb-core",
    "clickhouse-connect",
    "openai",
    "anthropic",
)
SENDERS_FAULTS: Final = frozenset({"400", "401", "408", "413", "415", "429", "500", "503"})
PERIOD: Final = timedelta(days=30)
CONNECT_SECONDS: Final = 2.0
STALE: Final = timedelta(hours=1)
"""Age at which what a program has left in its spool is told: until then it may just be about to start again."""

Findings = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the form of the answer and the settings that say where the data is."""
    parser.add_argument("--json", action="store_true", help="JSON to stdout")
    add_flags(parser, *Settings.model_fields)


def run(arguments: argparse.Namespace) -> int:
    """Looks at everything; exit status 1 if something needs attention."""
    configuration = load(arguments)
    findings = examine(configuration)
    if arguments.json:
        sys.stdout.write(json.dumps(findings, indent=2, default=str) + "\n")
    else:
        sys.stdout.write(_text(findings, has_color=has_color(sys.stdout)))
    return 1 if findings["problems"] else 0


def examine(configuration: Configuration) -> Findings:
    """Everything there is to tell, with the problems last."""
    settings = configuration.settings
    folder = DataFolder(settings.data)
    problems: list[dict[str, str | None]] = []
    findings: Findings = {
        "versions": _versions(),
        "collector_settings": [
            {"name": name, "value": value, "origin": origin} for name, value, origin in configuration.rows()
        ],
        "sdk_settings": _sdk_settings(),
        "sdk_receiver": _receiver(problems),
        "sdk_spool": _sdk_spool(problems),
        "data": _data(folder, problems),
    }
    try:
        findings["collector"] = _collector(folder, problems)
        findings["database"] = _database(settings, folder, problems)
    except WorthwhileError as err:
        problems.append({"message": err.message, "hint": err.hint})
    findings["problems"] = problems
    return findings


def _versions() -> dict[str, str]:
    found = {"worthwhile": installed_version(), "python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _sdk_settings() -> list[dict[str, str]]:
    """What the SDK would do in a program started from this shell."""
    from worthwhile import _settings

    return [{"name": row.name, "value": str(row.value), "origin": row.origin} for row in _settings.effective()]


def _receiver(problems: list[dict[str, str | None]]) -> dict[str, str]:
    """Whether the receiver that the SDK would send to answers."""
    from worthwhile import _settings

    url = _settings.current().endpoint.rstrip("/")
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=CONNECT_SECONDS) as answer:  # noqa: S310 - http(s) only
            return {"url": url, "state": f"answers, {_kind_of_receiver(answer.read(1 << 16))}"}
    except urllib.error.HTTPError as err:
        return {"url": url, "state": f"answers `{err.code}`, not a worthwhile collector"}
    except (OSError, ValueError) as err:
        hint = "start `worthwhile up`, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        problems.append({"message": f"nothing takes spans at `{url}`: {err}", "hint": hint})
        return {"url": url, "state": "does not answer"}


def _kind_of_receiver(answer: bytes) -> str:
    try:
        return f"worthwhile {json.loads(answer)['version']}"
    except (ValueError, KeyError, TypeError):
        return "not a worthwhile collector"


def _sdk_spool(problems: list[dict[str, str | None]]) -> Findings:
    """What programs of this user have recorded, and no running one is there to deliver."""
    try:
        from worthwhile import _leftovers, _settings
    except ImportError:  # no file locks on this system, and so no spool
        return {"folder": "off"}
    root = _leftovers.root(_settings.current())
    if root is None:
        return {"folder": "off"}
    leftovers = _leftovers.left_behind(root)
    for left in leftovers:
        if left.age_s > STALE.total_seconds():
            message = (
                f"`{left.size_bytes}` bytes of the service `{left.service or 'unknown'}` have waited in "
                f"`{left.folder}` for {timedelta(seconds=int(left.age_s))} and no running program delivers them"
            )
            hint = (
                "they go out when a program runs with the endpoint, service name and headers that they were recorded "
                "with; delete the folder if none will"
            )
            problems.append({"message": message, "hint": hint})
    return {
        "folder": str(root),
        "state": "there" if root.is_dir() else "not there yet",
        "undelivered_bytes": sum(left.size_bytes for left in leftovers),
        "undelivered_of": [left.service or "unknown" for left in leftovers],
    }


def _data(folder: DataFolder, problems: list[dict[str, str | None]]) -> Findings:
    if not folder.path.is_dir():
        return {"folder": str(folder.path), "state": "not there yet"}
    free = folder.free_bytes()
    if free < 4 * MIN_FREE_BYTES:
        problems.append(
            {"message": f"only `{free}` bytes are free on the disk of the data folder", "hint": "make room"}
        )
    pieces = list(Quarantine(folder.quarantine).pieces())
    if pieces:
        hint = f"they are in {folder.quarantine}, each with its reason; delete what is of no use"
        problems.append({"message": f"the database refused `{len(pieces)}` requests or parts", "hint": hint})
    return {
        "folder": str(folder.path),
        "state": "there",
        "free_bytes": free,
        "database_bytes": _size(folder, "clickhouse"),
        "spool_bytes": _size(folder, "spool"),
        "quarantine": [asdict(piece) for piece in pieces[-10:]],
        "quarantined": len(pieces),
    }


def _size(folder: DataFolder, name: str) -> int:
    return sum(path.stat().st_size for path in (folder.path / name).rglob("*") if path.is_file())


def _collector(folder: DataFolder, problems: list[dict[str, str | None]]) -> Findings | None:
    announcement = running_collector(folder)
    if announcement is None:
        return None
    status: Findings = json.loads(ask(announcement.control, "/status", b"", timeout_seconds=CONNECT_SECONDS * 5))
    writer = status["writer"]
    if writer["last_error"] and writer["waiting_segments"]:
        hint = "nothing is lost: requests wait in the spool and are tried again"
        problems.append({"message": f"the last insert failed: {writer['last_error']}", "hint": hint})
    refused = {code: n for code, n in status["refused"].items() if code in SENDERS_FAULTS}
    if refused:
        told = ", ".join(f"{n} with {code}" for code, n in refused.items())
        message = f"the collector refused requests since it started: {told}"
        problems.append({"message": message, "hint": "each sender was told why; look at its log"})
    if status["version"] != installed_version():
        message = f"the running collector is `{status['version']}`, this is `{installed_version()}`"
        problems.append({"message": message, "hint": "restart it"})
    return {**asdict(announcement), **status}


def _database(settings: Settings, folder: DataFolder, problems: list[dict[str, str | None]]) -> Findings | None:
    if settings.clickhouse is None and not folder.clickhouse.is_dir() and not folder.is_open():
        return None
    now = datetime.now(UTC)
    with open_database(settings, may_migrate=False) as database:
        answer = database.query_bytes("SELECT version()", "TSVRaw", {}).decode("utf-8").strip()
        changes = database.migrate(dry_run=True)
        if changes:
            problems.append(
                {"message": f"the schema is `{len(changes)}` changes behind this version", "hint": "worthwhile migrate"}
            )
            return {"version": answer, "schema": "behind", "changes": changes}
        report = json.loads(database.report(ReportRequest(now - PERIOD, now, form="json")))
    for model in report["unpriced_models"]:
        message = (
            f"no price for `{model['provider']}/{model['model']}`: `{model['calls']}` calls in 30 days have no cost"
        )
        problems.append({"message": message, "hint": "worthwhile prices; a newer release may know it"})
    return {
        "version": answer,
        "schema": "up to date",
        "unpriced_models": report["unpriced_models"],
        "unmatched_signals": report["unmatched_signals"],
    }


def _text(findings: Findings, *, has_color: bool) -> str:
    bold, warn, plain = ("\x1b[1m", "\x1b[33m", "\x1b[0m") if has_color else ("", "", "")
    lines: list[str] = []
    for title, rows in _sections(findings):
        lines += [f"{bold}{title}{plain}"]
        left = max(len(name) for name, _, _ in rows)
        middle = min(max(len(value) for _, value, _ in rows), 44)
        lines += [f"  {name:{left}}  {value:{middle}}  {origin}".rstrip() for name, value, origin in rows]
        lines.append("")
    if not findings["problems"]:
        return "\n".join([*lines, "nothing needs attention", ""])
    lines.append(f"{bold}needs attention{plain}")
    for problem in findings["problems"]:
        lines.append(f"  {warn}{problem['message']}{plain}")
        if problem["hint"]:
            lines.append(f"    hint: {problem['hint']}")
    return "\n".join([*lines, ""])


def _sections(findings: Findings) -> list[tuple[str, list[tuple[str, str, str]]]]:
    def settings(key: str) -> list[tuple[str, str, str]]:
        return [(row["name"], row["value"], row["origin"]) for row in findings[key]]

    def flat(section: Findings | None, absent: str) -> list[tuple[str, str, str]]:
        if section is None:
            return [(absent, "", "")]
        return [(name, _shown(value), "") for name, value in section.items() if not isinstance(value, list) or value]

    return [
        ("versions", flat(findings["versions"], "")),
        ("settings of the SDK in this shell", settings("sdk_settings")),
        ("receiver of the SDK", flat(findings["sdk_receiver"], "")),
        ("spool of the SDK", flat(findings["sdk_spool"], "")),
        ("settings of the collector", settings("collector_settings")),
        ("data", flat(findings["data"], "")),
        ("running collector", flat(findings.get("collector"), "none on this data folder")),
        ("database", flat(findings.get("database"), "none yet")),
    ]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items() if inner) or "-"
    if isinstance(value, list):
        return f"{len(value)}: " + "; ".join(_shown(inner) for inner in value)
    return str(value)
