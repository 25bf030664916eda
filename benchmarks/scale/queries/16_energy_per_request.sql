-- energy per request.
SELECT model, tier, sum(measured_energy_uj) / 1e6 / nullIf(sum(measured_energy_calls), 0), sum(measured_energy_output_tokens) / nullIf(sum(measured_energy_uj), 0) * 1e6, sum(measured_energy_calls) / sum(calls) FROM calls_daily WHERE ts >= {start:DateTime('UTC')} AND ts < {end:DateTime('UTC')} GROUP BY ALL ORDER BY ALL
