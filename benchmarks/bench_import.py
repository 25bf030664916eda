"""What a program that uses openai pays for importing and setting us up: CPU, modules, memory.

Both processes make one canned call, so that what the client loads lazily is in both. Ours has its pipeline built, its
first task and call recorded and the price table read. The smallest of several interleaved rounds counts.
"""

import json
import subprocess
import sys
import tempfile

from harness.processes import HERE, environment

ROUNDS = 7

PROGRAM = """
import sys, time
sys.path.insert(0, {here!r})
import canned
import openai
call = canned.caller("chat")
{ours}
import json, os
rss = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([time.process_time() * 1e3, len(sys.modules), rss / 1048576, peak / 1024]))
sys.stdout.flush()
os._exit(0)
"""

WITHOUT = "call(1)"

WITH = """
import worthwhile as ww
ww.configure(endpoint="http://127.0.0.1:9")
with ww.task("first"):
    call(1)
    assert ww.current_task().cost_usd is not None
assert ww.stats().calls == 1
"""


def run() -> dict[str, tuple[float, str]]:
    """Milliseconds of CPU, modules and MiB on top of openai."""
    found: dict[str, list[list[float]]] = {"without": [], "with": []}
    for _ in range(ROUNDS):
        for name, ours in (("without", WITHOUT), ("with", WITH)):
            with tempfile.TemporaryDirectory() as state:
                program = PROGRAM.format(here=str(HERE), ours=ours)
                done = subprocess.run(
                    [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment(state)
                )
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    cpu, modules, rss, peak = (
        min(row[column] for row in found["with"]) - min(row[column] for row in found["without"]) for column in range(4)
    )
    return {
        "setup_cpu_ms": (round(cpu, 1), "ms"),
        "setup_modules": (round(modules), "{module}"),
        "setup_rss_mib": (round(rss, 2), "MiB"),
        "setup_peak_rss_mib": (round(peak, 2), "MiB"),
        "openai_import_cpu_ms": (round(min(row[0] for row in found["without"]), 1), "ms"),
    }


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
