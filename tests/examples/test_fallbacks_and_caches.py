"""The examples of `ww.fallback` and `ww.cached` run as they stand, and leave behind what their texts promise."""

from typing import Any

CALLS = """
SELECT workload, task_key, provider, request_model, tier, error_type, fallback_from, fallback_to, fallback_reason,
  fallback_index, cache_kind, input_tokens, output_tokens, cost_basis,
  toFloat64(cost_usd) AS cost, toFloat64(cache_saving_usd) AS saving, toString(attrs) AS tail
FROM calls_final WHERE service = {service:String} ORDER BY ts
"""


def columns(rows: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(row[name] for name in names) for row in rows]


def test_escalation_goes_from_the_edge_to_the_hosted_model(ground: Any) -> None:
    printed = ground.run("escalation", "3")
    assert len(printed.splitlines()) >= 3
    rows = ground.rows(CALLS, service="escalation")
    found = columns(rows, "tier", "fallback_from", "fallback_to", "fallback_reason", "fallback_index")
    assert (
        found
        == [
            ("edge", "", "", "", None),
            ("local", "gpt-5-nano", "tiny-llama", "openai.APIConnectionError", 1),
            ("frontier", "tiny-llama", "gpt-5-mini", "no refund named", 2),
        ]
        * 3
    )


def test_cached_answers_cost_nothing_and_say_what_they_saved(ground: Any) -> None:
    before = len(ground.requests("openai"))
    ground.run("cached_answers", "4")
    rows = ground.rows(CALLS, service="cached_answers")
    assert columns(rows, "cache_kind") == [("",), ("exact",), ("semantic",)] * 4
    assert len(ground.requests("openai")) - before == 4, "no other question reached the model"
    for asked, hit, similar in zip(rows[0::3], rows[1::3], rows[2::3], strict=True):
        assert hit["saving"] == asked["cost"] > 0
        assert similar["saving"] is None
        for row in (hit, similar):
            assert (row["cost"], row["input_tokens"], row["output_tokens"], row["cost_basis"]) == (0, 0, 0, "list")
            assert (row["provider"], row["request_model"]) == ("openai", "gpt-5-mini")
