-- calls_in -> calls: what a call costs, as of its day. A cost that came with the call and says what it rests on stays as it
-- is. Prices are looked up once for each class of calls of an insert (same models, tier, day, part of the day, step of input),
-- so that a row costs a join and some multiplications. Amounts are 128-bit integers of picodollars, or of 1/10^12 of them
-- where a price is not a whole number of picodollars. The same as `worthwhile.pricing`, which a test compares it with over
-- the whole price list.
CREATE OR REPLACE MATERIALIZED VIEW calls_priced_mv TO calls AS
WITH
  (scope, name) -> least(
    dictGet('model_names', 'position', (scope, name)),
    ifNull(arrayFirstOrNull(
      (position, operations, texts) -> arrayAll(
        (operation, text) -> multiIf(
          operation = 'contains', position(name, text) > 0,
          operation = 'starts_with', startsWith(name, text),
          operation = 'ends_with', endsWith(name, text),
          operation = 'equals', name = text,
          match(name, if(endsWith(operation, 'regex'), text, '')) = (operation = 'regex')),
        operations, texts),
      dictGet('model_patterns', 'positions', tuple(scope)),
      dictGet('model_patterns', 'operations', tuple(scope)),
      dictGet('model_patterns', 'texts', tuple(scope))), 4294967295)) AS first_rule,
  (amount, scale) -> intDiv(amount, scale) + ((amount % scale) * 2 + intDiv(amount, scale) % 2 > scale) AS rounded,
  (amount) -> reinterpret(toInt64(amount), 'Decimal(18, 12)') AS usd,
  toInt128(1000000000000) AS trillion,
  classed AS
  (
    SELECT
      *,
      (isNull(cost_usd) OR cost_basis NOT IN ('provider', 'list', 'contract', 'self_hosted')) AND cache_kind = '' AS is_asked,
      cost_basis = 'self_hosted' AS is_own,
      -- The SDK has looked at the address itself.
      dialect != 'worthwhile' AND match(server_address, '^(localhost|.+\\.localhost|127\\..+|10\\..+|192\\.168\\..+|172\\.(1[6-9]|2\\d|3[01])\\..+|169\\.254\\..+|0\\.0\\.0\\.0|::1?|f[cd][0-9a-f:]+|[^.:]+|.+\\.(local|internal|lan|home\\.arpa|svc|cluster\\.local))$') AS is_near,
      toDate32(ts) AS price_day,
      roundDown(intDiv(toUnixTimestamp64Nano(ts), 1000000000) % 86400, dictGet('price_edges', 'seconds', toUInt64(0))) AS price_second,
      roundDown(ifNull(input_tokens, 0), dictGet('price_edges', 'inputs', toUInt64(0))) AS price_input,
      if(is_asked, sipHash64(provider, request_model, response_model, service_tier, is_own, is_near, price_day, price_second, price_input), 0) AS price_class
    FROM calls_in
  ),
  -- Which models the names mean.
  named AS
  (
    SELECT
      uses,
      rank,
      if(scope != '', scope, seller_name) AS contract_scope,
      reference,
      dictGet('model_targets', ('provider', 'model', 'tiers', 'seconds', 'inputs'), (scope, if(plain_rule != 4294967295, plain_rule, dashed_rule))) AS target
    FROM
    (
      SELECT
        *,
        first_rule(scope, reference) AS plain_rule,
        -- Gateways write the date of a model without dashes.
        replaceRegexpAll(replaceRegexpAll(reference,
          '-(20\\d{2})(?:(0[13578]|1[02])(0[1-9]|[12]\\d|3[01])|(0[469]|11)(0[1-9]|[12]\\d|30)|(02)(0[1-9]|1\\d|2[0-8]))(-|:|$)', '-\\1-\\2\\4\\6-\\3\\5\\7\\8'),
          '-(20(?:[02468][048]|[13579][26]))(02)(29)(-|:|$)', '-\\1-\\2-\\3\\4') AS dashed,
        if(dashed != reference, first_rule(scope, dashed), 4294967295) AS dashed_rule
      FROM
      (
        SELECT
          *,
          multiIf(
            prefix_seller != '', prefix_seller,
            seller_name != 'litellm' OR seller != '', seller,
            dictGet('model_targets', 'provider', ('*', first_rule('*', name)))) AS scope,
          if(prefix_seller != '', substring(name, length(prefix) + 2), name) AS reference
        FROM
        (
          SELECT
            *,
            rank,
            lowerUTF8(model) AS name,
            if(seller_name = 'litellm' AND position(name, '/') > 1, splitByChar('/', name)[1], '') AS prefix,
            if(prefix != '', dictGet('model_targets', 'provider', ('', first_rule('', prefix))), '') AS prefix_seller
          FROM
          (
            SELECT
              groupUniqArray((price_class, lower(service_tier), is_own, is_near, price_day, price_second, price_input)) AS uses,
              lowerUTF8(replaceRegexpAll(toString(provider), '^\\s+|\\s+$', '')) AS seller_name,
              dictGet('model_targets', 'provider', ('', first_rule('', seller_name))) AS seller,
              arrayDistinct(arrayFilter(each -> each != '', [toString(response_model), toString(request_model)])) AS models
            FROM classed
            WHERE is_asked
            GROUP BY
              provider,
              request_model,
              response_model
          )
          ARRAY JOIN
            models AS model,
            arrayEnumerate(models) AS rank
        )
      )
    )
  ),
  -- What is paid for each class: amounts in the order of the columns of `prices`, -1 where there is none.
  priced AS
  (
    SELECT
      price_class,
      if(contract > 0, contracts.6[contract], listed.1) AS found_version,
      multiIf(contract = 0, 'list', hour_price > 0 OR kwh_price > 0, 'self_hosted', 'contract') AS found_basis,
      if(percent >= 0, toDecimal256(percent, 12) / 100, currency_rate) AS factor,
      arrayMap(
        amount -> if(amount < 0, toDecimal256(-1, 12), toDecimal256(roundBankers(amount * factor, 12), 12)),
        arrayMap(amount -> toDecimal256(amount, 12), if(contract = 0 OR percent >= 0, listed.2, contracts.8[contract]))) AS amounts,
      toInt128(roundBankers(toDecimal256(greatest(hour_price, 0), 12) * factor, 0)) AS hour_rate,
      toInt128(roundBankers(toDecimal256(greatest(kwh_price, 0), 12) * factor, 0)) AS kwh_rate,
      hour_price >= 0 OR kwh_price >= 0 AS has_device,
      rank
    FROM
    (
      SELECT
        *,
        if(contract > 0, contracts.7[contract], toDecimal64(-1, 9)) AS percent,
        if(contract > 0, contracts.9[contract], toDecimal128(-1, 12)) AS hour_price,
        if(contract > 0, contracts.10[contract], toDecimal128(-1, 12)) AS kwh_price,
        if(contract = 0 OR contracts.5[contract] = 'USD', toDecimal256(1, 12),
          toDecimal256(dictGet('exchange_rates', 'usd', contracts.5[contract], price_day), 12)) AS currency_rate
      FROM
      (
        SELECT
          rank,
          reference,
          target,
          use.1 AS price_class,
          use.2 AS price_tier,
          use.3 AS is_own,
          use.4 AS is_near,
          use.5 AS price_day,
          use.6 AS price_second,
          use.7 AS price_input,
          dictGet('price_contracts', ('model_regexes', 'service_tiers', 'sinces', 'untils', 'currencies', 'versions', 'list_percents', 'amounts', 'hour_prices', 'kwh_prices'), tuple(contract_scope)) AS contracts,
          arrayLastIndex(
            (regex, tier, since, until) -> tier IN ('any', if(price_tier IN ('', 'default', 'auto'), 'standard', price_tier))
              AND price_day >= since AND price_day < until
              AND (match(reference, regex) OR target.2 != '' AND match(lowerUTF8(target.2), regex)),
            contracts.1, contracts.2, contracts.3, contracts.4) AS contract,
          dictGet('price_rows', ('version', 'amounts'), (
            target.1,
            target.2,
            if(has(target.3, price_tier), price_tier, ''),
            arrayLast(second -> second <= price_second, target.4),
            arrayLast(input -> input <= price_input, target.5)), price_day) AS listed
        FROM named
        ARRAY JOIN uses AS use
      )
    )
    -- A hosted list is for hosted models. What has a private address is one where nobody else can run the model: a gateway.
    WHERE contract > 0 OR NOT is_own AND (NOT is_near OR target.1 IN ('anthropic', 'google', 'openai', 'x-ai'))
  )
