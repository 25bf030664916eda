"""The timer of a running collector that settles roll-ups beside the writer."""

import threading
from dataclasses import asdict, dataclass

from worthwhile_collectors.errors import WorthwhileError
from worthwhile_collectors.store import Store, settle, touch_all


@dataclass(slots=True)
class Settlings:
    """What the timer did since it started."""

    rounds: int = 0
    hours: int = 0
    failed: int = 0
    last_error: str | None = None


class Settler:
    """Settles every so often in a thread of its own. Whatever fails is tried again at the next round.

    Args:
        store: Whose roll-ups.
        seconds: Time between rounds; 0 never starts.
    """

    def __init__(self, store: Store, *, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._counts = Settlings()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worthwhile-settler", daemon=True)

    def start(self) -> None:
        """Begins. Called once."""
        if self._seconds:
            self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Ends after the statement that runs now, or leaves it behind: a settling may be cut anywhere."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def settle_now(self, *, everything: bool) -> int:
        """Settles in the caller's thread, beside the timer, and returns how many hours that were.

        Args:
            everything: Whether to compute all roll-ups again, also of hours that nothing was written to.
        """
        if everything:
            touch_all(self._store)
        return settle(self._store, is_wanted=self._is_wanted)

    def counts(self) -> dict[str, object]:
        """What was settled so far."""
        return asdict(self._counts)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            self._counts.rounds += 1
            try:
                self._counts.hours += settle(self._store, is_wanted=self._is_wanted)
                self._counts.last_error = None
            except WorthwhileError as err:
                self._counts.failed += 1
                self._counts.last_error = str(err)

    def _is_wanted(self) -> bool:
        return not self._stopping.is_set()
