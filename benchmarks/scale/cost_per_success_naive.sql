-- The same from calls and signals, joined at once. Right for units that are not nested.
SELECT costs.workload AS workload, sumIf(costs.cost_usd, isNotNull(judged.verdict)) / nullIf(countIf(judged.verdict = 1), 0) AS cost_per_success_usd
FROM
(
  SELECT task_ref, any(workload) AS workload, sum(calls.cost_usd) AS cost_usd
  FROM calls
  WHERE task_id != 0
  GROUP BY task_ref
) AS costs
LEFT JOIN
(
  SELECT
    if(task_ref != 0, task_ref, task_id) AS ref,
    toNullable(argMax(assumeNotNull(signals.verdict), (transform(source, ['human', 'automated', 'system'], [3, 2, 1], 1), event_ts, revision, signal_id))) AS verdict
  FROM signals
  WHERE isNotNull(signals.verdict)
  GROUP BY ref
) AS judged ON judged.ref = costs.task_ref
GROUP BY workload
ORDER BY workload;
