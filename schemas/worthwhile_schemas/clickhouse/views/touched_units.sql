-- Units of account that an insert has touched since they were last settled.
-- `is_counted` says that runs or calls were touched; else only signals were, and what the unit cost has not changed.
CREATE OR REPLACE VIEW touched_units AS
SELECT
  task_ref,
  max(is_counted) AS is_counted
FROM
(
  SELECT
    known.task_ref AS task_ref,
    named.is_counted AS is_counted
  FROM
  (
    SELECT
      id,
      max(what != 'signal') AS is_counted
    FROM touched_tasks
    WHERE id != 0
    GROUP BY id
  ) AS named
  INNER JOIN
  (
    SELECT
      id,
      ref AS task_ref
    FROM
    (
      SELECT
        id,
        task_ref AS ref
      FROM touched_tasks
      WHERE what != 'signal' AND (id = run OR id = task_ref)
      UNION ALL
      SELECT
        id,
        if(task_ref = 0, id, task_ref) AS ref
      FROM task_links
      WHERE (run = 0 OR task_ref = 0)
        AND id IN (SELECT id FROM touched_tasks)
    )
    GROUP BY
      id,
      ref
  ) AS known ON known.id = named.id
  UNION ALL
  SELECT
    task_ref,
    false AS is_counted
  FROM
  (
    SELECT task_ref, trace_id, span_id, ts
    FROM calls
    UNION ALL
    SELECT task_ref, trace_id, span_id, ts
    FROM task_runs
  )
  WHERE task_ref != 0
    -- a day that no row has, while no signal of the queue names a span
    AND toDate(ts) >= (SELECT if(count() = 0, toDate('2149-06-06'), toDate(0)) FROM touched_tasks WHERE id = 0)
    AND (trace_id, span_id) IN
    (
      SELECT (trace_id, span_id)
      FROM touched_tasks
      WHERE id = 0
    )
)
GROUP BY task_ref;
