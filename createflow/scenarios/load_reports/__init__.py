"""A finished load report, rendered: each ``as_`` module has ``render(report) -> str``."""
