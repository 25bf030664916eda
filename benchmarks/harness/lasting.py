"""A process that emits very many model calls and tells its memory at every tenth; prints one line of JSON.

The calls differ as those of a program do: in their ids, tokens, durations and every few of them in their task. It waits
whenever the delivery falls behind, as a program does that waits for answers, so that no queue overflows.
"""

import argparse
import json
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

MOST_QUEUED = 16_384
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def emitter() -> Callable[[], int]:
    """What emits a task with some calls, and how many spans that are."""
    import worthwhile as ww
    from worthwhile import Usage
    from worthwhile._invocation import CallRequest, CallResponse, start

    chance = random.Random(7)
    models = [("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")]

    def emit() -> int:
        calls = chance.randrange(1, 8)
        with ww.task("reply", key=f"T-{chance.getrandbits(40)}"):
            for _ in range(calls):
                provider, model = chance.choice(models)
                usage = Usage(chance.randrange(200, 9000), chance.randrange(5, 900), chance.randrange(0, 200))
                name = "chatcmpl-" + "".join(chance.choices(ALPHABET, k=29))
                start(CallRequest("chat", provider, model)).finish(CallResponse(name, model, ("stop",), usage))
        return calls + 1

    return emit


def memory_mib() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576


def main() -> None:
    """Emit as asked, flush, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--spans", type=int, required=True)
    parser.add_argument("--flush", type=float, required=True)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    import worthwhile as ww
    from worthwhile import _setup

    ww.configure(endpoint=chosen.endpoint)
    emit, emitted, memory = emitter(), 0, []
    queue = _setup.active().outboxes[0]._queue
    cpu = time.process_time()
    for tenth in range(1, 11):
        while emitted < chosen.spans * tenth // 10:
            emitted += emit()
            while len(queue) > MOST_QUEUED:
                time.sleep(0.002)
        while queue:
            time.sleep(0.01)
        memory.append(round(memory_mib(), 2))
    told = {"emitted": emitted, "memory_mib": memory, "cpu_us": (time.process_time() - cpu) / emitted * 1e6}
    told["flushed"] = ww.flush(chosen.flush)
    print(json.dumps({**told, **ww.stats()._asdict(), "lost": dict(ww.stats().lost)}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
