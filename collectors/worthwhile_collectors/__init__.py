"""Receives OTLP, keeps it, stores it in ClickHouse and answers questions about it; the `worthwhile` command."""

import importlib.metadata


def installed_version() -> str:
    """Version of the installed distribution; "unknown" when the code runs from a bare source tree."""
    try:
        return importlib.metadata.version("worthwhile")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
