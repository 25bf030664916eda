"""What commands share to talk to people: words go to stderr, data to stdout, colour only where it is wanted."""

import os
import shutil
import sys
from collections.abc import Sequence, Set
from typing import TextIO


def say(text: str) -> None:
    """Tells a person something, on stderr, at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def has_color(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: a terminal, and NO_COLOR (https://no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def aligned(rows: Sequence[Sequence[str]], numbers: Set[int] = frozenset()) -> str:
    """Rows as lines of columns as wide as they need to be; the columns at these positions are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in rows
    )


def write_data(data: bytes) -> None:
    """Writes data to stdout as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
