"""The support tickets that the examples work on: made up, the same on every run."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

TEAMS = ("billing", "delivery", "account")
TEXTS = (
    ("billing", "I was charged twice for order {order}. Please refund the second payment."),
    ("delivery", "Order {order} was due on Monday and the tracking page has not moved since."),
    ("account", "I cannot log in any more since I changed my phone. My last order was {order}."),
    ("delivery", "The parcel of {order} arrived with a broken lid, see the photo. What now?"),
    ("billing", "The invoice of {order} shows the wrong company name and VAT number."),
    ("account", "Please delete my account and everything you store about {order}."),
    ("delivery", "Can you send {order} to my office instead? I am abroad until the 14th and nobody is at home."),
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket, and the team that it turned out to belong to."""

    id: str
    team: str
    text: str


def tickets(first: int, count: int) -> Iterator[Ticket]:
    """`count` tickets numbered from `first` on."""
    for number in range(first, first + count):
        team, text = TEXTS[number % len(TEXTS)]
        yield Ticket(f"T-{number}", team, text.format(order=f"A-{7000 + number * 37 % 1000}"))


def count_from_command_line(default: int = 3) -> int:
    """The number of tasks to run: the program's only argument."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default
