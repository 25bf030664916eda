-- trace by id and day.
SELECT ts, lower(hex(span_id)), workload, response_model, cost_usd FROM calls FINAL WHERE trace_id = unhex({trace_id:String}) AND ts >= {day:DateTime('UTC')} AND ts < {day:DateTime('UTC')} + INTERVAL 1 DAY
