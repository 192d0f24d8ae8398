"""Draws the components of a stack."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

_COLOURS = {"ready": "green", "paused": "yellow", "killed": "red", "died": "bold red"}


def stack_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line a component: name, address, state, process."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, key in (("component", "name"), ("address", "address"), ("state", "status")):
        # What narrow terminals cut is the note, never these.
        table.add_column(heading, no_wrap=True, min_width=max((len(row[key]) for row in rows), default=0))
    table.add_column("pid", justify="right", no_wrap=True, min_width=7)
    table.add_column("", overflow="ellipsis", no_wrap=True, style="dim")
    for row in rows:
        colour = _COLOURS.get(row["status"], "")
        status = f"[{colour}]{row['status']}[/]" if colour else row["status"]
        table.add_row(row["name"], row["address"], status, str(row["pid"] or "-"), row["note"])
    return table
