"""Shows what the views in ClickHouse say: reports today, dashboards and alert rules beside them. Reads views only."""