SELECT
  * EXCEPT (
    ingested_at, is_asked, is_own, is_near, price_day, price_second, price_input, price_class, found_version, found_basis, has_prices,
    scale, rates, has_read, has_audio_input, has_audio_read, has_reasoning, has_audio_output, hour_rate, kwh_rate, audio_input,
    read, write_1h, reasoning, audio_output, searches, fresh, write, text_output, is_countable, input_amount, read_amount,
    write_amount, output_amount, tools_amount, total, parts, compute, saving, is_priced)
  REPLACE (
    -- An emitter that knows no price says 0.
    multiIf(is_priced, usd(total + compute), is_asked AND sent.cost_usd = 0, NULL, sent.cost_usd) AS cost_usd,
    if(is_priced, usd(parts[1]), sent.cost_input_usd) AS cost_input_usd,
    if(is_priced, usd(parts[2]), sent.cost_cache_read_usd) AS cost_cache_read_usd,
    if(is_priced, usd(parts[3]), sent.cost_cache_write_usd) AS cost_cache_write_usd,
    if(is_priced, usd(parts[4]), sent.cost_output_usd) AS cost_output_usd,
    if(is_priced, usd(parts[5]), sent.cost_server_tools_usd) AS cost_server_tools_usd,
    if(is_priced, usd(compute), NULL) AS cost_compute_usd,
    if(is_priced, usd(saving), sent.cache_saving_usd) AS cache_saving_usd,
    multiIf(
      is_priced, found_basis,
      sent.cost_usd > 0 OR NOT is_asked, if(sent.cost_basis = '', 'unknown', sent.cost_basis),
      is_own, 'self_hosted',
      'unknown') AS cost_basis,
    if(is_priced, found_version, sent.price_version) AS price_version
  )
