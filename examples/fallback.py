"""A dead endpoint: the first model cannot be reached, another one answers; cost and time of the task contain both."""

import os

from openai import APIConnectionError, OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

preferred = OpenAI(base_url=os.environ["DEAD_BASE_URL"], max_retries=0)
spare = OpenAI()


@ww.task("ticket-reply", key="ticket_id")
def answer(ticket_id: str, text: str) -> str:
    """Draft a reply with the preferred model, or with the spare one while the preferred is down."""
    try:
        return draft(preferred, "gpt-5", text)
    except APIConnectionError:
        return draft(spare, "gpt-5-mini", text)


def draft(client: OpenAI, model: str, text: str) -> str:
    """Ask one model."""
    completion = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return completion.choices[0].message.content or ""


if __name__ == "__main__":
    for ticket in tickets(3000, count_from_command_line()):
        answer(ticket.id, ticket.text)
