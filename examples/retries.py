"""A busy provider: the client retries behind your back. The waiting time and every try belong to the task that paid.

The OpenAI client hides a 429 that it could retry away. Here it shows as a retry with its back-off, not as a slow model.
"""

import os

from openai import OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

client = OpenAI(base_url=os.environ["BUSY_BASE_URL"], max_retries=2)


@ww.task("ticket-reply", key="ticket_id")
def answer(ticket_id: str, text: str) -> str:
    """Draft a reply; the first try of every call is turned away."""
    completion = client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": text}])
    return completion.choices[0].message.content or ""


if __name__ == "__main__":
    for ticket in tickets(9000, count_from_command_line()):
        answer(ticket.id, ticket.text)
