"""A finished load report, rendered."""
