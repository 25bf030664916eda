-- How long judgements take to arrive after a unit of account began, per workload [s]. Failures of runs are no judgements.
CREATE OR REPLACE VIEW label_lag AS
SELECT
  units.workload AS workload,
  count() AS labelled,
  quantileExact(0.5)(dateDiff('millisecond', units.ts, outcome.event_ts) / 1000) AS lag_p50_s,
  quantileExact(0.95)(dateDiff('millisecond', units.ts, outcome.event_ts) / 1000) AS lag_p95_s
FROM task_units AS units
INNER JOIN outcomes AS outcome ON outcome.task_ref = units.task_ref
WHERE outcome.signal_id != ''
GROUP BY workload;
