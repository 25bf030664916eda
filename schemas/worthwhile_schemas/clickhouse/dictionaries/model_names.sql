-- (scope, name) -> lowest position of a rule that only this name meets.
CREATE OR REPLACE VIEW model_names_source AS
SELECT
  toString(scope) AS scope,
  texts[1] AS name,
  min(position) AS position
FROM model_match
WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists) AND operations = ['equals']
GROUP BY scope, name;

CREATE OR REPLACE DICTIONARY model_names
(
  scope String,
  name String,
  position UInt32 DEFAULT 4294967295
)
PRIMARY KEY scope, name
SOURCE(CLICKHOUSE({login}TABLE 'model_names_source'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 60 MAX 120);