FROM
(
  SELECT
    *,
    if(scale = 1, [input_amount, read_amount, write_amount, output_amount, tools_amount], arrayMap(
      (part, place) -> intDiv(part, scale) + (
        arrayCount((other, at) -> other % scale > part % scale OR (other % scale = part % scale AND at < place), amounts, [1, 2, 3, 4, 5])
        < total - arraySum(each -> intDiv(each, scale), amounts)),
      [input_amount, read_amount, write_amount, output_amount, tools_amount] AS amounts, [1, 2, 3, 4, 5])) AS parts,
    rounded(duration_ns * hour_rate + ifNull(energy_uj, 0) * kwh_rate, toInt128(3600000000000)) AS compute,
    is_countable AND total + compute < 1000000 * trillion AND abs(saving) < 1000000 * trillion AS is_priced
  FROM
  (
    SELECT
      *,
      fresh * rates[1] + audio_input * rates[6] AS input_amount,
      read * rates[3] AS read_amount,
      (write - write_1h) * rates[4] + write_1h * rates[5] AS write_amount,
      text_output * rates[2] + reasoning * rates[7] + audio_output * rates[8] AS output_amount,
      searches * rates[9] + rates[10] AS tools_amount,
      if(scale = 1, input_amount + read_amount + write_amount + output_amount + tools_amount,
        rounded(input_amount + read_amount + write_amount + output_amount + tools_amount, scale)) AS total,
      if(scale = 1, (read + write) * rates[1] - read_amount - write_amount,
        sign((read + write) * rates[1] - read_amount - write_amount)
        * rounded(abs((read + write) * rates[1] - read_amount - write_amount), scale)) AS saving
    FROM
    (
      SELECT
        *,
        toInt64(ifNull(output_tokens, 0)) - reasoning - audio_output AS text_output,
        toInt64(ifNull(input_tokens, 0)) - read - write - audio_input AS fresh,
        has_prices
          AND (isNotNull(input_tokens) OR rates[1] = 0) AND (isNotNull(output_tokens) OR rates[2] = 0)
          AND (isNotNull(energy_uj) OR kwh_rate = 0)
          AND NOT (has_audio_read AND audio_input > 0 AND ifNull(cache_read_tokens, 0) > 0)
          AND least(fresh, text_output, write - write_1h) >= 0
          -- A count that could not be read is not one that was not there.
          AND NOT hasAny(quality, ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens',
            'cache_write_1h_tokens', 'reasoning_tokens', 'audio_input_tokens', 'audio_output_tokens', 'web_searches'])
          -- More than this is no count of anything, and might not fit below.
          AND greatest(ifNull(input_tokens, 0), ifNull(output_tokens, 0), ifNull(web_searches, 0)) <= 10000000000
          AND duration_ns <= 31536000000000000 AND ifNull(energy_uj, 0) <= 1000000000000000 AS is_countable
      FROM
      (
        SELECT
          *,
          has_audio_input * toInt64(ifNull(audio_input_tokens, 0)) AS audio_input,
          if(audio_input > 0 AND NOT has_read, 0, toInt64(ifNull(cache_read_tokens, 0))) AS read,
          toInt64(ifNull(cache_write_tokens, 0)) AS write,
          toInt64(ifNull(cache_write_1h_tokens, 0)) AS write_1h,
          has_reasoning * toInt64(ifNull(reasoning_tokens, 0)) AS reasoning,
          has_audio_output * toInt64(ifNull(audio_output_tokens, 0)) AS audio_output,
          toInt64(ifNull(web_searches, 0)) AS searches
        FROM classed
        LEFT ANY JOIN
        (
          SELECT
            price_class,
            found_version,
            found_basis,
            true AS has_prices,
            amounts[3] >= 0 AS has_read,
            amounts[6] >= 0 AS has_audio_input,
            amounts[7] >= 0 AS has_audio_read,
            amounts[8] >= 0 AS has_reasoning,
            amounts[9] >= 0 AS has_audio_output,
            hour_rate,
            kwh_rate,
            if(arrayAll(amount -> amount = truncate(amount), amounts), toInt128(1), trillion) AS scale,
            -- What has no price of its own costs what it is a part of.
            arrayMap(amount -> toInt128(amount * if(scale = 1, 1, 1000000000000)), [
              greatest(amounts[1], 0),
              greatest(amounts[2], 0),
              if(amounts[3] >= 0, amounts[3], greatest(amounts[1], 0)),
              if(amounts[4] >= 0, amounts[4], greatest(amounts[1], 0)),
              multiIf(amounts[5] >= 0, amounts[5], amounts[4] >= 0, amounts[4], greatest(amounts[1], 0)),
              if(amounts[6] >= 0, amounts[6], greatest(amounts[1], 0)),
              if(amounts[8] >= 0, amounts[8], greatest(amounts[2], 0)),
              if(amounts[9] >= 0, amounts[9], greatest(amounts[2], 0)),
              greatest(amounts[10], 0),
              greatest(amounts[11], 0)]) AS rates
          FROM priced
          WHERE factor > 0 AND notEmpty(amounts) AND (amounts[1] >= 0 OR amounts[2] >= 0 OR amounts[11] >= 0 OR has_device)
          ORDER BY rank
          LIMIT 1 BY price_class
        ) AS found USING (price_class)
      )
    )
  )
) AS sent;
