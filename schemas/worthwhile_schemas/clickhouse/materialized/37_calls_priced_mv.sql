-- calls_rated -> calls: what a call costs: tokens by kind times prices. Amounts are 128-bit integers of picodollars, or of
-- 1/10^12 of them where a price is not a whole number of picodollars. The same as `worthwhile.pricing`.
CREATE OR REPLACE MATERIALIZED VIEW calls_priced_mv TO calls AS
SELECT
  * EXCEPT (
    found_version, found_basis, scale, has, rates, hour_rate, kwh_rate, audio_input, read, write,
    write_1h, reasoning, audio_output, searches, is_countable, amounts, total_amount, saved_amount, total, shares, compute,
    saving, is_priced)
  REPLACE (
    -- An emitter that knows no price says 0.
    multiIf(is_priced, reinterpret(toInt64(total + compute), 'Decimal(18, 12)'), sent.cost_usd = 0, NULL, sent.cost_usd) AS cost_usd,
    if(is_priced, reinterpret(toInt64(if(scale = 1, amounts[1], shares[1])), 'Decimal(18, 12)'), sent.cost_input_usd) AS cost_input_usd,
    if(is_priced, reinterpret(toInt64(if(scale = 1, amounts[2], shares[2])), 'Decimal(18, 12)'), sent.cost_cache_read_usd) AS cost_cache_read_usd,
    if(is_priced, reinterpret(toInt64(if(scale = 1, amounts[3], shares[3])), 'Decimal(18, 12)'), sent.cost_cache_write_usd) AS cost_cache_write_usd,
    if(is_priced, reinterpret(toInt64(if(scale = 1, amounts[4], shares[4])), 'Decimal(18, 12)'), sent.cost_output_usd) AS cost_output_usd,
    if(is_priced, reinterpret(toInt64(if(scale = 1, amounts[5], shares[5])), 'Decimal(18, 12)'), sent.cost_server_tools_usd) AS cost_server_tools_usd,
    if(is_priced, reinterpret(toInt64(compute), 'Decimal(18, 12)'), NULL) AS cost_compute_usd,
    if(is_priced, reinterpret(toInt64(saving), 'Decimal(18, 12)'), sent.cache_saving_usd) AS cache_saving_usd,
    multiIf(
      is_priced, found_basis,
      sent.cost_basis = 'self_hosted', 'self_hosted',
      sent.cost_usd > 0, 'emitter',
      'unknown') AS cost_basis,
    if(is_priced, found_version, sent.price_version) AS price_version
  )
FROM
(
  SELECT
    *,
    if(scale = 1, total_amount, (intDiv(total_amount, scale) + ((total_amount) % scale * 2 + intDiv(total_amount, scale) % 2 > scale))) AS total,
    if(scale = 1, saved_amount, sign(saved_amount) * (intDiv(abs(saved_amount), scale) + ((abs(saved_amount)) % scale * 2 + intDiv(abs(saved_amount), scale) % 2 > scale))) AS saving,
    if(hour_rate + kwh_rate = 0, toInt128(0),
      (intDiv(duration_ns * hour_rate + ifNull(energy_uj, 0) * kwh_rate, toInt128(3600000000000)) + ((duration_ns * hour_rate + ifNull(energy_uj, 0) * kwh_rate) % toInt128(3600000000000) * 2 + intDiv(duration_ns * hour_rate + ifNull(energy_uj, 0) * kwh_rate, toInt128(3600000000000)) % 2 > toInt128(3600000000000)))) AS compute,
    -- Whole picodollars that add up to the total: the largest remainders are rounded up.
    arrayMap(
      place -> intDiv(amounts[place], scale) + (
        arrayCount((other, at) -> other % scale > amounts[place] % scale
          OR (other % scale = amounts[place] % scale AND at < place), amounts, [1, 2, 3, 4, 5])
        < (intDiv(total_amount, scale) + ((total_amount) % scale * 2 + intDiv(total_amount, scale) % 2 > scale)) - arraySum(each -> intDiv(each, scale), amounts)),
      if(scale > 1, [1, 2, 3, 4, 5], [])) AS shares,
    is_countable AND total_amount < toInt128('1000000000000000000') * scale AND abs(saved_amount) < toInt128('1000000000000000000') * scale
      AND duration_ns * hour_rate + ifNull(energy_uj, 0) * kwh_rate < toInt128('3600000000000000000000000000') AS is_priced
  FROM
  (
    SELECT
      *,
      [
        (toInt64(ifNull(input_tokens, 0)) - read - write - audio_input) * rates[1] + audio_input * rates[6],
        read * rates[3],
        (write - write_1h) * rates[4] + write_1h * rates[5],
        (toInt64(ifNull(output_tokens, 0)) - reasoning - audio_output) * rates[2] + reasoning * rates[7] + audio_output * rates[8],
        searches * rates[9] + rates[10]
      ] AS amounts,
      (toInt64(ifNull(input_tokens, 0)) - read - write - audio_input) * rates[1] + audio_input * rates[6] + read * rates[3]
        + (write - write_1h) * rates[4] + write_1h * rates[5]
        + (toInt64(ifNull(output_tokens, 0)) - reasoning - audio_output) * rates[2] + reasoning * rates[7]
        + audio_output * rates[8] + searches * rates[9] + rates[10] AS total_amount,
      (read + write) * rates[1] - read * rates[3] - (write - write_1h) * rates[4] - write_1h * rates[5] AS saved_amount,
      notEmpty(rates)
        AND (isNotNull(input_tokens) OR rates[1] = 0) AND (isNotNull(output_tokens) OR rates[2] = 0)
        AND (isNotNull(energy_uj) OR kwh_rate = 0)
        AND NOT (has[7] AND audio_input > 0 AND ifNull(cache_read_tokens, 0) > 0)
        AND least(toInt64(ifNull(input_tokens, 0)) - read - write - audio_input,
          toInt64(ifNull(output_tokens, 0)) - reasoning - audio_output, write - write_1h) >= 0
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
        has[6] * toInt64(ifNull(audio_input_tokens, 0)) AS audio_input,
        if(has[6] AND NOT has[3] AND ifNull(audio_input_tokens, 0) > 0, 0, toInt64(ifNull(cache_read_tokens, 0))) AS read,
        toInt64(ifNull(cache_write_tokens, 0)) AS write,
        toInt64(ifNull(cache_write_1h_tokens, 0)) AS write_1h,
        has[8] * toInt64(ifNull(reasoning_tokens, 0)) AS reasoning,
        has[9] * toInt64(ifNull(audio_output_tokens, 0)) AS audio_output,
        toInt64(ifNull(web_searches, 0)) AS searches
      FROM calls_rated
    )
  )
) AS sent;
