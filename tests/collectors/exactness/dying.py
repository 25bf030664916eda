"""`worthwhile up` that kills itself with SIGKILL at a given moment: `python dying.py PHASE COUNT DELAY_MS up ...`.

The kernel ends the process at that instruction, as in a power cut of the process: no handler runs, nothing is flushed.
"""

import os
import signal
import sys
import threading
import time

from worthwhile_collectors.cli import main
from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.spool import Spool
from worthwhile_collectors.store import Store

PHASES = {
    "receive": (Pipeline, "accept", "before"),
    "spool": (Spool, "append", "after"),
    "acknowledge": (Spool, "append", "after"),
    "seal": (Spool, "_seal", "after"),
    "insert": (Store, "insert_protobuf", "before"),
    "stored": (Store, "insert_protobuf", "after"),
    "removed": (Spool, "remove", "after"),
}
"""A request read and not kept; kept and not acknowledged; around its acknowledgement; a segment sealed; being inserted;
inserted and still in the spool; gone from the spool. A delay moves the end on from there."""


def die_at(phase: str, count: int, delay_ms: float) -> None:
    """Arrange for the end: at the `count`-th time that the phase is reached, `delay_ms` later."""
    owner, name, when = PHASES[phase]
    original = getattr(owner, name)
    reached = threading.Lock()
    left = count

    def end() -> None:
        nonlocal left
        with reached:
            left -= 1
            is_last = left == 0
        if is_last and delay_ms > 0:
            threading.Thread(target=lambda: (time.sleep(delay_ms / 1000), os.kill(os.getpid(), signal.SIGKILL))).start()
        elif is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapper(*arguments, **named):
        if when == "before":
            end()
        result = original(*arguments, **named)
        if when == "after":
            end()
        return result

    setattr(owner, name, wrapper)


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    sys.exit(main(sys.argv[4:]))
