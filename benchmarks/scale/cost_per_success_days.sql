-- The same from the figures by day.
SELECT workload, sum(labelled_cost_usd) / nullIf(sum(successes), 0) AS cost_per_success_usd
FROM cost_per_success_daily
GROUP BY workload
ORDER BY workload;
