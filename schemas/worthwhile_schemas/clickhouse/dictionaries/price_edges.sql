-- 0 -> every second of the day and every amount of input at which some price changes.
CREATE OR REPLACE VIEW price_edges_source AS
SELECT
  toUInt64(0) AS id,
  arraySort(arrayDistinct(arrayPushBack(groupUniqArray(day_from), 0))) AS seconds,
  arraySort(arrayDistinct(arrayPushBack(groupUniqArray(input_from), 0))) AS inputs
FROM prices
WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists);

CREATE OR REPLACE DICTIONARY price_edges
(
  id UInt64,
  seconds Array(UInt32) DEFAULT [0],
  inputs Array(UInt64) DEFAULT [0]
)
PRIMARY KEY id
SOURCE(CLICKHOUSE({login}TABLE 'price_edges_source'))
LAYOUT(FLAT())
LIFETIME(MIN 60 MAX 120);
