-- trace by id and day.
SELECT ts, lower(hex(span_id)), workload, response_model, cost_usd FROM calls FINAL WHERE trace_id = unhex({trace_id:String}) AND ts >= {day:DateTime64(6, 'UTC')} AND ts < {day:DateTime64(6, 'UTC')} + INTERVAL 1 DAY
