-- How the figure of a day moved as judgements arrived: as it was known one, three and seven days after, and now. NULL where
-- it had not been computed by then.
CREATE OR REPLACE VIEW cost_per_success_restated AS
SELECT
  workload,
  cohort_day,
  argMaxIf(tuple(cost / nullIf(successes, 0)), known_on, age <= 1).1 AS after_1_day_usd,
  argMaxIf(tuple(cost / nullIf(successes, 0)), known_on, age <= 3).1 AS after_3_days_usd,
  argMaxIf(tuple(cost / nullIf(successes, 0)), known_on, age <= 7).1 AS after_7_days_usd,
  argMax(tuple(cost / nullIf(successes, 0)), known_on).1 AS now_usd,
  argMaxIf(toNullable(labelled), known_on, age <= 1) AS labelled_after_1_day,
  argMaxIf(toNullable(labelled), known_on, age <= 3) AS labelled_after_3_days,
  argMaxIf(toNullable(labelled), known_on, age <= 7) AS labelled_after_7_days,
  argMax(labelled, known_on) AS labelled_now
FROM
(
  SELECT
    *,
    labelled_cost_usd AS cost,
    dateDiff('day', cohort_day, known_on) AS age
  FROM cost_per_success_days FINAL
)
GROUP BY
  workload,
  cohort_day;
