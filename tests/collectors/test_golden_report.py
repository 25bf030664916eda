"""A golden OTLP file gives the figures computed by hand: from a file, and through a collector that is killed twice.

`golden/tickets.jsonl`, workload `ticket`, by key (USD):

| key | cost                                      | outcome                                                        |
|-----|-------------------------------------------|----------------------------------------------------------------|
| 1   | two runs, 0.01 + 0.01 = 0.02              | accepted                                                       |
| 2   | 0.01, and 0.03 in a nested `draft` = 0.04 | accepted; the signal comes before the task                     |
| 3   | 0.03                                      | rejected, revised to accepted; a system check that fails is    |
|     |                                           | later and does not outrank a person                            |
| 4   | 0.05, one retry                           | accepted                                                       |
| 5   | 0.06                                      | rejected, withdrawn; accepted by another signal                |
| 6   | 0.04                                      | rejected                                                       |
| 7   | 0.03                                      | accepted, withdrawn: not labelled                              |

Labelled are n = 6 tasks of 0.24, of which S = 5 succeeded: the cost per successful task is 0.24 / 5 = 0.048. With
the seventh, 0.27 / 6 = 0.045 if it succeeded and 0.27 / 5 = 0.054 if it failed.

Fieller's interval: means a = 0.04 and b = 5/6, variances vc = 0.001 / 5 and vs = (5/6) / 5, covariance
(0.20 - 6 * 0.04 * 5/6) / 5 = 0, t = 2.570582 (5 degrees of freedom), k = t^2 / 6 = 1.101315. The roots of
(b^2 - k vs) r^2 - 2 a b r + (a^2 - k vc) = 0.510892 r^2 - 0.0666667 r + 0.00137974 are 0.025795 and 0.104696.
"""

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden" / "tickets.jsonl"
PERIOD = ("--since", "2026-11-01", "--until", "2026-11-08", "--json")


def check(report: dict) -> None:
    [ticket] = [workload for workload in report["workloads"] if workload["workload"] == "ticket"]
    assert (ticket["tasks"], ticket["labelled"], ticket["successes"]) == (7, 6, 5)
    assert ticket["label_coverage"] == pytest.approx(6 / 7)
    assert ticket["success_rate"] == pytest.approx(5 / 6)
    assert ticket["cost_per_successful_task_usd"] == "0.048"
    assert float(ticket["cpst_low_usd"]) == pytest.approx(0.025795, rel=1e-4)
    assert float(ticket["cpst_high_usd"]) == pytest.approx(0.104696, rel=1e-4)
    assert (ticket["bound_all_succeeded_usd"], ticket["bound_all_failed_usd"]) == ("0.045", "0.054")
    totals = report["totals"]
    assert (totals["calls"], totals["cost_usd"], totals["retries"]) == (9, "0.27", 1)
    assert (totals["tokens"]["input"], totals["tokens"]["output"], totals["tokens"]["cache_read"]) == (9000, 900, 2250)
    assert totals["cache_hit_rate"] == pytest.approx(0.25)
    assert report["unmatched_signals"] == 1


def test_from_a_file(worthwhile_process, migrated_copy, tmp_path):
    data = ("--data", str(migrated_copy(tmp_path / "data")))
    assert worthwhile_process("ingest", str(GOLDEN), str(GOLDEN), *data).returncode == 0
    check(json.loads(worthwhile_process("report", *PERIOD, *data).stdout))


def test_through_a_collector_that_is_killed_and_sent_everything_again(start_collectors, worthwhile, tmp_path):
    lines = GOLDEN.read_bytes().splitlines()
    data = tmp_path / "data"
    for sent in (5, 9, len(lines)):
        collector = start_collectors(data, "--segment-seconds", "0.05")
        for line in lines[:sent]:
            path = "/v1/logs" if line.startswith(b'{"resourceLogs"') else "/v1/traces"
            assert collector.post(path, line, "application/json").status == 200
        if sent < len(lines):
            collector.kill()
    report = json.loads(worthwhile("report", *PERIOD, "--data", str(data)).stdout)
    check(report)
    assert [row["n"] for row in collector.rows("SELECT count() AS n FROM calls_final")] == [9]
    page = collector.get("/api/report.json?since=2026-11-01&until=2026-11-08")
    assert page.json() == report
