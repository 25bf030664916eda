"""Edge first, then a larger model of one's own, then a hosted one: each leg says whose place it took, and why.

`ww.fallback` goes on to the next leg where one fails, and where its answer is not good enough.
"""

import os
from functools import partial

from openai import APIConnectionError, OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

edge = OpenAI(base_url=os.environ["DEAD_BASE_URL"], max_retries=0)
local = OpenAI(base_url=os.environ["LOCAL_BASE_URL"])
hosted = OpenAI()


def is_vague(answer: str) -> str | None:
    """Why the answer is not good enough, if it is not."""
    return None if "refund" in answer.lower() else "no refund named"


def ask(client: OpenAI, model: str, text: str) -> str:
    """Ask one model."""
    completion = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], max_completion_tokens=32
    )
    return completion.choices[0].message.content or ""


summarise = ww.fallback(
    [
        ww.Leg(partial(ask, edge, "gpt-5-nano"), tier="edge"),
        ww.Leg(partial(ask, local, "tiny-llama"), tier="local"),
        ww.Leg(partial(ask, hosted, "gpt-5-mini")),
    ],
    on=APIConnectionError,
    when=is_vague,
)


@ww.task("summarise-ticket", key="ticket_id")
def summary(ticket_id: str, text: str) -> str:
    """A summary of the ticket, by the first model that gives a good one."""
    return summarise(text)


if __name__ == "__main__":
    for ticket in tickets(6000, count_from_command_line()):
        print(ticket.id, summary(ticket.id, ticket.text).strip())
