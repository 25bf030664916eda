"""What the numbers mean: names, units, prices, dialects and the ClickHouse schema. Standard library only."""
