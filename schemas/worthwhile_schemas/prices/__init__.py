"""Dated list prices as data: `snapshot.json`, the builder that makes it, and the format of contract prices."""
