"""Text and numbers as people read them, the same in every format."""

import math

from createflow.scenarios.text.printable import one_line, printable_lines

__all__ = ["format_count", "format_ms", "format_percent", "format_rate", "one_line", "printable_lines"]


def format_ms(value: float) -> str:
    """Milliseconds without the unit, with about three digits: the precision of the histograms."""
    if math.isinf(value):
        return "inf"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def format_rate(value: float) -> str:
    """A rate without the unit."""
    return f"{value:,.1f}"


def format_percent(ratio: float) -> str:
    """A ratio of 0..1 in percent. A part is never rounded to 0 % or 100 %."""
    if 0 < ratio < 0.0001:
        return "<0.01%"
    if 0.999 < ratio < 1:
        return f"{math.floor(ratio * 10000) / 100:.2f}%"
    return f"{ratio * 100:.3g}%"


def format_count(number: int, noun: str = "") -> str:
    """A whole number with thousands separators; with a noun, in its singular or plural."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
