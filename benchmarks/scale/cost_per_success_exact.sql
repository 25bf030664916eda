-- Cost per successful task by workload, from one row per task.
SELECT workload, sumIf(cost_usd, isNotNull(verdict)) / nullIf(countIf(verdict = 1), 0) AS cost_per_success_usd
FROM settled_units
GROUP BY workload
ORDER BY workload;
