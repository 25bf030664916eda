"""A provider-shaped HTTP server on loopback that counts tokens, misbehaves on request and keeps its own ledger.

It answers like OpenAI (chat, responses, embeddings, text completions) and like Anthropic (messages), streamed or not.
What else it does is a script (see `script.py`), given in the path (`/s/429x1/v1/chat/completions`), in the header
`x-wire-script` or behind the model's name (`gpt-4o-mini@429x1`). `GET /ledger` returns its ledger.

In tests:      with Provider() as provider: OpenAI(base_url=provider.openai_url)
From a shell:  python tests/wire/provider.py --port 0 --name frontier
               (prints one line of JSON with its address, then serves until it is ended)
"""

import argparse
import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.wire import anthropic_shapes, openai_shapes, responses_shapes
from tests.wire.counting import count_anthropic, count_embeddings, count_openai
from tests.wire.ledger import NOTHING, Entry, Ledger, Tokens
from tests.wire.reply import EVENTS, JSON, Reply, event, merged
from tests.wire.script import HEADER, Script, split

PATIENCE_S = 20.0
"""How long a held or hanging request waits for its client to leave."""

Shape = Callable[[Entry, Script], Reply]
Count = Callable[[dict[str, Any], Script], Tokens]

ROUTES: dict[str, tuple[Count, Shape]] = {
    "/chat/completions": (lambda b, s: count_openai(b, is_plain="plain" in s.flags), openai_shapes.chat),
    "/completions": (lambda b, s: count_openai(b, is_plain=True), openai_shapes.text_completion),
    "/embeddings": (lambda b, s: count_embeddings(b), openai_shapes.embeddings),
    "/responses": (lambda b, s: count_openai(b, is_plain="plain" in s.flags), responses_shapes.responses),
    "/responses/compact": (lambda b, s: count_openai(b, is_plain=False), responses_shapes.compacted),
    "/messages": (lambda b, s: count_anthropic(b), anthropic_shapes.messages),
    "/messages/count_tokens": (lambda b, s: NOTHING, lambda e, s: anthropic_shapes.count_tokens(e)),
}


class Provider:
    """The server, in threads of this process, from construction to `close()`.

    Args:
        port: TCP port on loopback; 0 takes a free one.
        name: What to call it in messages; the answers do not depend on it.
    """

    def __init__(self, port: int = 0, name: str = "provider") -> None:
        self.name = name
        self.ledger = Ledger()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.ledger = self.ledger
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=name, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address without a path, as the Anthropic client wants it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """The address as the OpenAI client wants it."""
        return f"{self.url}/v1"

    def close(self) -> None:
        """Stop serving; requests that are being held are let go."""
        self._server.is_closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    ledger: Ledger

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.is_closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet when a client leaves in mid-answer; that is what the tests make it do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing per request."""

    def do_GET(self) -> None:
        if self.path == "/ledger":
            self._answer(200, [entry.as_json() for entry in self.server.ledger.wait()])
        else:
            self._answer(404, openai_shapes.failure(404))

    def do_DELETE(self) -> None:
        self.server.ledger.clear()
        self._answer(200, {})

    def do_POST(self) -> None:
        body = json.loads(self._read_body() or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        path, model, script = split(path, str(body.get("model", "")), headers.get(HEADER, ""))
        if model:
            body["model"] = model
        entry = self.server.ledger.open(path, body, headers)
        try:
            self._serve(entry, script)
        finally:
            self.server.ledger.settle()

    def _serve(self, entry: Entry, script: Script) -> None:
        route = next((path for path in sorted(ROUTES, key=len, reverse=True) if entry.path.endswith(path)), None)
        is_anthropic = "/messages" in entry.path
        refusal = self._refusal(entry, script, is_known=route is not None)
        if refusal is not None:
            entry.status = refusal
            shape = anthropic_shapes if is_anthropic else openai_shapes
            self._answer(refusal, shape.failure(refusal), {"retry-after-ms": "1"})
        elif "reset" in script.flags:
            # Linger of zero seconds: closing sends RST, which clients see as a reset and not as an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._hang_up()
        elif "hang" in script.flags:
            self._wait_for_client_to_leave()
        else:
            count, shape_reply = ROUTES[route or ""]
            entry.status = 200
            entry.counted = count(entry.body, script)
            entry.service_tier = _tier(entry, is_anthropic=is_anthropic)
            if "cost" in script.flags:
                entry.cost_usd = (
                    f"{((entry.counted.input_tokens or 0) * 3 + (entry.counted.output_tokens or 0)) / 1e6:.6f}"
                )
            self._send(entry, script, shape_reply(entry, script))

    @staticmethod
    def _refusal(entry: Entry, script: Script, *, is_known: bool) -> int | None:
        if not is_known:
            return 404
        if script.fails(entry.attempt):
            return script.status
        return 400 if "nostream" in script.flags and "stream_options" in entry.body else None

    def _send(self, entry: Entry, script: Script, reply: Reply) -> None:
        if reply.content_type == JSON:
            self._answer(200, reply.parts[0].data)
            entry.sent = reply.parts[0].tells
            entry.is_complete = True
            return
        self._start(EVENTS)
        for number, part in enumerate(reply.parts):
            if number == script.after and not self._goes_on(entry, script):
                return
            self._write_chunk(part.data)
            entry.sent = merged(entry.sent, part.tells)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        entry.is_complete = True

    def _goes_on(self, entry: Entry, script: Script) -> bool:
        if script.what == "hold":
            return not self._wait_for_client_to_leave()
        if script.what == "error":
            is_anthropic = "/messages" in entry.path
            failure = (anthropic_shapes if is_anthropic else openai_shapes).failure(529)
            self._write_chunk(event(failure, "error" if is_anthropic else None).data)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._hang_up()
        return False

    def _wait_for_client_to_leave(self) -> bool:
        """Wait until the client closes the connection; False when it has not within `PATIENCE_S`."""
        for _ in range(int(PATIENCE_S / 0.02)):
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and self._is_gone():
                self.close_connection = True
                return True
            if self.server.is_closing.is_set():
                return True
        return False

    def _is_gone(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.connection.close()
        self.close_connection = True

    def _answer(self, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._head(status, JSON, {"content-length": str(len(data)), **(headers or {})})
        self.wfile.write(data)
        self.wfile.flush()

    def _start(self, content_type: str) -> None:
        self._head(200, content_type, {"transfer-encoding": "chunked"})

    def _head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, "x-request-id": "req_wire", **headers}.items():
            self.send_header(name, value)
        self.send_header("request-id", "req_wire")
        self.end_headers()

    def _write_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))


def _tier(entry: Entry, *, is_anthropic: bool) -> str:
    asked = entry.body.get("service_tier")
    if is_anthropic:
        return "priority" if asked == "auto" else "standard"
    return "default" if asked in (None, "auto") else str(asked)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Provider-shaped HTTP server on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="provider")
    args = parser.parse_args()
    with Provider(args.port, args.name) as provider:
        address = {"name": provider.name, "port": provider.port, "url": provider.url, "openai": provider.openai_url}
        sys.stdout.write(json.dumps(address) + "\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
