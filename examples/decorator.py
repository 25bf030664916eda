"""Three lines: import, decorate, judge. The client, the function and its result stay as they are.

The third line stands wherever somebody judges the reply, in any process, any day later; see outcomes_late.py:

    ww.accept("T-1000", workload="ticket-reply")
"""

from openai import OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

client = OpenAI()


@ww.task("ticket-reply", key="ticket_id")
def answer(ticket_id: str, text: str) -> str:
    """Draft a reply to one ticket."""
    completion = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[
            {"role": "system", "content": "You answer customers of a web shop, friendly and in three sentences."},
            {"role": "user", "content": text},
        ],
    )
    return completion.choices[0].message.content or ""


if __name__ == "__main__":
    for ticket in tickets(1000, count_from_command_line()):
        answer(ticket.id, ticket.text)
