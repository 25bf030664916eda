-- How long did tasks wait for providers that turned them away? Tries after the first, and the back-off before them.
SELECT
  workload,
  provider,
  request_model,
  countIf(number > 1) AS retries,
  countIf(http_status = 429) AS rate_limited,
  countIf(error_type != '' AND isNull(http_status)) AS unreachable,
  sum(attempts_final.wait_ns) / 1000000 AS waited_ms,
  sumIf(duration_ns, error_type != '' OR http_status >= 400) / 1000000 AS spent_on_failed_tries_ms
FROM attempts_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
GROUP BY
  workload,
  provider,
  request_model
ORDER BY retries DESC
