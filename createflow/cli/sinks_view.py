"""What each sink has of one resource, beside the reply, on a terminal of 80 columns or more."""

import json
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from createflow.scenarios.conformance.sink_looks import Compared, SinkLook, SinkLooks
from createflow.scenarios.text.printable import cut, foldable

_SHOWN_CHARACTERS = 240
_INDENT = (0, 0, 0, 2)


def print_looks(console: Console, looks: SinkLooks) -> None:
    """Print all of them, and what is left of the resource."""
    console.print(
        _text(f"created {looks.resource_id} at {looks.target}: {looks.status} in {looks.reply_s * 1000:.0f} ms")
    )
    for look in looks.looks:
        console.print()
        _print_look(console, look)
    console.print()
    if looks.left.listed or looks.left.to_guardian:
        for line in (*looks.left.listed, *looks.left.to_guardian):
            console.print(_text(f"left behind: {line}"))
    elif looks.is_removed:
        console.print(_text("the resource was removed"))
    else:
        console.print(_text(f"left behind: {looks.url}, because target.cleanup is not set"))
    lacking = [look.name for look in looks.looks if look.problem or look.after_s is None]
    verdict = f"not seen in: {', '.join(lacking)}" if lacking else f"seen in all {len(looks.looks)} sinks"
    console.print(_text(verdict, "bold red" if lacking else "bold green"))


def _print_look(console: Console, look: SinkLook) -> None:
    head = Text(look.name, "bold")
    if look.after_s is not None:
        head.append(f"  after {look.after_s * 1000:.0f} ms", "yellow" if look.late else "green")
    if look.late:
        head.append(f"  {look.late}", "yellow")
    if look.address:
        head.append(f"  {foldable(look.address)}", "dim")
    console.print(head)
    if look.problem:
        console.print(Padding(_text(look.problem, "red"), _INDENT))
    if look.fields:
        console.print(Padding(_table(look), _INDENT))
    for line in _lines(look):
        console.print(Padding(_text(line, "dim"), _INDENT))
    if look.warning:
        console.print(Padding(_text(f"warning: {look.warning}; docs/sinks.md has the least rights", "yellow"), _INDENT))


def _lines(look: SinkLook) -> Iterator[str]:
    yield from (cut(note, _SHOWN_CHARACTERS) for note in look.notes)
    if look.others:
        yield f"also: {cut(', '.join(look.others), _SHOWN_CHARACTERS)}"


def _table(look: SinkLook) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("field", overflow="fold", no_wrap=False, ratio=None)
    table.add_column("reply", overflow="fold")
    table.add_column(look.name, overflow="fold")
    for one in look.fields:
        table.add_row(_text(one.name), _text(_shown(one.shown)), _kept(one))
    return table


def _kept(one: Compared) -> Text:
    if one.is_equal:
        return Text("the same", "green")
    if one.is_there:
        return _text(_shown(one.kept), "red")
    return _text(f"not there; it is at {one.hint}" if one.hint else "not there", "yellow")


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return cut(text, _SHOWN_CHARACTERS)


def _text(text: str, style: str = "") -> Text:
    return Text(foldable(text), style)
