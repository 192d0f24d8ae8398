"""``createflow sinks``: create one resource, and show what each sink has of it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli.exit_code import ExitCode
from createflow.cli.held_target import held_target
from createflow.cli.interrupts import interrupts
from createflow.cli.left_behind import tell_what_was_left
from createflow.cli.options import (
    AllowCommandsOption,
    InsecureOption,
    ProfileOption,
    WaitForLeaseOption,
    duration_option,
)
from createflow.cli.profile_source import ProfileSource, choose_source, load_source
from createflow.schemas.error import UserError

if TYPE_CHECKING:
    from createflow.scenarios.conformance.sink_looks import SinkLooks


def sinks(
    *,
    profile: ProfileOption = None,
    within: Annotated[
        float,
        duration_option("--within", help_="How long to wait for each sink."),
    ] = "10s",  # type: ignore[assignment] # Typer parses the default too
    insecure: InsecureOption = False,
    allow_commands: AllowCommandsOption = False,
    wait_for_lease: WaitForLeaseOption = "0s",  # type: ignore[assignment]
) -> None:
    """Create one resource, and show what each sink of the profile has of it.

    For each sink: how long the resource took to appear, and its document beside
    the reply. It is the quickest way to write [sinks] of a profile. The
    resource is removed afterwards if the profile says how (target.cleanup).

    Example: createflow sinks --profile createflow.toml
    """
    from createflow.cli.sinks_view import print_looks

    tell_what_was_left()
    source = load_source(choose_source(profile, None), allow_commands=allow_commands, sections=("auth", "sinks"))
    source = replace(source, is_insecure=insecure)
    with interrupts() as signals:
        looks = signals.run(_look(source, within, wait_for_lease))
    print_looks(Console(), looks)
    is_whole = all(look.after_s is not None and not look.problem for look in looks.looks)
    raise typer.Exit(ExitCode.OK if is_whole else ExitCode.INCONCLUSIVE)


async def _look(source: ProfileSource, within_s: float, wait_s: float) -> "SinkLooks":
    from createflow.scenarios.conformance.sink_looks import look_into_sinks

    console = Console(stderr=True)
    async with held_target(source, "sinks", console, wait_for_lease_s=wait_s) as (profile, guarding):
        declared = profile.sinks
        if not any((declared.primary, declared.audit, declared.cache, declared.events, declared.search)):
            raise UserError("the profile has no [sinks]", hint="docs/sinks.md has a profile for each store")
        return await look_into_sinks(profile, within_s=within_s, guarding=guarding)
