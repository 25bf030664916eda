-- (scope, position) -> the model that a rule means, and what its prices depend on: tiers, seconds of the day and amounts
-- of input from which others hold.
CREATE OR REPLACE VIEW model_targets_source AS
WITH (SELECT argMax(version, loaded_at) FROM price_lists) AS newest
SELECT
  rules.scope AS scope,
  rules.position AS position,
  rules.provider AS provider,
  rules.model AS model,
  if(rules.has_tiers, priced.tiers, []) AS tiers,
  priced.seconds AS seconds,
  priced.inputs AS inputs
FROM
(
  SELECT
    toString(scope) AS scope,
    position,
    toString(any(model_match.provider)) AS provider,
    any(model_match.model) AS model,
    any(model_match.has_tiers) AS has_tiers
  FROM model_match
  WHERE version = newest
  GROUP BY
    scope,
    position
) AS rules
LEFT JOIN
(
  SELECT
    toString(provider) AS provider,
    model,
    groupUniqArrayIf(toString(service_tier), service_tier != '') AS tiers,
    arraySort(groupUniqArray(day_from)) AS seconds,
    arraySort(groupUniqArray(input_from)) AS inputs
  FROM prices
  WHERE version = newest
  GROUP BY
    provider,
    model
) AS priced ON rules.provider = priced.provider AND rules.model = priced.model;

CREATE OR REPLACE DICTIONARY model_targets
(
  scope String,
  position UInt32,
  provider String,
  model String,
  tiers Array(String),
  seconds Array(UInt32),
  inputs Array(UInt64)
)
PRIMARY KEY scope, position
SOURCE(CLICKHOUSE({login}TABLE 'model_targets_source'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 60 MAX 120);
