"""Store OTLP files; the same file twice is stored once."""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from worthwhile_collectors.database import Database, open_database
from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.otlp_files import FileFormat, FileProblem, FileRequest, Found, read
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.spool import KINDS, Kind
from worthwhile_collectors.terminal import say

if TYPE_CHECKING:
    import io

BATCH_BYTES: Final = 64 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the files and what they hold."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="OTLP requests: JSON lines, or one in protobuf; gzipped or not; - is stdin",
    )
    parser.add_argument(
        "--format",
        choices=("auto", "protobuf", "delimited", "json"),
        default="auto",
        help="auto looks; delimited is protobuf requests with their length in front, as in files named .pbs [auto]",
    )
    parser.add_argument("--json", action="store_true", help="JSON to stdout: what was stored and what was not")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Stores what it can, tells what it cannot; exit status 1 if there was anything that it could not."""
    settings = load(arguments).settings
    missing = [name for name in arguments.files if name != "-" and not Path(name).is_file()]
    if missing:
        raise UsageError(f"reading the files: there is no file `{missing[0]}`", hint="worthwhile ingest FILE...")
    counts: Counter[str] = Counter()
    problems: list[FileProblem] = []
    with open_database(settings, may_create=True) as database:
        for name in arguments.files:
            _store(database, _found(name, arguments.format), counts, problems)
    for problem in problems:
        say(f"{problem.place}: {problem.message}")
    if arguments.json:
        told = {**_totals(counts), "problems": [{"place": p.place, "message": p.message} for p in problems]}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        say(f"stored {counts['traces']} spans and {counts['logs']} log records of {counts['requests']} requests")
    return 1 if problems else 0


def _totals(counts: Counter[str]) -> dict[str, int]:
    return {"requests": counts["requests"], "spans": counts["traces"], "log_records": counts["logs"]}


def _found(name: str, file_format: FileFormat) -> Iterator[Found]:
    if name == "-":
        yield from read(cast("io.BufferedReader", sys.stdin.buffer), "stdin", file_format)
    else:
        with Path(name).open("rb") as file:
            yield from read(file, name, file_format)


def _store(database: Database, found: Iterator[Found], counts: Counter[str], problems: list[FileProblem]) -> None:
    """Stores the requests of one file in batches that depend on nothing but it, so that it makes the same tokens."""
    batches: dict[Kind, list[FileRequest]] = {kind: [] for kind in KINDS}
    sizes: Counter[Kind] = Counter()
    for each in found:
        if isinstance(each, FileProblem):
            problems.append(each)
            continue
        batches[each.kind].append(each)
        sizes[each.kind] += len(each.body)
        if sizes[each.kind] >= BATCH_BYTES:
            _store_batch(database, batches[each.kind], counts, problems)
            batches[each.kind], sizes[each.kind] = [], 0
    for batch in batches.values():
        if batch:
            _store_batch(database, batch, counts, problems)


def _store_batch(
    database: Database, batch: list[FileRequest], counts: Counter[str], problems: list[FileProblem]
) -> None:
    kind = batch[0].kind
    reasons = database.insert(kind, _token(batch), [request.body for request in batch])
    problems += [FileProblem(batch[0].place, f"and what follows: the database refused a request: {r}") for r in reasons]
    counts["requests"] += len(batch)
    counts[kind] += sum(request.items for request in batch)


def _token(batch: list[FileRequest]) -> str:
    digest = hashlib.sha256()
    for request in batch:
        digest.update(len(request.body).to_bytes(8, "big"))
        digest.update(request.body)
    return f"file-{digest.hexdigest()}"
