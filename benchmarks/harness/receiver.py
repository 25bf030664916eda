"""An OTLP/HTTP receiver in a process of its own, on loopback: counts spans, and misbehaves on request.

    python receiver.py MODE      ok, 503, hang (accepts, never answers) or blackhole (never accepts, drops what knocks)

Prints its port, serves until its standard input closes, then prints one line of JSON: requests, bytes, spans, distinct.
"""

import gzip
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator

TRACES = b"/v1/traces"


class Seen:
    """What has arrived."""

    def __init__(self) -> None:
        self.requests = self.bytes = self.spans = 0
        self.ids: set[bytes] = set()
        self.lock = threading.Lock()

    def take(self, body: bytes) -> None:
        """Count a request to the traces path."""
        ids = list(_span_ids(body))
        with self.lock:
            self.requests += 1
            self.bytes += len(body)
            self.spans += len(ids)
            self.ids.update(ids)

    def told(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {"requests": self.requests, "bytes": self.bytes, "spans": self.spans, "distinct": len(self.ids)}
        )


def _span_ids(body: bytes) -> Iterator[bytes]:
    """The ids of all spans of an export request: field 1, in it field 2, in it field 2, and there fields 1 and 2."""
    for resource in _fields(body, 1):
        for scope in _fields(resource, 2):
            for span in _fields(scope, 2):
                yield bytes(span[2:18]) + bytes(span[20:28])  # trace_id and span_id come first: 0a 10 ... 12 08 ...


def _fields(message: bytes | memoryview, wanted: int) -> Iterator[memoryview]:
    view, at, end = memoryview(message), 0, len(message)
    while at < end:
        tag, at = _varint(view, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(view, at)
            if tag >> 3 == wanted:
                yield view[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(view, at)
        else:
            at += 8 if kind == 1 else 4


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def serve(connection: socket.socket, mode: str, seen: Seen) -> None:
    """Answer the requests of one connection."""
    reader = connection.makefile("rb", buffering=1 << 16)
    status = b"503 Service Unavailable" if mode == "503" else b"200 OK"
    try:
        while line := reader.readline():
            length, is_gzip = 0, False
            while (header := reader.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif name.lower() == b"content-encoding":
                    is_gzip = value.strip() == b"gzip"
            body = reader.read(length)
            if mode == "hang":
                time.sleep(3600)
            if mode == "ok" and line.split()[1] == TRACES:
                seen.take(gzip.decompress(body) if is_gzip else body)
            connection.sendall(
                b"HTTP/1.1 " + status + b"\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
            )
    except OSError:
        pass


def main(mode: str, port: int) -> None:
    """Serve until standard input closes."""
    seen = Seen()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(0 if mode == "blackhole" else 64)
    knocking = []
    if mode == "blackhole":
        for _ in range(4):  # they fill the queue of connections, so that further ones get no answer at all
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
            knocking.append(caller)
    else:
        threading.Thread(target=_accept, args=(listener, mode, seen), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    print(seen.told(), flush=True)


def _accept(listener: socket.socket, mode: str, seen: Seen) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection, mode, seen), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
