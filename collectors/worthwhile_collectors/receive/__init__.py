"""Takes OTLP over HTTP: authenticates, bounds, checks, keeps, acknowledges. Serves the page beside it."""
