"""Draws the components of a stack."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

_COLOURS = {"ready": "green", "paused": "yellow", "killed": "red", "died": "bold red"}


def stack_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line a component: name, address, state, process."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("component", no_wrap=True)
    table.add_column("address", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("pid", justify="right", no_wrap=True)
    table.add_column("", overflow="ellipsis", no_wrap=True, style="dim")
    for row in rows:
        colour = _COLOURS.get(row["status"], "")
        status = f"[{colour}]{row['status']}[/]" if colour else row["status"]
        table.add_row(row["name"], row["address"], status, str(row["pid"] or "-"), row["note"])
    return table
