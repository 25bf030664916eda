-- calls_asked -> calls_rated: the prices that hold for a call, as of its day. They are looked up once for each class of calls
-- of an insert: same models, tier, day, part of the day and step of input. Steps follow each other as sub-selects, since an
-- alias that another expression of its SELECT uses is analysed again at each use, and a view is analysed at each insert.
-- The same as `price_book` and `prices/overrides`, with which a test compares it over the whole price list.
CREATE OR REPLACE MATERIALIZED VIEW calls_rated_mv TO calls_rated AS
SELECT
  -- Calls without a price have nothing to join with: no amounts, and a scale that may be divided by.
  * EXCEPT (price_class, ingested_at) REPLACE (greatest(scale, toInt128(1)) AS scale)
FROM
(
  SELECT
    *,
    sipHash64(provider, request_model, response_model, service_tier, cost_basis = 'self_hosted', dialect != 'worthwhile' AND {near_address},
      toDate32(ts), roundDown(intDiv(toUnixTimestamp64Nano(ts), 1000000000) % 86400, dictGet('price_edges', 'seconds', toUInt64(0))), roundDown(ifNull(input_tokens, 0), dictGet('price_edges', 'inputs', toUInt64(0)))) AS price_class
  FROM calls_asked
) AS arrived
LEFT ANY JOIN
(
  -- What has no price of its own costs what it is a part of.
  SELECT
    price_class,
    found_version,
    found_basis,
    scale,
    has,
    hour_rate,
    kwh_rate,
    arrayMap(amount -> toInt128(amount * if(scale = 1, 1, 1000000000000)), [
      known[1],
      known[2],
      known[if(has[3], 3, 1)],
      known[if(has[4], 4, 1)],
      known[multiIf(has[5], 5, has[4], 4, 1)],
      known[if(has[6], 6, 1)],
      known[if(has[8], 8, 2)],
      known[if(has[9], 9, 2)],
      known[10],
      known[11]]) AS rates
  FROM
  (
    SELECT
      *,
      if(arrayAll(amount -> amount = truncate(amount), amounts), toInt128(1), toInt128(1000000000000)) AS scale,
      arrayMap(amount -> amount >= 0, amounts) AS has,
      arrayMap(amount -> greatest(amount, 0), amounts) AS known
    FROM
    (
      SELECT
        rank,
        price_class,
        found_version,
        multiIf(NOT is_contract, 'list', hour_price > 0 OR kwh_price > 0, 'self_hosted', 'contract') AS found_basis,
        arrayMap(price -> if(price < 0, toDecimal256(-1, 12),
          toDecimal256(roundBankers(toDecimal256(price, 12) * factor, 12), 12)), prices) AS amounts,
        toInt128(roundBankers(toDecimal256(greatest(hour_price, 0), 12) * factor, 0)) AS hour_rate,
        toInt128(roundBankers(toDecimal256(greatest(kwh_price, 0), 12) * factor, 0)) AS kwh_rate
      FROM
      (
        -- The contract where there is one, else the list; -1 is no price. A hosted list is for hosted models: at a private address
        -- it counts only for models that nobody can run there, because then a gateway is in front of them.
        SELECT
          rank,
          price_class,
          contract > 0 AS is_contract,
          if(contract > 0, contracts.6[contract], list.1) AS found_version,
          if(contract > 0 AND contracts.7[contract] < 0, contracts.8[contract], list.2) AS prices,
          multiIf(
            contract = 0, toDecimal256(1, 12),
            contracts.7[contract] >= 0, toDecimal256(contracts.7[contract], 12) / 100,
            contracts.5[contract] = 'USD', toDecimal256(1, 12),
            toDecimal256(dictGet('exchange_rates', 'usd', contracts.5[contract], price_day), 12)) AS factor,
          if(contract > 0, contracts.9[contract], toDecimal128(-1, 12)) AS hour_price,
          if(contract > 0, contracts.10[contract], toDecimal128(-1, 12)) AS kwh_price
        FROM
        (
          SELECT
            rank,
            target.1 AS provider,
            contracts,
            class.1 AS price_class,
            class.3 AS is_own,
            class.4 AS is_near,
            class.5 AS price_day,
            arrayLastIndex(
              (regex, tier, since, until) -> tier IN ('any', if(class.2 IN ('', 'default', 'auto'), 'standard', class.2))
                AND class.5 >= since AND class.5 < until
                AND (match(reference, regex) OR target.2 != '' AND match(lowerUTF8(target.2), regex)),
              contracts.1, contracts.2, contracts.3, contracts.4) AS contract,
            dictGet('price_rows', ('version', 'amounts'), (
              target.1,
              target.2,
              if(has(target.3, class.2), class.2, ''),
              arrayLast(second -> second <= class.6, target.4),
              arrayLast(input -> input <= class.7, target.5)), class.5) AS list
          FROM
          (
            -- Which model a name means, and the contracts of who sells it.
            SELECT
              classes,
              rank,
              reference,
              dictGet('model_targets', ('provider', 'model', 'tiers', 'seconds', 'inputs'),
                (scope, if(rules[1] != 4294967295, rules[1], rules[2]))) AS target,
              dictGet('price_contracts',
                ('model_regexes', 'service_tiers', 'sinces', 'untils', 'currencies', 'versions', 'list_percents', 'amounts',
                  'hour_prices', 'kwh_prices'),
                tuple(if(scope != '', scope, seller_name))) AS contracts
            FROM
            (
              -- Gateways write the date of a model without dashes.
              SELECT
                *,
                arrayMap(each -> least(
                  dictGet('model_names', 'position', (scope, each)),
                  ifNull(arrayFirstOrNull(
                    (position, operations, texts) -> arrayAll(
                      (operation, text) -> multiIf(
                        operation = 'contains', position(each, text) > 0,
                        operation = 'starts_with', startsWith(each, text),
                        operation = 'ends_with', endsWith(each, text),
                        operation = 'equals', each = text,
                        match(each, if(endsWith(operation, 'regex'), text, '')) = (operation = 'regex')),
                      operations, texts),
                    dictGet('model_patterns', 'positions', tuple(scope)),
                    dictGet('model_patterns', 'operations', tuple(scope)),
                    dictGet('model_patterns', 'texts', tuple(scope))), 4294967295)), [reference, replaceRegexpAll(replaceRegexpAll(reference,
                  '-(20\\d{2})(?:(0[13578]|1[02])(0[1-9]|[12]\\d|3[01])|(0[469]|11)(0[1-9]|[12]\\d|30)|(02)(0[1-9]|1\\d|2[0-8]))(-|:|$)',
                  '-\\1-\\2\\4\\6-\\3\\5\\7\\8'),
                  '-(20(?:[02468][048]|[13579][26]))(02)(29)(-|:|$)', '-\\1-\\2-\\3\\4')]) AS rules
              FROM
              (
                SELECT
                  classes,
                  seller_name,
                  rank,
                  multiIf(
                    prefix != '' AND sellers[2] != '', sellers[2],
                    seller_name NOT IN ('litellm', '') OR sellers[1] != '', sellers[1],
                    sellers[3]) AS scope,
                  if(prefix != '' AND sellers[2] != '', substring(name, length(prefix) + 2), name) AS reference
                FROM
                (
                  SELECT
                    *,
                    arrayMap((scope, rule) -> dictGet('model_targets', 'provider', (scope, rule)), ['', '', '*'], rules) AS sellers
                  FROM
                  (
                    SELECT
                      *,
                      arrayMap((scope, each) -> least(
                        dictGet('model_names', 'position', (scope, each)),
                        ifNull(arrayFirstOrNull(
                          (position, operations, texts) -> arrayAll(
                            (operation, text) -> multiIf(
                              operation = 'contains', position(each, text) > 0,
                              operation = 'starts_with', startsWith(each, text),
                              operation = 'ends_with', endsWith(each, text),
                              operation = 'equals', each = text,
                              match(each, if(endsWith(operation, 'regex'), text, '')) = (operation = 'regex')),
                            operations, texts),
                          dictGet('model_patterns', 'positions', tuple(scope)),
                          dictGet('model_patterns', 'operations', tuple(scope)),
                          dictGet('model_patterns', 'texts', tuple(scope))), 4294967295)), ['', '', '*'], [seller_name, prefix, name]) AS rules
                    FROM
                    (
                      -- A gateway that does not say who answers has the provider before the model, or none.
                      SELECT
                        classes,
                        seller_name,
                        name,
                        rank,
                        if(seller_name = 'litellm' AND position(name, '/') > 1, splitByChar('/', name)[1], '') AS prefix
                      FROM
                      (
                        SELECT
                          groupUniqArray((
                            sipHash64(provider, request_model, response_model, service_tier, is_own, is_near, price_day, price_second, price_input),
                            lower(service_tier), is_own, is_near, price_day, price_second, price_input)) AS classes,
                          lowerUTF8(replaceRegexpAll(toString(provider), '^\\s+|\\s+$', '')) AS seller_name,
                          arrayDistinct(arrayFilter(each -> each != '', [lowerUTF8(toString(response_model)), lowerUTF8(toString(request_model))])) AS names
                        FROM
                        (
                          SELECT
                            provider,
                            request_model,
                            response_model,
                            service_tier,
                            cost_basis = 'self_hosted' AS is_own,
                            -- The SDK has looked at the address itself.
                            dialect != 'worthwhile' AND {near_address} AS is_near,
                            toDate32(ts) AS price_day,
                            roundDown(intDiv(toUnixTimestamp64Nano(ts), 1000000000) % 86400, dictGet('price_edges', 'seconds', toUInt64(0))) AS price_second,
                            roundDown(ifNull(input_tokens, 0), dictGet('price_edges', 'inputs', toUInt64(0))) AS price_input
                          FROM calls_asked
                        )
                        GROUP BY
                          provider,
                          request_model,
                          response_model
                      )
                      ARRAY JOIN
                        names AS name,
                        arrayEnumerate(names) AS rank
                    )
                  )
                )
              )
            )
          )
          ARRAY JOIN classes AS class
        )
        WHERE contract > 0 OR NOT is_own AND (NOT is_near OR provider IN ('anthropic', 'google', 'openai', 'x-ai'))
      )
      WHERE factor > 0 AND notEmpty(prices)
        AND (prices[1] >= 0 OR prices[2] >= 0 OR prices[11] >= 0 OR hour_price >= 0 OR kwh_price >= 0)
      ORDER BY rank
      LIMIT 1 BY price_class
    )
  )
) AS tariffs USING (price_class);
