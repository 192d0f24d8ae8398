"""A finished report, rendered: each module has ``render(report) -> str``."""
