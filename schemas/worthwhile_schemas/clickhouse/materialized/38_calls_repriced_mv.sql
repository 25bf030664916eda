-- calls_repriced -> calls: the call again with its new cost; `repricings` makes this row count, also against the span sent again.
CREATE OR REPLACE MATERIALIZED VIEW calls_repriced_mv TO calls AS
SELECT
  * EXCEPT (revision, old_cost_usd, old_cost_basis, old_price_version)
FROM calls_repriced;
