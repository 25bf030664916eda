"""Prompt caching with Anthropic: the handbook is written to the cache once and read at a tenth of the price after that.

`worthwhile report` shows the hit rate and what caching saved net of the dearer write.
"""

from anthropic import Anthropic
from anthropic.types import TextBlockParam
from tickets import count_from_command_line, tickets

import worthwhile as ww

client = Anthropic()
HANDBOOK: TextBlockParam = {
    "type": "text",
    "text": "Returns are free within 30 days. A broken item is replaced, not repaired. " * 60,
    "cache_control": {"type": "ephemeral"},
}


@ww.task("policy-answer", key="ticket_id")
def answer(ticket_id: str, text: str) -> str:
    """Answer from the handbook."""
    message = client.messages.create(
        model="claude-haiku-4-5",
        max_tokens=300,
        system=[HANDBOOK],
        messages=[{"role": "user", "content": text}],
    )
    return "".join(block.text for block in message.content if block.type == "text")


if __name__ == "__main__":
    for ticket in tickets(4000, count_from_command_line()):
        answer(ticket.id, ticket.text)
