"""What the demonstration and the tests of the examples need around the examples: servers, ratings, reconciliation."""
