"""The measured process: one arm, one scenario, one way of measuring; prints one line of JSON.

Run by `counting.py`, in the arm's own environment. Watched and unwatched calls are made in the same process: the class
attributes that the arm has changed are taken out and put back.
"""

import argparse
import ctypes
import gc
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import arms
import canned


def main() -> None:
    """Measure, and leave without the exit handlers of the arm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--arm", required=True)
    parser.add_argument("--scenario", default="chat")
    parser.add_argument("--mode", choices=["instructions", "heap", "kept", "spans"], required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--shim", default="")
    parser.add_argument("--delivers", action="store_true")
    chosen = parser.parse_args()
    os.environ.update(arms.NO_TIMERS | arms.CONTENT_OFF.get(chosen.arm, {}))
    logging.disable(logging.WARNING)
    sys.setswitchinterval(60.0)  # threads that wait for the interpreter would interrupt the counted one, slow as it is
    call = canned.caller(chosen.scenario)
    call(2)  # loads what the client loads lazily, before its classes are compared
    patches = arms.Patches()
    kept: list[Any] | None = [] if chosen.mode == "kept" else None
    counter = arms.set_up(chosen.arm, keeps=kept, delivers=chosen.delivers)
    call(2)
    found = patches.find()
    measure = {"instructions": instructions, "heap": heap, "kept": bytes_kept, "spans": spans}[chosen.mode]
    result = measure(chosen, call, counter, patches, kept)
    print(json.dumps({"arm": chosen.arm, "scenario": chosen.scenario, "patched": found, **result}))
    sys.stdout.flush()
    os._exit(0)


def instructions(chosen: Any, call: Any, counter: Any, patches: Any, kept: Any) -> dict[str, Any]:
    """Under callgrind: dumps labelled `call_off`, `flush_off`, `call_on`, `flush_on`, per `count` calls each."""
    marks = ctypes.CDLL(chosen.shim)
    for are_on in (False, True):
        patches.put(are_on=are_on)
        call(25)
        counter.flush()
    gc.collect()
    gc.freeze()
    counted = {}
    for are_on in (False, True):
        patches.put(are_on=are_on)
        gc.collect()
        counter.flush()
        before = counter.spans
        label = b"on" if are_on else b"off"
        marks.mark_start()
        call(2)
        counter.flush()
        marks.mark_zero()
        call(chosen.count)
        marks.mark_dump(b"call_" + label)
        marks.mark_zero()
        counter.flush()
        marks.mark_dump(b"flush_" + label)
        marks.mark_stop()
        counted[label.decode()] = counter.spans - before - (2 if are_on else 0)
    return {"count": chosen.count, "spans": counted}


def heap(chosen: Any, call: Any, counter: Any, patches: Any, kept: Any) -> dict[str, Any]:
    """Allocations of the calling thread per call; needs the shim preloaded and PYTHONMALLOC=malloc."""
    library = ctypes.CDLL(None)
    for name in ("heap_calls", "heap_bytes"):
        getattr(library, name).restype = ctypes.c_ulonglong
    found = {}
    for are_on in (False, True):
        patches.put(are_on=are_on)
        call(100)
        counter.flush()
        gc.collect()
        gc.disable()
        calls, size = library.heap_calls(), library.heap_bytes()
        call(chosen.count)
        found[are_on] = (library.heap_calls() - calls, library.heap_bytes() - size)
        gc.enable()
        counter.flush()
    per_call = [(on - off) / chosen.count for on, off in zip(found[True], found[False], strict=True)]
    return {"mallocs": per_call[0], "bytes": per_call[1], "base_mallocs": found[False][0] / chosen.count}


def bytes_kept(chosen: Any, call: Any, counter: Any, patches: Any, kept: Any) -> dict[str, Any]:
    """Bytes that one finished span holds on to, with everything that it alone keeps alive."""
    import tracemalloc

    call(50)
    kept.clear()
    gc.collect()
    tracemalloc.start(1)
    call(3)
    kept.clear()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    call(chosen.count)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    return {"kept_bytes": held / chosen.count, "spans": len(kept) / chosen.count}


def spans(chosen: Any, call: Any, counter: Any, patches: Any, kept: Any) -> dict[str, Any]:
    """How many spans and logs a call makes, to see that an arm works at all."""
    counter.flush()
    before = (counter.spans, counter.logs)
    call(chosen.count)
    counter.flush()
    return {
        "spans": (counter.spans - before[0]) / chosen.count,
        "logs": (counter.logs - before[1]) / chosen.count,
        "bytes": counter.bytes,
    }


if __name__ == "__main__":
    main()
