-- One row per unit of account (`task_ref`): all runs of a keyed task together, or one run without a key, with what it cost
-- and how it ended. A call counts once in a unit, also when several of its enclosing runs belong to that unit. Units touched
-- since they were settled are computed from the rows themselves. A period is fast when it bounds `cohort_day`.
CREATE OR REPLACE VIEW task_units AS
SELECT
  cohort_day, workload, task_ref, task_key, ts, runs, open_runs, failed_runs, duration_ns,
  if(runs = 1, if(isNull(duration_ns), [], [assumeNotNull(duration_ns)]), run_durations_ns) AS run_durations_ns,
  if(runs = 1, duration_ns, arrayElementOrNull(facts.run_durations_ns, 1)) AS first_duration_ns,
  last_status, last_end, depth, calls, failed_calls, priced_calls, self_hosted_calls, unpriced_calls, retries, fallbacks,
  cost_usd, cache_saving_usd, energy_uj, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  reasoning_tokens, last_model,
  if(empty(models) AND calls > 0, [toString(last_model)], models) AS models,
  sample_weight, verdict, verdict_kind, verdict_name, verdict_value, verdict_source, verdict_actor, verdict_ts,
  verdict_revision, verdict_signal_id, is_escalated
FROM
(
  SELECT * EXCEPT (version, is_gone)
  FROM task_facts FINAL
  WHERE cohort_day NOT IN (SELECT toDate(hour) FROM touched_runs)
  UNION ALL
  SELECT * EXCEPT (version, is_gone)
  FROM task_facts FINAL
  WHERE cohort_day IN (SELECT toDate(hour) FROM touched_runs)
    AND task_ref NOT IN (SELECT task_ref FROM touched_units)
  UNION ALL
  SELECT *
  FROM touched_facts
) AS facts
SETTINGS do_not_merge_across_partitions_select_final = 1;
