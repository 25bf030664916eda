-- trace by id.
SELECT ts, lower(hex(span_id)), workload, response_model, cost_usd FROM calls FINAL WHERE trace_id = unhex({trace_id:String})
