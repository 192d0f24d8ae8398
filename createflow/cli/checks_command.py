"""``createflow checks``: list the checks, or explain one of them."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from createflow.cli.options import ChecksOption

if TYPE_CHECKING:
    from createflow.scenarios.harness.check import Check

_WIDE_COLUMNS = 130
"""A terminal of this width has room for the sources."""

_NARROW_COLUMNS = 60
"""A narrower terminal gets the ids alone: a table would cut them."""


def checks(
    prefix: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Id of a check to explain, or the beginning of the ids to list."),
    ] = None,
    *,
    own_checks: ChecksOption = None,
) -> None:
    """List the checks, or explain one of them.

    The list shows what the profile must declare for each check. In brackets:
    used when declared.

    Example: createflow checks auth_check.missing_token_is_401
    """
    from createflow.scenarios.conformance.own_checks import catalogue_with
    from createflow.scenarios.harness.check import select

    console = Console()
    chosen = select(catalogue_with(own_checks or ()), [prefix] if prefix else ())
    exact = [check for check in chosen if check.id == prefix]
    if exact or len(chosen) == 1:
        _explain(console, (exact or list(chosen))[0])
    elif console.is_terminal and console.width < _NARROW_COLUMNS:
        for check in chosen:
            console.print(check.id, soft_wrap=True, highlight=False)
    elif console.is_terminal:
        console.print(_table(chosen, wide=console.width >= _WIDE_COLUMNS))
        console.print(f"{len(chosen)} checks; createflow checks ID explains a check", style="dim", highlight=False)
    else:
        for check in chosen:
            typer.echo("\t".join((check.id, check.level.value, check.source, ", ".join(_needs(check)))))


def _table(chosen: "tuple[Check, ...]", *, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("#", justify="right", style="dim")
    table.add_column("check", no_wrap=True)
    table.add_column("level", no_wrap=True)
    if wide:
        table.add_column("source", style="dim", overflow="fold")
    table.add_column("needs", style="dim", overflow="fold")
    for check in chosen:
        source = [check.source] if wide else []
        table.add_row(str(check.step.number), check.id, check.level.value, *source, ", ".join(_needs(check)))
    return table


def _explain(console: Console, check: "Check") -> None:
    console.print(Text(check.id, "bold"))
    console.print(check.title, markup=False, highlight=False)
    if check.explanation:
        console.print(check.explanation.replace("\n", " ").replace("  ", "\n"), markup=False, highlight=False)
    rows = {
        "step": f"{check.step.number}, {check.step.value} ({check.step.tier.value} tier): {check.step.does}",
        "level": check.level.value,
        "source": check.source,
        "needs": ", ".join(_needs(check)) or "HTTP only",
        "runs": _runs(check),
        "catches": ", ".join(check.catches),
    }
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", min_width=8)
    grid.add_column(overflow="fold")
    for label, text in rows.items():
        if text:
            grid.add_row(label, Text(text))
    console.print(grid)


def _runs(check: "Check") -> str:
    from createflow.scenarios.harness.observer import Observer

    if isinstance(check, Observer):
        return "looks at every exchange of the run; sends requests only when there were none to look at"
    return "alone, after the others" if check.disturbs else "concurrently with others"


def _needs(check: "Check") -> list[str]:
    """What the profile must declare. In brackets: used when declared."""
    roles = check.parameters.values()
    needed = [need.value for need in check.needs]
    needed += [parameter.profile_key for parameter in roles if not parameter.is_optional]
    used = [f"({parameter.profile_key})" for parameter in roles if parameter.is_optional]
    unique = dict.fromkeys(text for text in [*needed, *used] if text)
    return list(unique)
