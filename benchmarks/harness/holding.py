"""A process that emits at a rate and watches what that does to its threads; prints one line of JSON.

    python holding.py MODE ENDPOINT RATE SECONDS

`holds`: how long our own threads hold the interpreter lock at a time, in CPU time, which the machine's load does not
change. A thread holds the lock from one call that lets it go to the next. Those calls are replaced by ones that look at
the thread's CPU clock on the way in and out: whatever it does in between, it does with the lock held.

`wake-ups`: how late another thread wakes that sleeps for half a millisecond. `control`: the same where the spans end
and go nowhere, so that only the emitting thread and the machine disturb.
"""

import functools
import json
import os
import selectors
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

LET_GO = (
    (time, "sleep"),
    (os, "pwrite"),
    (os, "pread"),
    (os, "statvfs"),
    (os, "open"),
    (zlib, "compress"),
    (zlib, "decompress"),
    (selectors.DefaultSelector, "select"),
    (socket.socket, "send"),
    (socket.socket, "recv_into"),
)
SLEEP_S = 0.0005
THREADS = ("worthwhile-drain", "worthwhile-spans", "worthwhile-signals")


class Holds:
    """The stretches found so far.

    Attributes:
        found: Nanoseconds, the thread's name, and the calls before and after.
    """

    def __init__(self) -> None:
        self.found: list[tuple[int, str, str, str]] = []
        self._since: dict[int, tuple[int, str]] = {}

    def watch(self) -> None:
        """Replace the calls that let the lock go; before the pipeline is built."""
        from worthwhile._threads import Bell

        for owner, name in (*LET_GO, (Bell, "wait")):
            setattr(owner, name, self._watched(getattr(owner, name), name))

    def us(self, share: float) -> float:
        """Microseconds that this share of the stretches stays under."""
        return sorted(self.found)[int((len(self.found) - 1) * share)][0] / 1e3

    def _watched(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(*words: Any, **named: Any) -> Any:
            thread = threading.current_thread()
            if thread.name not in THREADS:
                return call(*words, **named)
            since = self._since.get(thread.ident)
            if since is not None:
                self.found.append((time.thread_time_ns() - since[0], thread.name, since[1], name))
            try:
                return call(*words, **named)
            finally:
                self._since[thread.ident] = (time.thread_time_ns(), name)

        return watched


def wake_ups(seconds: float) -> list[float]:
    """Seconds of delay of each wake-up from half a millisecond's sleep."""
    found = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        time.sleep(SLEEP_S)
        found.append(time.perf_counter() - began - SLEEP_S)
    return sorted(found)


def emit_steadily(emit: Callable[[], None], rate: int, seconds: float) -> None:
    """Emit in two thousand small blocks a second, each as long as a request handler might compute at a time."""
    block = max(1, rate // 2000)
    due = time.perf_counter()
    end = due + seconds
    while due < end:
        for _ in range(block):
            emit()
        due += block / rate
        time.sleep(max(0.0, due - time.perf_counter()))


def main(mode: str, endpoint: str, rate: int, seconds: float) -> dict[str, Any]:
    """Emit, watch and tell."""
    from emitting import ours

    holds = Holds()
    if mode == "holds":
        holds.watch()
    emit, flush, counts = ours(endpoint)
    if mode == "control":
        from worthwhile import _setup

        _setup.active().origin.end = lambda span: None
    thread = threading.Thread(target=emit_steadily, args=(emit, rate, seconds), daemon=True)
    thread.start()
    late = wake_ups(seconds)
    thread.join()
    flush(30)
    told = {"wake_ups": len(late), "late_p99_ms": late[int(len(late) * 0.99)] * 1e3, **counts()}
    if mode == "holds":
        told |= {
            "holds": len(holds.found),
            **{f"hold_p{share}_us": holds.us(share / 1000) for share in (500, 990, 999)},
        }
    return told


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
