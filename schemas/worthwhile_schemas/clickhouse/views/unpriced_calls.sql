-- Models whose calls have no cost, and why. Grouped by day, so that a reader can take a period.
CREATE OR REPLACE VIEW unpriced_calls AS
SELECT
  day,
  provider,
  model,
  service_tier,
  multiIf(
    usage_basis = 'missing', 'tokens are not known',
    usage_basis = 'inconsistent', 'tokens contradict each other',
    currency NOT IN ('', 'USD') AND dictGet('exchange_rates', 'usd', currency, toDate32(day)) = 0, 'no exchange rate',
    cost_basis = 'self_hosted', 'own hardware, no contract price',
    is_odd, 'a value of the call could not be read',
    is_near AND seller NOT IN ('anthropic', 'google', 'openai', 'x-ai'), 'private address',
    'no price for the model') AS why,
  sum(found.calls) AS calls,
  sum(found.input_tokens) AS input_tokens,
  sum(found.output_tokens) AS output_tokens,
  min(found.first_seen) AS first_seen,
  max(found.last_seen) AS last_seen
FROM
(
  -- The currency of the contract row that holds, empty if none does; as `calls_rated_mv` chooses it.
  SELECT
    *,
    arrayLast(
      (currency, regex, tier, since, until) -> tier IN ('any', if(lower(service_tier) IN ('', 'default', 'auto'), 'standard', lower(service_tier)))
        AND day >= since AND day < until
        AND (match(lowerUTF8(model), regex) OR listed_model != '' AND match(lowerUTF8(listed_model), regex)),
      dictGet('price_contracts', 'currencies', tuple(seller)),
      dictGet('price_contracts', 'model_regexes', tuple(seller)),
      dictGet('price_contracts', 'service_tiers', tuple(seller)),
      dictGet('price_contracts', 'sinces', tuple(seller)),
      dictGet('price_contracts', 'untils', tuple(seller))) AS currency
  FROM
  (
    SELECT
      *,
      dictGet('model_targets', 'model', (seller, dictGet('model_names', 'position', (seller, lowerUTF8(model))))) AS listed_model
    FROM
    (
      SELECT
        *,
        dictGet('model_targets', 'provider', ('', dictGet('model_names', 'position', ('', lowerUTF8(trimBoth(provider)))))) AS listed_provider,
        if(listed_provider != '', listed_provider, lowerUTF8(trimBoth(provider))) AS seller
      FROM
      (
        SELECT
          toDate(counted.ts) AS day,
          toString(counted.provider) AS provider,
          toString(if(response_model != '', response_model, request_model)) AS model,
          toString(counted.service_tier) AS service_tier,
          usage_basis,
          cost_basis,
          notEmpty(quality) AS is_odd,
          dialect != 'worthwhile' AND {near_address} AS is_near,
          count() AS calls,
          sum(counted.input_tokens) AS input_tokens,
          sum(counted.output_tokens) AS output_tokens,
          min(counted.ts) AS first_seen,
          max(counted.ts) AS last_seen
        FROM calls_counted AS counted
        WHERE isNull(counted.cost_usd)
        GROUP BY
          day,
          provider,
          model,
          service_tier,
          usage_basis,
          cost_basis,
          is_odd,
          is_near
      )
    )
  )
) AS found
GROUP BY
  day,
  provider,
  model,
  service_tier,
  why;
