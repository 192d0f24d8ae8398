"""``createflow doctor``: look at the target with one create, and say what a run would do."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from createflow.cli.held_target import held_target
from createflow.cli.interrupts import interrupts
from createflow.cli.left_behind import tell_what_was_left
from createflow.cli.options import (
    AllowCommandsOption,
    CaOption,
    ChecksOption,
    InsecureOption,
    OnlyOption,
    ProfileOption,
    SkipOption,
    UrlOption,
    WaitForLeaseOption,
    WaitOption,
)
from createflow.cli.profile_source import ProfileSource, choose_source, load_source
from createflow.schemas.error import UserError

if TYPE_CHECKING:
    from createflow.scenarios.conformance.plan import Plan
    from createflow.scenarios.harness.check import Check

_MOST_NAMED = 3


def doctor(
    *,
    profile: ProfileOption = None,
    url: UrlOption = None,
    ca: CaOption = None,
    insecure: InsecureOption = False,
    only: OnlyOption = None,
    skip: SkipOption = None,
    own_checks: ChecksOption = None,
    wait: WaitOption = "0s",  # type: ignore[assignment] # Typer parses the default too
    wait_for_lease: WaitForLeaseOption = "0s",  # type: ignore[assignment] # as above
    allow_commands: AllowCommandsOption = False,
) -> None:
    """Look whether a run could start, and say what it would do.

    One resource is created, read back, and looked for in every sink of
    the profile. The first thing that is wrong is told, with what to
    change. Then comes which checks would run, which are skipped for want
    of which key, about how many requests and seconds, what floods or
    breaks something, and what stays behind. No check is run. The resource
    is removed if the profile says how (target.cleanup).

    Example: createflow doctor --profile createflow.toml
    """
    # Here, so that --help stays quick.
    from createflow.scenarios.conformance.own_checks import catalogue_with
    from createflow.scenarios.harness.check import select

    checks = select(catalogue_with(own_checks or ()), only or (), skip or ())
    source = choose_source(profile, url, ca_file=ca)
    if source.is_bundled:
        raise UserError("no target is named", hint="--profile FILE or --url URL; createflow up starts one to try")
    tell_what_was_left()
    source = load_source(source, allow_commands=allow_commands, sections=("auth", "sinks"))
    with interrupts() as signals:
        plan = signals.run(
            _look(replace(source, is_insecure=insecure), checks, wait_s=wait, wait_for_lease_s=wait_for_lease)
        )
    _print(Console(), plan)


async def _look(
    source: ProfileSource,
    checks: "tuple[Check, ...]",
    *,
    wait_s: float,
    wait_for_lease_s: float,
) -> "Plan":
    """Print what the preflight sees, remove what it created, and plan a run.

    Raises:
        TargetError: no run could start.
    """
    from createflow.cli.run_view import print_looked
    from createflow.scenarios.conformance.plan import plan_of
    from createflow.scenarios.conformance.preflight import preflight, wait_until_up
    from createflow.scenarios.harness.probe_set import ProbeSet
    from createflow.scenarios.text.secret_mask import Mask

    console = Console(stderr=True)
    async with held_target(source, "doctor", console, wait_for_lease_s=wait_for_lease_s) as (profile, guarding):
        if wait_s:
            await wait_until_up(profile, wait_s)
        async with ProbeSet(profile, secrets.token_hex(4), Mask(), guarding=guarding) as probes:
            await preflight(probes, partial(print_looked, console))
            return plan_of(probes, checks)


def _print(console: Console, plan: "Plan") -> None:
    """Print the plan: what runs, what is skipped, what it costs, what it floods and breaks, what it leaves."""
    cost = plan.cost
    rows = {
        "runs": f"{len(plan.runs)} checks",
        "takes": f"about {cost.requests:,} requests, {cost.created:,} creates and {cost.seconds:.0f} s, "
        "as measured on the bundled stack",
        "floods": _named(plan.floods, "--skip rate_limit leaves them out") if plan.floods else "nothing",
        "breaks": _named(plan.breaks, "without the commands in [faults] they are skipped")
        if plan.breaks
        else "nothing",
        "leaves": plan.leaves,
    }
    grid = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        grid.add_row(Text(name, "dim"), Text(value))
    console.print(grid)
    if not plan.skipped:
        return
    console.print(Text(f"\nskipped: {sum(map(len, plan.skipped.values()))} checks", "bold"))
    table = Table.grid(padding=(0, 2))
    for reason, checks in plan.skipped.items():
        table.add_row(Text(f"{len(checks):>4}"), Text(reason), Text(_some(checks), "dim", overflow="fold"))
    console.print(table)


def _named(checks: "tuple[Check, ...]", hint: str) -> str:
    return f"{len(checks)} checks ({_some(checks)}); {hint}"


def _some(checks: "Iterable[Check]") -> str:
    names = [check.id for check in checks]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
