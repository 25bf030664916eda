"""A collector killed with -9 in each phase of ingest: whatever was acknowledged is stored, and counts once.

`benchmarks/bench_exactness.py` does the same at 50 random moments.
"""

from pathlib import Path

import pytest
from tests.collectors.exactness import dying
from tests.collectors.exactness.rounds import Rounds, deaths
from tests.collectors.exactness.traffic import Traffic
from tests.collectors.exactness.truth import check, duplicates

pytestmark = pytest.mark.timeout(240)


def test_a_death_in_each_phase_loses_and_doubles_nothing(start_collectors, migrated_copy, tmp_path: Path) -> None:
    rounds = Rounds(migrated_copy(tmp_path / "data"), Traffic(seed=11))
    for death in deaths(len(dying.PHASES), seed=5):
        rounds.run(death)
    assert {death.phase for death in rounds.died} == set(dying.PHASES)
    collector = start_collectors(tmp_path / "data")
    rounds.finish(collector.url)
    check(collector.rows, rounds.traffic.ledger)
    twice = duplicates(collector.rows)
    assert twice["otel_traces"] + twice["otel_logs"] > 0, "no request came twice: the test shows little"
    assert rounds.acknowledged > 20
    assert not list((tmp_path / "data" / "quarantine").glob("*")), "a crash made a segment unreadable"
