"""What a report tells, before it is known whether a terminal, Markdown or a page shows it."""

from dataclasses import dataclass
from enum import StrEnum


class Mood(StrEnum):
    """How a line is meant; never said by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. Every cell is one line of printable text."""

    cells: tuple[str, ...]
    mood: Mood = Mood.PLAIN


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading, or, without columns, labels with a text each."""

    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    left: int = 1
    """So many columns hold words; those after them hold numbers."""
    told: tuple[str, ...] = ()
    """What is said below it, one line each."""
