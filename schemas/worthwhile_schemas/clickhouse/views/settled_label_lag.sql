-- How long judgements take to arrive after a unit of account began, per workload [s]. Failures of runs are no judgements. As last settled.
CREATE OR REPLACE VIEW settled_label_lag AS
SELECT
  workload,
  count() AS labelled,
  quantileExact(0.5)(dateDiff('millisecond', ts, verdict_ts) / 1000) AS lag_p50_s,
  quantileExact(0.95)(dateDiff('millisecond', ts, verdict_ts) / 1000) AS lag_p95_s
FROM settled_units
WHERE verdict_signal_id != ''
GROUP BY workload;
