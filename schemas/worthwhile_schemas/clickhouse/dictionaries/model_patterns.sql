-- scope -> all other rules, in order.
CREATE OR REPLACE VIEW model_patterns_source AS
SELECT
  scope,
  groupArray(position) AS positions,
  groupArray(operations) AS operations,
  groupArray(texts) AS texts
FROM
(
  SELECT
    toString(scope) AS scope,
    position,
    arrayMap(operation -> toString(operation), operations) AS operations,
    texts
  FROM model_match
  WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists) AND operations != ['equals']
  ORDER BY
    scope,
    position
)
GROUP BY scope;

CREATE OR REPLACE DICTIONARY model_patterns
(
  scope String,
  positions Array(UInt32),
  operations Array(Array(String)),
  texts Array(Array(String))
)
PRIMARY KEY scope
SOURCE(CLICKHOUSE({login}TABLE 'model_patterns_source'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 60 MAX 120);
