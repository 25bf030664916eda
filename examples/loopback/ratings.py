"""What customers said about the demonstration's replies: the export that outcomes_late.py reads."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


class Rating(NamedTuple):
    """One line of the export."""

    id: str
    workload: str
    ticket: str
    verdict: str
    detail: str = ""


# Of ten customers, eight answer.
ANSWERS = (
    ("good", ""),
    ("good", ""),
    ("corrected", "0.15"),
    ("good", ""),
    None,
    ("useless", ""),
    ("good", ""),
    ("good", ""),
    None,
    ("handed over", "6"),
)


def ratings(workload: str, numbers: Iterable[int]) -> Iterator[Rating]:
    """The ratings of some tickets."""
    for number in numbers:
        if answer := ANSWERS[number % len(ANSWERS)]:
            yield Rating(f"rating-{number}", workload, f"T-{number}", *answer)


def complaints(workload: str, numbers: Iterable[int]) -> Iterator[Rating]:
    """Ratings where only those speak up who are not content: one in nine."""
    for number in numbers:
        if number % 9 == 0:
            yield Rating(f"complaint-{number}", workload, f"T-{number}", "useless")


def second_thoughts(workload: str, first: int) -> Iterator[Rating]:
    """One rating that changes its mind, one that is withdrawn, and one of a ticket whose number is mistyped."""
    yield Rating(f"rating-{first + 5}", workload, f"T-{first + 5}", "good")
    yield Rating(f"rating-{first}", workload, f"T-{first}", "withdrawn")
    yield Rating("rating-lost", workload, f"T-{first}O", "good")


def write(path: Path, lines: Iterable[Rating]) -> int:
    """Write an export and return the number of its lines."""
    rows = list(lines)
    with path.open("w", newline="") as export:
        writer = csv.writer(export)
        writer.writerow(Rating._fields)
        writer.writerows(rows)
    return len(rows)
