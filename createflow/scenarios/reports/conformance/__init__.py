"""A finished conformance report, rendered."""
