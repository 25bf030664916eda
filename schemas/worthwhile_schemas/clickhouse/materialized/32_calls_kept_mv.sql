-- calls_in -> calls: calls that came with a cost which says what it rests on stay as they are, as billed then;
-- an answer from a cache of the host's own costs what it says or nothing that we know.
CREATE OR REPLACE MATERIALIZED VIEW calls_kept_mv TO calls AS
SELECT
  * EXCEPT (ingested_at, content)
FROM calls_in
WHERE NOT ((isNull(cost_usd) OR cost_basis NOT IN ('provider', 'list', 'contract', 'self_hosted')) AND cache_kind = '');
