"""Async calls through a gateway and to a local model at once: search by embedding, then answer.

The gateway bills per call and says what it charged; that amount wins over any list price. The embedding comes from your
own machine: its tokens are counted, and its cost is not taken from anybody's price list.
"""

import asyncio
import os

from openai import AsyncOpenAI
from tickets import Ticket, count_from_command_line, tickets

import worthwhile as ww

local = AsyncOpenAI(base_url=os.environ["LOCAL_BASE_URL"])
gateway = AsyncOpenAI(base_url=os.environ["GATEWAY_BASE_URL"])


@ww.task("embed-search", key="question_id")
async def search(question_id: str, question: str, library: dict[str, list[float]]) -> str:
    """Answer from the nearest earlier ticket."""
    vector = await embed(question)
    nearest = max(library, key=lambda text: sum(a * b for a, b in zip(library[text], vector, strict=True)))
    completion = await gateway.chat.completions.create(
        model="google/gemini-2.5-flash",
        messages=[{"role": "user", "content": f"Known case: {nearest}\nAnswer: {question}"}],
    )
    return completion.choices[0].message.content or ""


async def embed(text: str) -> list[float]:
    """Embed one text on the local model."""
    response = await local.embeddings.create(model="tiny-llama", input=text)
    return response.data[0].embedding


async def main(questions: list[Ticket]) -> None:
    """Index some earlier tickets, then answer all questions concurrently."""
    library = {ticket.text: await embed(ticket.text) for ticket in tickets(100, 7)}
    await asyncio.gather(*(search(q.id, q.text, library) for q in questions))


if __name__ == "__main__":
    asyncio.run(main(list(tickets(6000, count_from_command_line()))))
