"""Local model first, a hosted one when its answer does not pass the check: what the cheap tier really saves.

`success=` is that check again, on the final result. It labels every run at once, as an automated judgement; a human's
judgement of the same key, whenever it comes, outranks it.
"""

import json
import os

from openai import OpenAI
from openai.types.shared_params import ResponseFormatJSONSchema
from tickets import TEAMS, count_from_command_line, tickets

import worthwhile as ww

local = OpenAI(base_url=os.environ["LOCAL_BASE_URL"])
hosted = OpenAI()

ANSWER: ResponseFormatJSONSchema = {
    "type": "json_schema",
    "json_schema": {
        "name": "team",
        "schema": {
            "type": "object",
            "properties": {"team": {"enum": list(TEAMS)}},
            "required": ["team"],
            "additionalProperties": False,
        },
    },
}


def names_a_team(answer: str) -> bool:
    """Whether the answer is JSON that names one of the teams."""
    try:
        return json.loads(answer)["team"] in TEAMS
    except (ValueError, KeyError, TypeError):
        return False


@ww.task("route-ticket", key="ticket_id", success=names_a_team)
def route(ticket_id: str, text: str) -> str:
    """Which team handles the ticket, as JSON."""
    answer = ask(local, "tiny-llama", text)
    return answer if names_a_team(answer) else ask(hosted, "gpt-5-mini", text)


def ask(client: OpenAI, model: str, text: str) -> str:
    """Ask one model for a team."""
    completion = client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": "Which team handles this ticket?"}, {"role": "user", "content": text}],
        response_format=ANSWER,
        max_completion_tokens=32,
        temperature=1.0,
        seed=len(text),
    )
    return completion.choices[0].message.content or ""


if __name__ == "__main__":
    for ticket in tickets(5000, count_from_command_line()):
        print(ticket.id, route(ticket.id, ticket.text).strip())
