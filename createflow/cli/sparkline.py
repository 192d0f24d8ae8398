"""The last seconds as a row of characters, one a second."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-:=+*#"
"""For terminals that cannot show the others."""


def sparkline(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """The newest values at the right end, the highest of them as the highest bar; zero is always the lowest."""
    shown = values[-width:] if width > 0 else ()
    bars = _PLAIN_BARS if plain else _BARS
    top = max(shown, default=0)
    steps = len(bars) - 1
    return "".join(bars[round(steps * max(0.0, value) / top) if top > 0 else 0] for value in shown)
