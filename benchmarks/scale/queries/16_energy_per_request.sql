-- energy per request.
SELECT model, tier, sum(measured_energy_uj) / 1e6 / nullIf(sum(measured_energy_calls), 0), sum(measured_energy_output_tokens) / nullIf(sum(measured_energy_uj), 0) * 1e6, sum(measured_energy_calls) / sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
