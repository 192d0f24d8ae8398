"""The target of a command: its profile is open, and it is held against other commands as long as the block."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from createflow.cli.messages import print_message
from createflow.cli.profile_source import ProfileSource, open_profile
from createflow.schemas.profile import Profile

if TYPE_CHECKING:
    from createflow.scenarios.harness.check import Check
    from createflow.scenarios.harness.guardian.client import Guarding


@asynccontextmanager
async def held_target(
    source: ProfileSource,
    command: str,
    console: Console,
    *,
    wait_for_lease_s: float,
    checks: "Sequence[Check]" = (),
    keeps_all: bool = False,
) -> AsyncIterator[tuple[Profile, "Guarding"]]:
    """The profile, and how the command's guardian takes back what a killed command leaves.

    Nobody else can reach the bundled stack, so it needs no lease.

    Args:
        source: as ``load_source`` returned it.
        command: its name.
        console: is shown whom it waits for.
        wait_for_lease_s: how long to wait for others at most.
        checks: where one of them injects a fault, the command has to be alone.
        keeps_all: the bundled stack promises also what it promises on request only.

    Raises:
        UserError: the profile cannot be used, or another command holds the target.
        TargetError: a component of the bundled stack did not start.
    """
    from createflow.scenarios.harness.check import injects_faults
    from createflow.scenarios.harness.guardian.client import Guarding
    from createflow.scenarios.harness.lease import Holder
    from createflow.scenarios.harness.store_lease import leases_of

    async with open_profile(source, console, keeps_all=keeps_all) as profile:
        if source.is_bundled:
            yield profile, Guarding(command, is_target_ours=True, held=())
            return
        holder = Holder.this_process(command, is_alone=injects_faults(profile, checks))
        on_message = partial(print_message, console)
        async with leases_of(profile, holder, wait_s=wait_for_lease_s, on_message=on_message) as held:
            yield profile, Guarding(command, is_target_ours=False, held=held)
