"""Tasks inside a task: each has its own cost and outcome, and the outer one's cost contains theirs.

One of the models is in no price list. Its cost stays unknown and is reported as such; it is never counted as zero.
"""

from collections.abc import Iterator

from openai import OpenAI
from tickets import count_from_command_line, tickets

import worthwhile as ww

client = OpenAI()


@ww.task("weekly-review", key="week")
def review(week: str, texts: list[str]) -> Iterator[str]:
    """Yield the cause of each ticket, then a conclusion; the task ends with the last one."""
    causes = [cause(text) for text in texts]
    yield from causes
    yield ask("gpt-5", f"One sentence on week {week}: " + "; ".join(causes))


@ww.task("name-cause", success=lambda answer: len(answer.split()) <= 5)
def cause(text: str) -> str:
    """Name the cause of one ticket in a few words."""
    return ask("house-model-7b", f"Cause, in at most five words: {text}")


def ask(model: str, prompt: str) -> str:
    """Ask one model through the Responses API."""
    return client.responses.create(model=model, input=prompt).output_text


if __name__ == "__main__":
    for number in range(count_from_command_line()):
        week = f"2026-W{number + 1:02}"
        for line in review(week, [ticket.text for ticket in tickets(7 * number, 3)]):
            print(line)
        stars = 2 + number % 4
        ww.score(week, workload="weekly-review", name="stars", value=stars, passed=stars >= 3, source="human")
