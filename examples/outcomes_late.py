"""Outcomes from another process, later: all that it knows about a task is its workload and the ticket's number.

It reads an export of customers' ratings. Each rating has an id of its own: reading the same export again changes
nothing, a rating that comes again with another verdict revises the first, and a withdrawn one counts no more. A rating
of a ticket that nobody knows waits, visibly, until that ticket arrives.

    python examples/outcomes_late.py ratings.csv        # columns: id, workload, ticket, verdict, detail
"""

import csv
import sys
from pathlib import Path

import worthwhile as ww


def record(rating: dict[str, str]) -> None:
    """Turn one line of the export into a signal."""
    ticket, workload, rating_id = rating["ticket"], rating["workload"], rating["id"]
    match rating["verdict"]:
        case "good":
            ww.accept(ticket, workload=workload, id=rating_id)
        case "corrected":
            ww.edit(ticket, workload=workload, id=rating_id, distance=float(rating["detail"]))
        case "useless":
            ww.reject(ticket, workload=workload, id=rating_id)
        case "handed over":
            ww.escalate(ticket, workload=workload, id=rating_id, minutes=float(rating["detail"]))
        case "withdrawn":
            ww.void(ticket, workload=workload, id=rating_id)
        case other:
            raise ValueError(f"reading the rating `{rating_id}`: the verdict `{other}` is not known")


if __name__ == "__main__":
    with Path(sys.argv[1]).open(newline="") as export:
        for line in csv.DictReader(export):
            record(line)
