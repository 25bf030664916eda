-- calls_in -> calls_asked: the other calls. Where there are none, the views behind are not even analysed.
CREATE OR REPLACE MATERIALIZED VIEW calls_asked_mv TO calls_asked AS
SELECT
  * EXCEPT (ingested_at, content)
FROM calls_in
WHERE ((isNull(cost_usd) OR cost_basis NOT IN ('provider', 'list', 'contract', 'self_hosted')) AND cache_kind = '');
