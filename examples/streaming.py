"""A streamed answer: text appears as it comes, tokens and time to first chunk are recorded, nobody sees a usage chunk.

The reader judges at once, so the outcome is recorded inside the task, without a key.
"""

from collections.abc import Iterator

from openai import OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

client = OpenAI()


@ww.task("summarise")
def summary(texts: list[str]) -> Iterator[str]:
    """Yield a summary piece by piece; the task lasts until the last piece is taken."""
    stream = client.chat.completions.create(
        model="gpt-5-nano",
        messages=[{"role": "user", "content": "Summarise for the shift handover:\n" + "\n".join(texts)}],
        stream=True,
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content
    match thumb(texts):
        case "up":
            ww.accept()
        case "down":
            ww.reject()


def thumb(texts: list[str]) -> str:
    """Stands for the two buttons under the summary, which not every reader presses."""
    return ("up", "up", "", "up", "down")[sum(map(len, texts)) % 5]


if __name__ == "__main__":
    for number in range(count_from_command_line()):
        batch = [ticket.text for ticket in tickets(2000 + number, 2 + number % 5)]
        print("".join(summary(batch)))
