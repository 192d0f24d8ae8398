"""Numbers as people read them, the same in every format."""

import math


def ms(value: float) -> str:
    """Milliseconds, without the unit: three digits or so, which is what the histograms hold."""
    if math.isinf(value):
        return "inf"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def per_s(value: float) -> str:
    """A rate, without the unit."""
    return f"{value:,.1f}"


def percent(ratio: float) -> str:
    """A share of 0..1 in percent; nothing is rounded up to all of it or down to none."""
    if 0 < ratio < 0.0001:
        return "<0.01%"
    if 0.999 < ratio < 1:
        return f"{math.floor(ratio * 10000) / 100:.2f}%"
    return f"{ratio * 100:.3g}%"


def count(number: int, noun: str = "") -> str:
    """A whole number, with what is counted."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
