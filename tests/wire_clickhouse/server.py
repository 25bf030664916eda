"""A ClickHouse-HTTP-shaped server over chdb: enough of the interface for clickhouse-connect. NOT a ClickHouse server.

What is real: the engine (the same parser, tables, views and settings as a server of that version) and the client on
the other side. What is not: users, quotas, clusters, sessions, async inserts, progress. Run it in a process of its own:
`python server.py FOLDER [PASSWORD]`; it prints its port and serves until its standard input ends. While there is a file
`faults.json` in the folder, inserts fail with the first that fits of its list: {"code": 241, "name": "...", "left": how
many more, "marker": "only inserts with this text in them"}.
"""

import base64
import http.server
import json
import re
import struct
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.block

TRANSPORT = {
    "query",
    "database",
    "default_format",
    "session_id",
    "query_id",
    "user",
    "password",
    "compress",
    "decompress",
}
TRANSPORT |= {
    "enable_http_compression",
    "wait_end_of_query",
    "client_protocol_version",
    "http_headers_progress_interval_ms",
}
TRANSPORT |= {"send_progress_in_http_headers", "cancel_http_readonly_queries_on_client_close", "role", "buffer_size"}
INSERT = re.compile(rb"\s*(INSERT\s+INTO\s+\S+(?:\s*\([^)]*\))?)\s+FORMAT\s+(\w+)[ \t]*(?:\n|$)", re.IGNORECASE)
LOGIN = re.compile(r"USER '[^']*' PASSWORD '([^']*)' ")
FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
CODE = re.compile(r"Code: (\d+)")


class Handler(http.server.BaseHTTPRequestHandler):
    """One request, one connection to the engine: settings and the current database end with it."""

    protocol_version = "HTTP/1.1"
    folder = ""
    password = ""

    def do_GET(self) -> None:
        self._answer(b"Ok.\n") if urlsplit(self.path).path == "/ping" else self._query(b"")

    def do_POST(self) -> None:
        self._query(self._body())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = bytearray()
        while size := int(self.rfile.readline().strip(), 16):
            chunks += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(chunks)

    def _query(self, body: bytes) -> None:
        given = {
            name: values[-1] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        if not self._is_allowed():
            self._fail("Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")
            return
        try:
            result, output_format = self._run(given, body)
        except RuntimeError as err:
            self._fail(str(err))
        else:
            self._answer(result, {"X-ClickHouse-Format": output_format, "X-ClickHouse-Timezone": "UTC"})

    def _is_allowed(self) -> bool:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        password = base64.b64decode(token).decode().partition(":")[2] if kind == "Basic" else ""
        return password == self.password

    def _run(self, given: dict[str, str], body: bytes) -> tuple[bytes, str]:
        settings = {
            name: value for name, value in given.items() if name not in TRANSPORT and not name.startswith("param_")
        }
        connection = chdb.connect(self.folder)
        try:
            if given.get("database"):
                connection.query(f"USE `{given['database']}`")
            if given.get("decompress") == "1":
                body = _decompressed(body)
            request = given.get("query", "").encode() + b"\n" + body
            if inserting := INSERT.match(request):
                _fail_if_told(Path(self.folder) / "faults.json", request)
                _insert(
                    connection,
                    inserting.group(1).decode(),
                    inserting.group(2).decode(),
                    settings,
                    request[inserting.end() :],
                )
                return b"", "Null"
            for name, value in settings.items():
                connection.query(f"SET {name} = '{value}'")
            sql = self._without_login(request.decode().strip())
            named = FORMAT.search(sql)
            wanted = named.group(1) if named else given.get("default_format") or self.headers.get("X-ClickHouse-Format")
            parameters = {
                name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")
            }
            result = connection.query(FORMAT.sub("", sql), wanted or "TabSeparated", params=parameters)
            return bytes(result.bytes()), wanted or "TabSeparated"
        finally:
            connection.close()

    def _without_login(self, sql: str) -> str:
        """A dictionary logs in to read its table. The embedded engine has no users, so that is checked here."""
        for login in LOGIN.finditer(sql):
            if login.group(1) != self.password:
                raise RuntimeError("Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)")
        return LOGIN.sub("", sql)

    def _fail(self, said: str) -> None:
        code = CODE.search(said)
        text = said[said.find("Code:") :] if code else f"Code: 1002. DB::Exception: {said}"
        number = code.group(1) if code else "1002"
        self._answer(f"{text}\n".encode(), {"X-ClickHouse-Exception-Code": number}, 403 if number == "516" else 500)

    def _answer(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Summary": "{}",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _insert(connection: Any, statement: str, input_format: str, settings: dict[str, str], data: bytes) -> None:
    listed = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
    with connection.send_insert(f"{statement} SETTINGS {listed}" if listed else statement, input_format) as inserter:
        inserter.append(data)
        inserter.finish()


def _fail_if_told(file: Path, request: bytes) -> None:
    if not file.exists():
        return
    faults = json.loads(file.read_text())
    for fault in faults:
        if fault["left"] > 0 and fault["marker"].encode() in request:
            fault["left"] -= 1
            file.write_text(json.dumps(faults))
            raise RuntimeError(f"Code: {fault['code']}. DB::Exception: told to fail. ({fault['name']})")


def _decompressed(body: bytes) -> bytes:
    """The bytes of ClickHouse's own block framing: checksum, method, sizes, then LZ4 or plain bytes."""
    blocks, at = [], 0
    while at < len(body):
        method = body[at + 16]
        framed_size, size = struct.unpack_from("<II", body, at + 17)
        block = body[at + 25 : at + 16 + framed_size]
        blocks.append(lz4.block.decompress(block, uncompressed_size=size) if method == 0x82 else block)
        at += 16 + framed_size
    return b"".join(blocks)


def main(folder: str, password: str = "") -> None:
    """Serve `folder` on a free loopback port."""
    Handler.folder, Handler.password = folder, password
    keeper = chdb.connect(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201 - what the test reads
    sys.stdin.read()
    server.shutdown()
    keeper.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
