"""The two clocks: wall time for stamps, a monotonic one for durations. `testing.capture` replaces both."""

import time
from collections.abc import Callable

time_ns: Callable[[], int] = time.time_ns
"""Nanoseconds since the epoch. Call it as `_clock.time_ns()`, so that a replacement is seen."""

perf_ns: Callable[[], int] = time.perf_counter_ns
"""Nanoseconds of a clock that never steps back. Call it as `_clock.perf_ns()`."""
